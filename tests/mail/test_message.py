from __future__ import annotations

import mmap
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.message import MAX_HEADER, BadMessage, Fault, Message

PIECES = st.lists(
    st.sampled_from([b"A: b", b"\r\n", b" ", b"\t", b"\r", b"\n", b"\0", b":", b"Subject", b"x" * 20, b"\xff"]),
    max_size=30,
).map(b"".join)


def test_finds_fields_and_body() -> None:
    octets = b"From: a\r\nSubject : folded\r\n\t more \r\nX:\r\n\r\nbody\r\n"
    message = Message.from_wire(octets)
    assert [(each.name, each.value) for each in message.fields] == [
        (b"From", b" a"),
        (b"Subject", b" folded\r\n\t more "),
        (b"X", b""),
    ]
    assert (message.body, message.size, message.header + message.body) == (b"body\r\n", len(octets), octets)
    assert message.first(b"SUBJECT") == b" folded\r\n\t more "
    assert message.first(b"absent") is None
    assert message.values(b"x") == [b""]


def test_a_message_may_lack_header_or_body() -> None:
    assert Message.from_wire(b"\r\nbody\r\n").body == b"body\r\n"
    assert Message.from_wire(b"A: b\r\n").body == b""
    assert Message.from_wire(b"A: b").values(b"a") == [b" b"]
    assert Message.from_wire(b"").fields == ()


def test_a_line_that_is_no_field_is_passed_over() -> None:
    message = Message.from_wire(b" lost\r\nFrom x Tue 12:00:00\r\nA: 1\r\nno colon\r\nB\xff: 2\r\nC: 3\r\n\r\n")
    assert [each.name for each in message.fields] == [b"A", b"C"]


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (b"A: b\n\r\n", Fault.BARE_LF),
        (b"A: b\r\n\r\nx\r.\r\n", Fault.BARE_CR),
        (b"A: b\r\r\n", Fault.BARE_CR),
        (b"A: b\r\n\r\nx\n.\r\n", Fault.BARE_LF),
        (b"A: b\r\n\r\nx\r.\n", Fault.BARE_CR),
        (b"A: b\r\n\r\nx\ry\n.\r\n", Fault.BARE_CR),
        (b"A: b\r\n\r\n" + b"x" * (256 * 1024 - 9) + b"\ry\n", Fault.BARE_CR),
        (b"A: b\r\n\r\nx\0\r\n", Fault.NUL),
        (b"A: " + b"b" * MAX_HEADER + b"\r\n\r\n", Fault.HEADER_TOO_LARGE),
        (b"A: b\r\n" * (MAX_HEADER // 6 + 1), Fault.HEADER_TOO_LARGE),
    ],
)
def test_refuses_what_two_readers_would_read_differently(octets: bytes, kind: str, tmp_path: Path) -> None:
    with pytest.raises(BadMessage) as caught:
        Message.from_wire(octets)
    assert caught.value.kind == kind
    path = tmp_path / "spooled"
    path.write_bytes(octets)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        with pytest.raises(BadMessage) as caught:
            Message.from_wire(mapped)
        assert caught.value.kind == kind


@given(PIECES | st.binary(max_size=200))
def test_any_octets_give_a_message_or_bad_message(octets: bytes) -> None:
    """Any octets give a Message whose fields stand where they say, or BadMessage, and nothing else."""
    try:
        message = Message.from_wire(octets)
    except BadMessage:
        return
    assert octets.replace(b"\r\n", b"").count(b"\r") == octets.replace(b"\r\n", b"").count(b"\n") == 0
    assert message.header + message.body == octets
    position = 0
    for field in message.fields:
        assert position <= field.start < field.end <= message.body_offset
        raw = octets[field.start : field.end]
        assert raw.startswith(field.name)
        assert raw.removesuffix(b"\r\n").endswith(b":" + field.value)
        position = field.end


@given(PIECES)
def test_a_bare_line_end_is_refused_wherever_it_stands(octets: bytes) -> None:
    faulty = re.search(rb"\r(?!\n)|(?<!\r)\n|\0", octets) is not None
    try:
        Message.from_wire(octets)
    except BadMessage:
        assert faulty
    else:
        assert not faulty


def test_a_line_end_across_pieces_is_one() -> None:
    assert Message.from_wire(b"A: b\r\n\r\n" + b"x" * (256 * 1024 - 9) + b"\r\ny\r\n").body.endswith(b"\r\ny\r\n")
