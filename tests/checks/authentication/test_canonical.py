from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.authentication import canonical
from gateway.checks.authentication.canonical import Form, body_chunks, body_hash, body_hashes, header_field


def body(octets: bytes, form: Form) -> bytes:
    return b"".join(body_chunks(octets, 0, form))


def by_the_book(octets: bytes, form: Form) -> bytes:
    """RFC 6376 sections 3.4.3 and 3.4.4, line by line."""
    lines = octets.split(b"\r\n")
    if form is Form.RELAXED:
        lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        return b"" if form is Form.RELAXED else b"\r\n"
    return b"\r\n".join(lines) + b"\r\n"


def test_the_example_of_the_standard() -> None:
    """RFC 6376 section 3.4.5."""
    octets = b" C \r\nD \t E\r\n\r\n\r\n"
    assert body(octets, Form.RELAXED) == b" C\r\nD E\r\n"
    assert body(octets, Form.SIMPLE) == b" C \r\nD \t E\r\n"
    assert header_field(b"A", b" X", b"A: X", Form.RELAXED) == b"a:X"
    assert header_field(b"B ", b" Y\t\r\n\tZ  ", b"B : Y\t\r\n\tZ  ", Form.SIMPLE) == b"B : Y\t\r\n\tZ  "
    assert header_field(b"B", b" Y\t\r\n\tZ  ", b"B : Y\t\r\n\tZ  ", Form.RELAXED) == b"b:Y Z"


def test_empty_bodies_differ() -> None:
    assert body(b"", Form.SIMPLE) == b"\r\n"
    assert body(b"", Form.RELAXED) == b""
    assert body(b"\r\n\r\n", Form.SIMPLE) == b"\r\n"
    assert body(b" \r\n\t\r\n", Form.RELAXED) == b""


def test_a_limit_cuts_the_canonical_body() -> None:
    found = body_hashes(b"xx" + b"ab  c\r\n\r\n", 2, Form.RELAXED, limits={3, None, 0, 100})
    assert found[3].digest == hashlib.sha256(b"ab ").digest()
    assert found[0].digest == hashlib.sha256(b"").digest()
    assert {limit: (each.covered, each.length) for limit, each in found.items()} == {
        3: (3, 6),
        None: (6, 6),
        0: (0, 6),
        100: (6, 6),
    }
    assert found[None] == body_hash(b"ab  c\r\n", 0, Form.RELAXED)


@given(st.binary(max_size=60).map(lambda octets: octets.replace(b"\r", b"").replace(b"\n", b"\r\n")), st.integers(1, 7))
def test_every_limit_is_a_prefix_of_the_canonical_body(octets: bytes, chunk: int) -> None:
    """For any body, each limit gives the hash of that many octets of what the whole hash covers."""
    usual = canonical.CHUNK
    canonical.CHUNK = chunk  # type: ignore[misc]
    try:
        whole = body(octets, Form.RELAXED)
        found = body_hashes(octets, 0, Form.RELAXED, limits=range(len(whole) + 2))
    finally:
        canonical.CHUNK = usual  # type: ignore[misc]
    for limit, each in found.items():
        assert limit is not None
        assert each.digest == hashlib.sha256(whole[:limit]).digest()


PIECES = st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"  ", b"word", b"\xff"]), max_size=40).map(b"".join)


@pytest.mark.parametrize("form", list(Form))
@given(octets=PIECES, chunk=st.integers(min_value=1, max_value=9))
@settings(max_examples=300)
def test_is_what_the_standard_says_however_it_is_cut(form: Form, octets: bytes, chunk: int) -> None:
    """For any body and any size of pieces the canonical body is that of the standard, read line by line."""
    usual = canonical.CHUNK
    canonical.CHUNK = chunk  # type: ignore[misc]
    try:
        found = body(octets, form)
    finally:
        canonical.CHUNK = usual  # type: ignore[misc]
    assert found == by_the_book(octets, form)
    assert body(found, form) == found
