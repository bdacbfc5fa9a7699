"""A session that is told anything, in any order, cut anywhere: every reply is well-formed, nothing of ours leaks, no
exception goes unexpected, nothing is left behind, and nothing with a bare line end is taken.

`python -m tests.inbound.test_fuzz SECONDS [SEED]` goes on for longer than the suite does.
"""

from __future__ import annotations

import asyncio
import random
import re
import sys
import time
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from tests.inbound.house import House, open_house
from tests.inbound.talk import Talk

SESSIONS = 4000
SEED = 20261121

LEAKS = re.compile(r"Traceback|Error:|Exception|/[a-z]+/|0x[0-9a-f]{6}|\.py\b|secret")
WITHOUT_STATUS = re.compile(r"(?:220 mx\.example\.net ESMTP|250[ -]|334 |354 )")
REPLY = re.compile(r"[2-5][0-5][0-9](?: [245]\.\d{1,3}\.\d{1,3})? [\x20-\x7e]{1,500}\Z")
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


def command(chance: random.Random) -> bytes:
    """One command, as likely as not to be a good one, with what belongs to it."""
    match chance.randrange(10):
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
    return chance.choice(WORDS) + chance.choice([b"\r\n"] * 9 + [b"\n"])


@dataclass
class Heard:
    """What the server said in one session."""

    lines: list[str] = field(default_factory=list)


async def one_session(house: House, chance: random.Random) -> Heard:
    """Say some commands, cut into packets anywhere, and listen to the end."""
    heard = Heard()
    talk = await Talk.to(house.port)
    octets = b"".join([b"EHLO c\r\n", *(command(chance) for _ in range(chance.randrange(1, 14)))])
    if chance.random() < 0.8:
        heard.lines.append(await talk.line())
    try:
        while octets:
            size = chance.choice([1, 7, 100, 100_000])
            await talk.send(octets[:size])
            octets = octets[size:]
            if chance.random() < 0.3:
                await asyncio.sleep(0)
        talk.writer.write_eof()
        while line := await talk.line():
            heard.lines.append(line)
    except (ConnectionError, OSError):
        pass  # it has hung up, as it may
    await talk.close()
    return heard


def check(heard: Heard) -> None:
    for line in heard.lines:
        assert CONTINUED.match(line) or REPLY.match(line), repr(line)
        assert not LEAKS.search(line.replace("ESMTP Postern", "")), repr(line)
        if not WITHOUT_STATUS.match(line):
            code, status = line.split(" ")[:2]
            assert re.match(rf"{code[0]}\.\d+\.\d+\Z", status), repr(line)


async def fuzz(seed: int, *, sessions: int, seconds: float) -> int:
    """Play sessions until there were so many, or the time is over; gives how many. A failure names the seed of its
    session."""
    played, until = 0, time.monotonic() + seconds
    async with open_house(
        limits={"message_size": 5000, "patient_errors": 5}, listen={"xclient_networks": ["127.0.0.1"]}
    ) as house:
        while played < sessions and time.monotonic() < until:
            own = f"{seed}-{played}"
            with capture_logs() as logs:
                heard = await one_session(house, random.Random(own))
                async with asyncio.timeout(10):
                    while house.front.connections:
                        await asyncio.sleep(0)
            try:
                check(heard)
                unexpected = [
                    each for each in logs if "exc_info" in each and each["event"] != "recipient validation failed"
                ]
                assert unexpected == []
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
    for word in (b"MAIL FROM:", b"RCPT TO:", b"DATA\r\n", b"BDAT ", b" LAST", b"STARTTLS", b"\xff", b"\n.\n"):
        assert word in said


if __name__ == "__main__":
    allowed = float(sys.argv[1])
    chosen = int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 10**9
    count = asyncio.run(fuzz(chosen, sessions=10**9, seconds=allowed))
    print(f"seed {chosen}: {count} sessions, nothing unexpected")
