"""Any chunking of any octets gives the message of the plain definition, or a fault; and never a second message."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.inbound.protocol.dots import DotReader
from gateway.mail.message import BadMessage, Fault, Message

PIECES = st.lists(
    st.sampled_from(
        [b"\r\n", b".", b"..", b"\r", b"\n", b"\0", b"a", b"MAIL FROM:<x@y.example>", b"\r\n.\r\n", b"\r\n."]
    )
    | st.binary(max_size=5),
    max_size=30,
).map(b"".join)


def reference(stream: bytes) -> tuple[bytes, bytes] | None:
    """RFC 5321 sections 4.1.1.4 and 4.5.2, line by line: message and what follows it; None without an end."""
    lines: list[bytes] = []
    rest = stream
    while True:
        line, crlf, rest = rest.partition(b"\r\n")
        if not crlf:
            return None
        if line == b".":
            return b"".join(lines), rest
        lines.append(line.removeprefix(b".") + b"\r\n")


def read(stream: bytes, cuts: list[int]) -> tuple[DotReader, bytes, bytes]:
    """Feed the stream cut at those places; the reader, the message, and all that was not part of it."""
    edges = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    reader, found = DotReader(), b""
    for start, end in pairwise(edges):
        found += reader.feed(stream[start:end])
        if reader.finished:
            return reader, found, reader.rest + stream[end:]
    return reader, found, b""


@given(PIECES, st.lists(st.integers(0, 200)))
def test_any_chunking_gives_the_reference_message(stream: bytes, cuts: list[int]) -> None:
    reader, found, rest = read(stream, cuts)
    wanted = reference(stream)
    assert reader.finished == (wanted is not None)
    if wanted is not None:
        assert (found, rest) == wanted


@given(PIECES, st.lists(st.integers(0, 200)))
@example(b"a\rb\nc\r\n.\r\n", [])
@example(b"a\r.\nMAIL FROM:<>\r\n.\r\n", [])
def test_a_fault_is_found_exactly_where_the_data_has_one(stream: bytes, cuts: list[int]) -> None:
    reader, _, _ = read(stream, cuts)
    if reader.finished:
        end = (b"\r\n" + stream).find(b"\r\n.\r\n")
        data = stream[: max(0, end)]
        faulty = bool(re.search(rb"\r(?!\n)|(?<!\r)\n|\0", data))
        assert (reader.fault is not None) == faulty


@given(PIECES, st.lists(st.integers(0, 200)))
def test_what_has_no_fault_is_a_message(stream: bytes, cuts: list[int]) -> None:
    reader, found, _ = read(stream, cuts)
    if reader.finished and reader.fault is None:
        try:
            assert Message.from_wire(found).octets == found
        except BadMessage as bad:
            assert bad.kind == Fault.HEADER_TOO_LARGE


@given(st.binary(max_size=300), st.lists(st.integers(0, 300)))
def test_what_a_correct_client_sends_comes_out_as_it_was(text: bytes, cuts: list[int]) -> None:
    message = re.sub(rb"[\r\n\0]+", b"\r\n", text) + b"\r\n"
    stuffed = re.sub(rb"(?m)^\.", b"..", message)
    reader, found, rest = read(stuffed + b".\r\nQUIT\r\n", cuts)
    assert (reader.finished, reader.fault, found, rest) == (True, None, message, b"QUIT\r\n")


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7])
def test_the_end_is_found_across_chunks(size: int) -> None:
    stream = b"a\r\n..\r\n.b\r\n.\r\nNOOP\r\n"
    reader, found, rest = read(stream, list(range(0, len(stream), size)))
    assert (found, rest, reader.fault) == (b"a\r\n.\r\nb\r\n", b"NOOP\r\n", None)


def test_what_is_held_back_is_bounded() -> None:
    reader = DotReader()
    assert len(reader.feed(b"\r\n.a" * 1000 + b"\r\n.\r")) == 3 * 1000
    assert reader.feed(b"\n") == b"\r\n"
    assert reader.finished
