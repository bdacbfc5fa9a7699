from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.authentication.taglist import BadTagList, parse, without_value, without_white_space


def test_reads_tags_and_undoes_folding() -> None:
    assert parse(b" v=1; a = rsa-sha256;\r\n\tb=AA\r\n BB ;h=from : to;") == {
        b"v": b"1",
        b"a": b"rsa-sha256",
        b"b": b"AA BB",
        b"h": b"from : to",
    }


def test_a_value_may_be_empty_and_hold_equals_signs() -> None:
    assert parse(b"p=;b=AA==") == {b"p": b"", b"b": b"AA=="}


@pytest.mark.parametrize("text", [b"v", b"v=1;;b=2", b"=1", b"1a=2", b"v=1; v=2", b"a=\x01", b"a b=1", b"a=1;" * 100])
def test_refuses_what_does_not_fit_the_grammar(text: bytes) -> None:
    with pytest.raises(BadTagList):
        parse(text)


@pytest.mark.parametrize(
    ("text", "without"),
    [
        (b" v=1; b=AAA; bh=BBB", b" v=1; b=; bh=BBB"),
        (b" v=1; bh=B=B; b = A=A\r\n A ", b" v=1; bh=B=B; b ="),
        (b"b=A;\r\n\tb=C", b"b=;\r\n\tb=C"),
        (b"bh=b=A", b"bh=b=A"),
        (b"", b""),
    ],
)
def test_takes_one_value_out_and_touches_nothing_else(text: bytes, without: bytes) -> None:
    assert without_value(text, b"b") == without


def test_white_space_without_meaning() -> None:
    assert without_white_space(b" A\r\n\tB ") == b"AB"


@given(st.binary(max_size=200))
def test_any_octets_are_tags_or_an_error(text: bytes) -> None:
    """Any octets give tags or BadTagList."""
    try:
        tags = parse(text)
    except BadTagList:
        return
    assert all(name.isascii() for name in tags)


@given(
    st.dictionaries(
        st.sampled_from([b"v", b"b", b"bh", b"d"]), st.sampled_from([b"", b"A", b"A=B", b" A\r\n B "]), min_size=1
    )
)
def test_taking_a_value_out_leaves_the_other_tags(tags: dict[bytes, bytes]) -> None:
    """Without its value a tag is empty, and every other tag is what it was."""
    text = b"; ".join(name + b"=" + value for name, value in tags.items())
    before, after = parse(text), parse(without_value(text, b"b"))
    assert after == {**before, **({b"b": b""} if b"b" in before else {})}
