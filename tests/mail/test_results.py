from __future__ import annotations

import re

import authres
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.message import Message
from gateway.mail.results import StatedResult, forged_results, own_results
from gateway.mail.trace import MethodResult, authentication_results

OURS = [
    b" mx.example.org; spf=pass",
    b" MX.Example.ORG; spf=pass",
    b" mx.example.org 1; spf=pass",
    b"\r\n\tmx.example.org\r\n\t; spf=pass",
    b" (a (nested) comment) mx.example.org (x); spf=pass",
    b' "mx.example.org"; spf=pass',
    b' "mx.exam\\ple.org"; spf=pass',
    b" mx.example.org.; spf=pass",
    b" mx.example.org",
    b" mx.(x)example.org; spf=pass",
    b" mx . example . org; spf=pass",
    b" mx.example.org spf=pass; dkim=pass",
    b" (unclosed mx.example.org; spf=pass",
    b' "unclosed mx.example.org; spf=pass',
]
OTHERS = [
    b" other.example; spf=pass",
    b" mx.example.org.evil.example; spf=pass",
    b" amx.example.org; spf=pass",
    b" other.example (mx.example.org); spf=pass smtp.helo=mx.example.org",
    b" example.org; spf=pass",
    b"",
    b" ;",
    b" 1; x",
]


@pytest.mark.parametrize("value", OURS)
@pytest.mark.parametrize("name", [b"Authentication-Results:", b"AUTHENTICATION-RESULTS :"])
def test_finds_fields_that_claim_to_be_ours(value: bytes, name: bytes) -> None:
    before = b"From: a@b.example\r\n"
    forged = name + value + b"\r\n"
    octets = before + forged + b"Subject: x\r\n\r\nbody\r\n"
    assert forged_results(Message.from_wire(octets), "mx.example.org") == ((len(before), len(before) + len(forged)),)


@pytest.mark.parametrize("value", OTHERS)
def test_leaves_the_fields_of_others(value: bytes) -> None:
    octets = (
        b"Authentication-Results:" + value + b"\r\nARC-Authentication-Results: i=1; mx.example.org; spf=pass\r\n\r\n"
    )
    assert forged_results(Message.from_wire(octets), "mx.example.org") == ()


@given(st.binary(max_size=120) | st.text(alphabet='mx.exaplorg()"\\; 1\t', max_size=60).map(str.encode))
def test_what_a_parser_takes_for_ours_is_found(value: bytes) -> None:
    """Every field whose authserv-id authres reads as ours is found, in any octets."""
    value = re.sub(rb"[\r\n\0]", b"", value)
    octets = b"Authentication-Results: " + value + b"\r\n\r\n"
    found = forged_results(Message.from_wire(octets), "mx.example.org")
    try:
        claimed = authres.AuthenticationResultsHeader.parse_value(value.decode("latin-1")).authserv_id
    except authres.AuthResError:
        return
    assert found or claimed != "mx.example.org"


def test_our_own_field_would_be_found() -> None:
    field = authentication_results("mx.example.org", [MethodResult("spf", "pass")])
    assert forged_results(Message.from_wire(field + b"\r\n"), "MX.example.org") == ((0, len(field)),)


SPELLINGS = st.tuples(
    st.sampled_from([b"", b" ", b"\r\n\t", b"(a (b) \\) ; mx) ", b" \r\n (x)\r\n "]),
    st.lists(st.booleans(), min_size=14, max_size=14),
    st.sampled_from([b"", b".", b" (c)", b" 1", b" (c) 1 (d)", b"\r\n 1", b"\t1\t"]),
    st.sampled_from([b";", b" ;", b"\r\n ;", b"; spf=pass", b"; none", b" ; dkim=pass header.d=bank.example"]),
    st.booleans(),
)


@given(
    SPELLINGS, st.sampled_from([b"Authentication-Results:", b"authentication-RESULTS :", b"AUTHENTICATION-RESULTS:"])
)
def test_any_spelling_of_our_id_is_found(spelling: tuple[bytes, list[bool], bytes, bytes, bool], name: bytes) -> None:
    """Case, folding, comments, a version, quoting and a final dot hide our id from nobody."""
    before, upper, after, rest, quoted = spelling
    own = bytes(
        octet - 32 if up and chr(octet).isalpha() else octet for octet, up in zip(b"mx.example.org", upper, strict=True)
    )
    if quoted:
        own = b'"' + own + b'"'
    field = name + before + own + after + rest + b"\r\n"
    assert forged_results(Message.from_wire(field + b"\r\n"), "mx.example.org") == ((0, len(field)),)


def test_our_own_results_are_read_with_their_comments() -> None:
    octets = (
        b"Authentication-Results: MX.example.org 1;\r\n spf=pass (a; b\\)) smtp.mailfrom=a@b.example;\r\n"
        b'\tdkim/1 = FAIL reason="x; y" header.d=c.example\r\n'
        b"Authentication-Results: other.example; dmarc=pass\r\n"
        b"Authentication-Results: mx.example.org; none\r\n\r\n"
    )
    assert own_results(Message.from_wire(octets), "mx.example.org") == (
        StatedResult("spf", "pass", "spf=pass (a; b\\)) smtp.mailfrom=a@b.example"),
        StatedResult("dkim", "fail", 'dkim/1 = FAIL reason="x; y" header.d=c.example'),
    )


@given(st.binary(max_size=200))
def test_any_octets_give_results_on_one_line(value: bytes) -> None:
    """Whatever stands in a field of ours, each result is a word, a word and one line."""
    value = re.sub(rb"[\r\n\0]", b"", value)
    octets = b"Authentication-Results: mx.example.org;" + value + b"\r\n\r\n"
    for each in own_results(Message.from_wire(octets), "mx.example.org"):
        assert each.method and each.result and not re.search("[\r\n]", each.text)
