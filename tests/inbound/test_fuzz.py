"""A session that is told anything, in any order, cut anywhere: every reply is well-formed, nothing of ours leaks, no
exception goes unexpected, nothing is left behind, and nothing with a bare line end is taken.

`python -m tests.inbound.test_fuzz SECONDS [SEED]` goes on for longer than the suite does.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import pytest
from structlog.testing import capture_logs

from gateway.inbound.ports import Door
from gateway.inbound.protocol import proxying
from gateway.inbound.protocol.tls import server_context
from tests.inbound.house import House, make_certificate, open_house
from tests.inbound.talk import Talk

SESSIONS = 4000
SEED = 20261121

LEAKS = re.compile(r"Traceback|Error:|Exception|/[a-z]+/|0x[0-9a-f]{6}|\.py\b|secret")
WITHOUT_STATUS = re.compile(r"(?:220 mx\.example\.net ESMTP|250[ -]|334 ?|354 )")
REPLY = re.compile(r"(?:[2-5][0-5][0-9](?: [245]\.\d{1,3}\.\d{1,3})? [\x20-\x7e]{1,500}|334 [A-Za-z0-9+/=]*)\Z")
CONTINUED = re.compile(r"250-[\x21-\x7e][\x20-\x7e]{0,500}\Z")

PATHS = [
    "<u@example.net>",
    "<v@example.net>",
    "<>",
    "<nobody@example.net>",
    "<x@foreign.example>",
    "<broken@example.net>",
]
PATHS += [
    "<a%b@example.net>",
    '<"a b"@example.net>',
    "<@x:u@example.net>",
    "u@example.net",
    "<ü@example.net>",
    "<<u>",
    "",
]
PARAMETERS = [
    "",
    " SIZE=10",
    " SIZE=99999999999",
    " BODY=8BITMIME",
    " BODY=BINARYMIME",
    " SMTPUTF8",
    " RET=HDRS ENVID=a+2Bb",
]
PARAMETERS += [" NOTIFY=NEVER", " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;a@b", " AUTH=<>", " X=Y", " SIZE", " =", " \xff"]
BODIES = [
    b"",
    b".",
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n.\r\n",
    b"\n.\n",
    b"x",
    b"From: a\r\n\r\n",
    b"\0",
    b"\xff",
    b"MAIL FROM:<>\r\n",
]
GOOD = [b"", b".", b"\r\n", b"\r\n.x", b"x", b"From: a\r\n\r\n", b"\xff", b"MAIL FROM:<>\r\n", b"y" * 3000]
WORDS = [
    b"HELO c",
    b"EHLO c",
    b"EHLO [1]",
    b"RSET",
    b"NOOP x",
    b"VRFY u",
    b"HELP",
    b"EXPN a",
    b"STARTTLS",
    b"AUTH PLAIN",
]
WORDS += [
    b"XCLIENT ADDR=192.0.2.1",
    b"XCLIENT ADDR=IPV6:2001:db8::1 NAME=[TEMPUNAVAIL] PORT=25",
    b"XCLIENT ADDR=x NAME=+00",
    b"XCLIENT HELO=x PROTO=SMTP",
    b"GET / HTTP/1.1",
    b"PROXY UNKNOWN",
    b"FROB",
    b"",
    b"\xff",
]
WORDS += [
    b"DATA x",
    b"BDAT",
    b"BDAT x",
    b"BDAT -1",
    b"BDAT 5 LAST LAST",
    b"x" * 600,
    b"y" * 70_000,
    b"QUIT",
    b"EHLO \xff",
]
ALICE = [b64encode(word) for word in (b"alice", b"correct horse")]
SIGNING_IN = [
    b"AUTH PLAIN " + b64encode(b"\0alice\0correct horse"),
    b"AUTH PLAIN\r\n" + b64encode(b"\0alice\0wrong"),
    b"AUTH LOGIN\r\n" + b"\r\n".join(ALICE),
    b"AUTH LOGIN " + ALICE[0] + b"\r\n*",
    b"AUTH PLAIN =",
    b"AUTH PLAIN !!!!",
    b"AUTH LOGIN\r\n\xff\0",
    b"AUTH CRAM-MD5",
    b"AUTH PLAIN " + b64encode(b"\xff\0\0"),
    b"AUTH LOGIN\r\n" + b"A" * 100_000,
]
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PROXY_HEADERS = [
    b"PROXY TCP4 192.0.2.9 127.0.0.1 4000 25\r\n",
    b"PROXY TCP6 2001:db8::9 ::1 4000 25\r\n",
    b"PROXY UNKNOWN\r\n",
    SIGNATURE + bytes.fromhex("2111000cc00002097f0000010fa00019"),
    SIGNATURE + bytes.fromhex("20000000"),
    SIGNATURE + bytes.fromhex("2111ffff"),
    b"PROXY TCP4 192.0.2.9 127.0.0.1 400000 25\r\n",
    b"PROXY TCP4 " + b"1" * 200 + b"\r\n",
    b"",
]


def command(chance: random.Random) -> bytes:
    """One command, as likely as not to be a good one, with what belongs to it."""
    match chance.randrange(11):
        case 0 | 1:
            return f"MAIL FROM:{chance.choice(PATHS[:4])}{chance.choice(PARAMETERS)}\r\n".encode("latin-1", "replace")
        case 2 | 3:
            return f"RCPT TO:{chance.choice(PATHS)}{chance.choice(PARAMETERS)}\r\n".encode()
        case 4:
            body = b"".join(chance.choices(chance.choice([GOOD, BODIES]), k=chance.randrange(6)))
            return b"DATA\r\n" + body + b"\r\n.\r\n"
        case 5 | 6:
            body = b"".join(chance.choices(chance.choice([GOOD, GOOD, BODIES]), k=chance.randrange(6)))
            size = len(body) + chance.choice([0] * 8 + [-1, 1])
            return b"BDAT %d%s\r\n%s" % (max(size, 0), chance.choice([b"", b" LAST"]), body)
        case 7:
            return b"EHLO client.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<u@example.net>\r\n"
        case 8:
            line = bytearray(command(chance))
            for _ in range(chance.randrange(3)):
                line[chance.randrange(len(line))] = chance.randrange(256)
            return bytes(line)
        case 9:
            return chance.choice(SIGNING_IN) + b"\r\n"
    return chance.choice(WORDS) + chance.choice([b"\r\n"] * 9 + [b"\n"])


@dataclass
class Heard:
    """What the server said in one session."""

    lines: list[str] = field(default_factory=list)

    async def next(self, talk: Talk) -> str:
        """One more line. Raises ConnectionError when there is none."""
        line = await talk.line()
        if not line:
            raise ConnectionError
        self.lines.append(line)
        return line


async def one_session(house: House, chance: random.Random) -> Heard:
    """Say some commands, cut into packets anywhere, and listen to the end."""
    heard = Heard()
    door = chance.choice([Door.MX] * 8 + [Door.SUBMISSION, Door.SUBMISSIONS])
    talk = await Talk.to(house.ports[door])
    try:
        if house.is_behind_balancer:
            await talk.send(a_header(chance))
        await introduce(talk, door, chance, heard)
        await say(talk, chance, heard)
    except (ConnectionError, OSError, TimeoutError):
        pass  # it has hung up, as it may
    await talk.close()
    return heard


def a_header(chance: random.Random) -> bytes:
    """A PROXY header, a good one as a rule."""
    header = bytearray(chance.choice(PROXY_HEADERS if chance.random() < 0.3 else PROXY_HEADERS[:5]))
    if chance.random() < 0.1 and header:
        header[chance.randrange(len(header))] = chance.randrange(256)
    return bytes(header)


async def introduce(talk: Talk, door: Door, chance: random.Random, heard: Heard) -> None:
    """Wait for the greeting as a rule; begin TLS where it belongs, or elsewhere, with octets put in before."""
    if door is Door.SUBMISSIONS:
        if chance.random() < 0.1:
            await talk.send(b"EHLO c\r\n")
        await talk.start_tls()
    if chance.random() < 0.8:
        await heard.next(talk)
        if door is Door.SUBMISSION or chance.random() < 0.02:
            await talk.send(b"STARTTLS\r\n" + chance.choice([b"", b"", b"RSET\r\nMAIL FROM:<>\r\n"]))
            if (await heard.next(talk)).startswith("220 "):
                await talk.start_tls()
    if door.is_submission:
        await talk.send(b"EHLO c\r\n" + chance.choice(SIGNING_IN[:3]) + b"\r\n")


async def say(talk: Talk, chance: random.Random, heard: Heard) -> None:
    """The conversation. Within TLS no half of it can be closed, so there the client just leaves."""
    octets = b"".join([b"EHLO c\r\n", *(command(chance) for _ in range(chance.randrange(1, 14)))])
    while octets:
        size = chance.choice([1, 7, 100, 100_000])
        await talk.send(octets[:size])
        octets = octets[size:]
        if chance.random() < 0.3:
            await asyncio.sleep(0)
    if not talk.writer.can_write_eof():
        return
    talk.writer.write_eof()
    while True:
        await heard.next(talk)


def check(heard: Heard) -> None:
    for line in heard.lines:
        assert CONTINUED.match(line) or REPLY.match(line), repr(line)
        assert not LEAKS.search(line.replace("ESMTP Postern", "")), repr(line)
        if not WITHOUT_STATUS.match(line):
            code, status = line.split(" ")[:2]
            assert re.match(rf"{code[0]}\.\d+\.\d+\Z", status), repr(line)


@asynccontextmanager
async def _hasty_balancers() -> AsyncIterator[None]:
    """Half a PROXY header is not waited for as long as usual."""
    with patch.object(proxying, "PROXY_PATIENCE", 0.02):
        yield


async def fuzz(seed: int, *, sessions: int, seconds: float) -> int:
    """Play sessions until there were so many, or the time is over; gives how many. A failure names the seed of its
    session."""
    played, until = 0, time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        tls = server_context(*make_certificate(Path(folder)))
    limits = {"message_size": 5000, "patient_errors": 5}
    async with (
        _hasty_balancers(),
        open_house(limits=limits, tls=tls, listen={"xclient_networks": ["127.0.0.1"]}) as direct,
        open_house(limits=limits, tls=tls, listen={"proxy_networks": ["127.0.0.1"]}) as balanced,
    ):
        while played < sessions and time.monotonic() < until:
            own = f"{seed}-{played}"
            house = balanced if played % 4 == 3 else direct
            with capture_logs() as logs:
                heard = await one_session(house, random.Random(own))
                await house.is_left()
            try:
                check(heard)
                unexpected = [
                    each for each in logs if "exc_info" in each and each["event"] != "recipient validation failed"
                ]
                assert unexpected == [], unexpected
                assert house.shelf.open_sinks == []
                for _, octets in house.shelf.accepted:
                    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", octets)
            except AssertionError as error:
                raise AssertionError(f"session {own}: {error}") from error
            house.shelf.accepted.clear()
            house.shelf.refusals.clear()
            played += 1
    return played


@pytest.mark.parametrize("part", range(4))
async def test_a_session_can_be_told_anything(part: int) -> None:
    assert await fuzz(SEED + part, sessions=SESSIONS // 4, seconds=60) > 0


def test_the_fuzz_reaches_all_that_matters() -> None:
    said = b"".join(command(random.Random(number)) for number in range(3000))
    verbs = (b"MAIL FROM:", b"RCPT TO:", b"DATA\r\n", b"BDAT ", b" LAST", b"STARTTLS", b"AUTH ", b"XCLIENT ")
    for word in (*verbs, b"\xff", b"\n.\n"):
        assert word in said


if __name__ == "__main__":
    allowed = float(sys.argv[1])
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 10**9
    count = asyncio.run(fuzz(chosen, sessions=10**9, seconds=allowed))
    print(f"seed {chosen}: {count} sessions, nothing unexpected")
