from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.authentication.canonical import Form
from gateway.checks.authentication.dkim_signature import MAX_FIELD, BadSignature, Claims, Signature, read
from gateway.facts.auth import Auth

GOOD = (
    b" v=1; a=rsa-sha256; c=relaxed; d=Example.COM; s=S1; q=dns/txt; t=1; x=9; l=5; i=Bob@mail.example.com;\r\n"
    b"\th=From : To:from; bh=QUJD; b=QUJD\r\n REVG"
)


def test_reads_every_tag() -> None:
    claims, signature = read(GOOD)
    assert signature == Signature(
        algorithm="rsa-sha256",
        domain="example.com",
        selector="s1",
        signature=b"ABCDEF",
        body_hash=b"ABC",
        names=(b"from", b"to", b"from"),
        header_form=Form.RELAXED,
        body_form=Form.SIMPLE,
        identity_domain="mail.example.com",
        body_length=5,
        expires=9,
    )
    assert claims == Claims("example.com", "S1", "rsa-sha256", "Bob@mail.example.com", "QUJDREVG")
    assert isinstance(signature, Signature)
    assert signature.key_name == "s1._domainkey.example.com"


def test_says_what_it_can_of_a_bad_one() -> None:
    claims, signature = read(GOOD.replace(b"v=1", b"v=7"))
    assert claims.domain == "example.com"
    assert isinstance(signature, BadSignature)
    assert (signature.result, signature.reason) == (Auth.PERMERROR, "incompatible version")


@pytest.mark.parametrize("value", [b"a" * (MAX_FIELD + 1), b"no tags", b"", b"v=1", b"v=1; d=\xff.example"])
def test_unreadable_ones_claim_nothing_that_would_break_a_record(value: bytes) -> None:
    claims, signature = read(value)
    assert isinstance(signature, BadSignature)
    assert len(claims.domain) <= 256


@given(st.binary(max_size=400))
def test_any_octets_give_claims_and_a_signature_or_its_fault(value: bytes) -> None:
    """Any octets give claims of bounded size and a signature or the reason why it is none."""
    claims, signature = read(value)
    assert all(len(each) <= 256 for each in (claims.domain, claims.selector, claims.algorithm, claims.identity))
    assert isinstance(signature, Signature | BadSignature)
