"""Real peers hand mail over: never two messages out of one, never other octets than they sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial

import pytest

from tests.inbound.house import PATIENCE, House, open_house
from tests.peers.exim import exim
from tests.peers.haraka import haraka
from tests.peers.installed import needs_exim, needs_haraka, needs_opensmtpd, needs_postfix, needs_swaks
from tests.peers.opensmtpd import opensmtpd
from tests.peers.postfix import postfix
from tests.peers.server import ELSEWHERE, MailServer, Ways
from tests.peers.smuggling import SMUGGLED, VARIANTS, words

pytestmark = [pytest.mark.slow, pytest.mark.peers]

Open = Callable[[Ways], AbstractAsyncContextManager[MailServer]]

PLAIN = b"From: a@sender.example\r\nDate: Mon, 16 Nov 2026 09:12:00 +0000\r\nMessage-ID: <1@sender.example>\r\n\r\n"
BODIES = {
    "dots": b".\r\n..\r\n.x\r\n\r\nend",
    "8bit": "Grüße\r\n".encode() + b"\xff\xfe",
    "long line": b"x" * 5000 + b"\r\nend",
    "large": b"0123456789abcdef\r\n" * 40_000 + b"end",
}
BREAKS_LINES = {"haraka"}
"""Who breaks lines that are too long before we ever see them."""


def bodies(house: House) -> list[bytes]:
    return [octets.partition(b"\r\n\r\n")[2] for _, octets in house.shelf.accepted]


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not what():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "open_sender",
    [
        pytest.param(postfix, marks=needs_postfix),
        pytest.param(exim, marks=needs_exim),
        pytest.param(opensmtpd, marks=needs_opensmtpd),
        pytest.param(haraka, marks=needs_haraka),
    ],
)
async def test_what_a_server_sends_is_what_is_taken(open_sender: Open, tls: ssl.SSLContext) -> None:
    async with open_house(tls=tls) as house, open_sender({ELSEWHERE: house.port}) as sender:
        for name, body in BODIES.items():
            if name == "long line" and sender.name in BREAKS_LINES:
                continue
            house.shelf.accepted.clear()
            await sender.hand_in(PLAIN + (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:])
            await until(lambda: house.shelf.accepted)
            assert bodies(house) == [body + b"\r\n"], name
            assert house.shelf.accepted[0][0].client.tls == "TLSv1.3"
        if sender.name == "exim":
            assert " K " in sender.log.read_text(), "Exim marks what went by CHUNKING"


# Sent or given up: what is deferred comes again, and would be taken for a second message.
POSTFIX_ENDED = r"to=<u@example\.net>,.* status=(?:sent|bounced)"


@pytest.mark.parametrize(
    ("open_sender", "ended"),
    [
        pytest.param(postfix, POSTFIX_ENDED, marks=needs_postfix, id="postfix"),
        pytest.param(
            partial(postfix, bare_newlines="no"),
            POSTFIX_ENDED,
            marks=needs_postfix,
            id="postfix without protection",
        ),
        pytest.param(exim, r"(?:=>|\*\*) u@example\.net R=way", marks=needs_exim, id="exim"),
    ],
)
async def test_nothing_is_smuggled_in(open_sender: Open, ended: str, tls: ssl.SSLContext) -> None:
    async with open_house(tls=tls) as house, open_sender({ELSEWHERE: house.port, "sender.example": 1}) as sender:
        for name, end in VARIANTS.items():
            house.shelf.accepted.clear()
            body, before = b"first" + end + SMUGGLED, sender.said(ended)
            await sender.hand_in_chunk(PLAIN + body + b"\r\n", recipient="u@example.net")
            await sender.wait_for(ended, times=before + 1)
            assert {str(each.envelope.reverse_path) for each, _ in house.shelf.accepted} <= {"a@sender.example"}, name
            assert len(house.shelf.accepted) <= 1, name
            for found in bodies(house):
                assert words(found) == words(body), name


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
