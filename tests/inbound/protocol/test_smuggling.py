"""Every end of data that some server may take for one, cut at every octet: only CRLF.CRLF is one here, and what stands
between is refused or, normalised, one message."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import pytest

from gateway.inbound.protocol.dots import DotReader
from gateway.inbound.protocol.line_ends import Normaliser

ALPHABET = (b"\r", b"\n", b".", b"\0", b"\x85", b"x")
SMUGGLED = b"MAIL FROM:<smuggled@evil.example>\r\nDATA\r\n"


def streams(length: int) -> Iterator[bytes]:
    """A message, an end of so many octets that may be none, commands, and the true end."""
    for ending in itertools.product(ALPHABET, repeat=length):
        yield b"Subject: x\r\n\r\nbody" + b"".join(ending) + SMUGGLED + b"\r\n.\r\n"


def outcome(stream: bytes, cut: int) -> tuple[bytes, bytes, bool]:
    """The message, what stayed unread, and whether it is refused."""
    reader, found = DotReader(), b""
    for piece in (stream[:cut], stream[cut:]):
        if reader.finished:
            return found, reader.rest + piece, reader.fault is not None
        found += reader.feed(piece)
    assert reader.finished
    return found, reader.rest, reader.fault is not None


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5])
def test_only_one_sequence_ends_data(length: int) -> None:
    for stream in streams(length):
        wanted_end = stream.index(b"\r\n.\r\n")
        before = stream[: wanted_end + 2]
        found, rest, is_refused = outcome(stream, 0)
        assert rest == stream[wanted_end + 5 :], stream
        assert is_refused == bool(re.search(rb"\r(?!\n)|(?<!\r)\n|\0", before)), stream
        assert found == before.replace(b"\r\n.", b"\r\n")


@pytest.mark.parametrize("length", [2, 3, 4])
def test_where_it_is_cut_makes_no_difference(length: int) -> None:
    for stream in streams(length):
        whole = outcome(stream, 0)
        for cut in range(14, 24 + length):
            assert outcome(stream, cut) == whole, (stream, cut)


def test_normalised_it_is_still_one_message_and_no_octet_of_text_is_lost() -> None:
    for stream in streams(4):
        found, _, is_refused = outcome(stream, 0)
        if is_refused:
            normaliser = Normaliser()
            lines = normaliser.feed(found) + normaliser.end()
            assert re.sub(rb"[\r\n]", b"", lines) == re.sub(rb"[\r\n]", b"", found)
