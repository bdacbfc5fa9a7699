from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.protocol.chunks import ChunkReader
from gateway.inbound.protocol.dots import DotReader
from gateway.mail.message import BadMessage, Fault, Message

octets = st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"\0", b"a", b"\xff", b"\r\n.\r\n"]), max_size=30).map(
    b"".join
)
lines = st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"\xff", b"From: x"]), max_size=12).map(
    lambda each: b"".join(line + b"\r\n" for line in each)
)
cuts = st.lists(st.integers(0, 60), max_size=8)


def pieces(whole: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(each, len(whole)) for each in at), len(whole)]
    return [whole[start:end] for start, end in itertools.pairwise(edges)]


def read(chunks: list[bytes]) -> tuple[bytes, str | None]:
    reader = ChunkReader()
    given_out = b"".join([*map(reader.feed, chunks), reader.end()])
    return given_out, reader.fault


@given(lines, cuts)
def test_a_message_in_chunks_is_the_same_as_after_data(message: bytes, at: list[int]) -> None:
    dots = DotReader()
    after_data = dots.feed((b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
    assert dots.finished
    assert read(pieces(message, at)) == (after_data, None)
    assert after_data == message


@given(octets, cuts)
def test_where_chunks_are_cut_makes_no_difference(message: bytes, at: list[int]) -> None:
    assert read(pieces(message, at)) == read([message])


@given(octets, cuts)
def test_a_message_without_fault_is_a_message_and_one_with_a_fault_is_none(message: bytes, at: list[int]) -> None:
    found, fault = read(pieces(message, at))
    if fault is None:
        assert Message.from_wire(found).octets == found
        assert found in (message, message + b"\r\n")
    else:
        with pytest.raises(BadMessage):
            Message.from_wire(message)


def test_a_return_at_the_end_of_the_message() -> None:
    assert read([b"x\r"]) == (b"x\r", Fault.BARE_CR)


def test_a_message_that_is_empty_stays_empty() -> None:
    assert read([b"", b""]) == (b"", None)
