"""gateway/mailbox/copies.py: copies in a real Dovecot."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mailbox.copies import StoreCopies, StoreSilent, ours
from gateway.mailbox.store import StoreLayout, layout_of

REFERENCE = "0ABCDEFGHJKMN"
OURS = (
    f"Received: from x by mx.example.org with ESMTP id {REFERENCE}\r\n"
    "\tfor <alice@example.org>; Mon, 2 Nov 2026 10:00:00 +0000\r\nX-Postern-Score: 1.0\r\n"
    "Received: from a forger id ZZZZ\r\nSubject: hello\r\n\r\nText:\r\n.a dot\r\n\r\ntext:\r\nend\r\n"
).encode()


def hand_over(layout: StoreLayout, octets: bytes) -> None:
    """By LMTP (RFC 2033), as the courier does."""
    with closing(socket.socket(socket.AF_UNIX)) as channel:
        channel.connect(str(layout.lmtp))
        with channel.makefile("rwb") as stream:

            def say(line: bytes, expected: bytes) -> None:
                stream.write(line)
                stream.flush()
                while (reply := stream.readline())[3:4] == b"-":
                    continue
                assert reply.startswith(expected), reply

            say(b"", b"220")
            say(b"LHLO x\r\n", b"250")
            say(b"MAIL FROM:<a@b.example>\r\n", b"250")
            say(b"RCPT TO:<alice+news@example.org>\r\n", b"250")
            say(b"DATA\r\n", b"354")
            say(octets.replace(b"\r\n.", b"\r\n..") + b".\r\n", b"250")


@pytest.mark.dovecot
async def test_a_copy_is_read_as_it_was_handed_over_and_taken_away(layout: StoreLayout) -> None:
    copies = StoreCopies(layout)
    assert await copies.read("alice@example.org", REFERENCE) is None
    await asyncio.to_thread(hand_over, layout, OURS)
    await asyncio.to_thread(hand_over, layout, OURS.replace(REFERENCE.encode(), b"0OTHERMESSAGE"))
    assert await copies.read("alice@example.org", REFERENCE) == OURS
    await copies.remove("alice@example.org", REFERENCE)
    assert await copies.read("alice@example.org", REFERENCE) is None
    assert await copies.read("alice@example.org", "0OTHERMESSAGE") is not None
    await copies.remove("alice@example.org", REFERENCE)


@pytest.mark.dovecot
async def test_a_mailbox_that_is_not_there_has_no_copies(layout: StoreLayout) -> None:
    assert await StoreCopies(layout).read("nobody@example.org", REFERENCE) is None


@pytest.mark.dovecot
@pytest.mark.parametrize(
    ("owner", "reference"), [("-u", REFERENCE), ("alice@example.org", "x OR ALL"), ("", REFERENCE)]
)
async def test_what_could_be_an_option_or_a_query_is_refused(layout: StoreLayout, owner: str, reference: str) -> None:
    with pytest.raises(StoreSilent):
        await StoreCopies(layout).read(owner, reference)


@pytest.mark.dovecot
async def test_a_store_that_is_not_there_is_silent(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o711)
    with pytest.raises(StoreSilent):
        await StoreCopies(layout_of(tmp_path)).read("alice@example.org", REFERENCE)


@given(st.binary(max_size=300))
def test_octets_without_our_field_on_top_are_none_of_ours(stored: bytes) -> None:
    assert ours(stored, REFERENCE) is None
