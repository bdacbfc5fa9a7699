"""Which domains a header claims signed it: read from any octets, none verified."""

from __future__ import annotations

import pytest

from gateway.anatomy.examine import examine
from gateway.anatomy.signers import MAX_SIGNATURES

CASES = {
    b"DKIM-Signature: v=1; a=rsa-sha256; d=Mail.Shop.example; s=x; bh=d=no.example": ("mail.shop.example",),
    b"Dkim-Signature: a=b;\r\n d=one.example; s=1\r\nDKIM-Signature: d=two.example\r\nDKIM-Signature: d=one.example": (
        "one.example",
        "two.example",
    ),
    b"X-DKIM-Signature: d=shop.example\r\nSubject: d=shop.example": (),
    b"DKIM-Signature: \xff\x00": (),
    b"DKIM-Signature: d=": (),
}


@pytest.mark.parametrize("header", CASES)
def test_who_a_header_says_signed_it(header: bytes) -> None:
    octets = b"From: a@shop.example\r\n" + header + b"\r\n\r\nDKIM-Signature: d=body.example\r\n"
    assert examine(octets).signers == CASES[header]


def test_claims_are_bounded() -> None:
    many = b"".join(b"DKIM-Signature: d=s%d.example\r\n" % number for number in range(500))
    assert len(examine(many + b"\r\nText\r\n").signers) == MAX_SIGNATURES
