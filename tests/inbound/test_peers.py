"""Real peers hand mail over: never two messages out of one, never other octets than they sent."""

from __future__ import annotations

import asyncio
import re
import ssl

import pytest

from tests.inbound.house import House, open_house
from tests.inbound.peers import Sender, exim, needs_exim, needs_postfix, needs_swaks, postfix

pytestmark = [pytest.mark.slow, pytest.mark.peers]

SMUGGLED = b"MAIL FROM:<smuggled@evil.example>\r\nRCPT TO:<u@example.net>\r\nDATA\r\nSubject: two\r\n\r\nsmuggled"

ENDS = {
    "lf-dot-lf": b"\n.\n",
    "lf-dot-crlf": b"\n.\r\n",
    "crlf-dot-lf": b"\r\n.\n",
    "cr-dot-cr": b"\r.\r",
    "cr-dot-crlf": b"\r.\r\n",
    "crlf-dot-cr": b"\r\n.\r",
    "crcrlf-dot": b"\r\r\n.\r\r\n",
    "lf-lf-dot": b"\n\n.\r\n",
    "cr-lf-dot-cr": b"\r\n\r.\r\n",
}
"""What a careless server takes for the end of DATA; none of it is."""

PLAIN = b"From: a@sender.example\r\nSubject: one\r\n\r\n"


def words(body: bytes) -> list[bytes]:
    """What senders agree on: each has its own way with bare line ends and the dots around them (a line end, a blank,
    nothing); the words stay, in their order."""
    return re.sub(rb"[\r\n. ]+", b" ", body).split()


def bodies(house: House) -> list[bytes]:
    return [octets.partition(b"\r\n\r\n")[2] for _, octets in house.shelf.accepted]


async def hand_over(sender: Sender, house: House, body: bytes, *, done: str) -> None:
    """Let the sender relay one message, and wait until it has got an answer for it."""
    before = sender.log.read_text(errors="replace").count(done) if sender.log.exists() else 0
    await sender.hand_in(PLAIN + body)
    await sender.wait_for(done, times=before + 1)


BODIES = {
    "dots": b".\r\n..\r\n.x\r\n\r\nend",
    "8bit": "Grüße\r\n".encode() + b"\xff\xfe",
    "long line": b"x" * 5000 + b"\r\nend",
    "large": b"0123456789abcdef\r\n" * 40_000 + b"end",
}


async def check_ordinary(sender: Sender, house: House, *, done: str) -> None:
    for name, body in BODIES.items():
        await hand_over(sender, house, (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:], done=done)
        assert bodies(house)[-1] == body + b"\r\n", name
    assert len(house.shelf.accepted) == len(BODIES)


async def check_smuggling(sender: Sender, house: House, *, done: str) -> None:
    for name, end in ENDS.items():
        house.shelf.accepted.clear()
        body = b"first" + end + SMUGGLED
        await hand_over(sender, house, body, done=done)
        taken = [
            (acceptance.envelope, found)
            for (acceptance, _), found in zip(house.shelf.accepted, bodies(house), strict=True)
            if acceptance.envelope.reverse_path is not None
        ]
        assert len(taken) <= 1, name
        for envelope, found in taken:
            assert str(envelope.reverse_path) == "a@sender.example", name
            assert words(found) == words(body), name


@needs_postfix
async def test_postfix_as_sender(tls: ssl.SSLContext) -> None:
    async with open_house(tls=tls) as house, postfix(house.port) as sender:
        await check_ordinary(sender, house, done="to=<u@example.net>, relay=127.0.0.1")
        assert {acceptance.client.tls for acceptance, _ in house.shelf.accepted} == {"TLSv1.3"}
        await check_smuggling(sender, house, done="to=<u@example.net>, relay")


@needs_exim
async def test_exim_as_sender_speaks_in_chunks() -> None:
    async with open_house() as house, exim(house.port) as sender:
        await check_ordinary(sender, house, done="u@example.net R=gateway")
        assert " K " in sender.log.read_text(), "Exim marks what went by CHUNKING"
        await check_smuggling(sender, house, done="u@example.net R=gateway")


async def swaks(port: int, *arguments: str) -> int:
    process = await asyncio.create_subprocess_exec(
        "swaks", "--server", "127.0.0.1", "--port", str(port), "--from", "a@sender.example", "--timeout", "20",
        *arguments, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    return await process.wait()


@needs_swaks
async def test_swaks(tls: ssl.SSLContext) -> None:
    async with open_house(tls=tls) as house:
        ours = ("--to", "u@example.net")
        assert await swaks(house.port, *ours) == 0
        assert await swaks(house.port, *ours, "--pipeline") == 0
        assert await swaks(house.port, *ours, "--protocol", "SMTP") == 0
        for version in ("tlsv1_2", "tlsv1_3"):
            assert await swaks(house.port, *ours, "--tls", "--tls-protocol", version) == 0
        said = [(acceptance.client.esmtp, acceptance.client.tls) for acceptance, _ in house.shelf.accepted]
        assert said == [(True, ""), (True, ""), (False, ""), (True, "TLSv1.2"), (True, "TLSv1.3")]
        for version in ("tlsv1", "tlsv1_1"):
            assert await swaks(house.port, *ours, "--tls", "--tls-protocol", version) == 29, "TLS was not agreed upon"
        assert await swaks(house.port, "--to", "x@elsewhere.example") == 24, "no recipient was taken"
        assert len(house.shelf.accepted) == 5
