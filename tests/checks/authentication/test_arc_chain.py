from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.authentication.arc_chain import BadChain, Claims, chain_fields, claims, read, seal_digests
from gateway.mail.message import Message

SET = (
    b"ARC-Seal: i=%d; cv=%s; a=rsa-sha256; d=L.example; s=s; b=AAAA\r\n"
    b"ARC-Message-Signature: i=%d; a=rsa-sha256; d=l.example; s=s; h=From:: To; bh=AAAA; b=AAAA\r\n"
    b"ARC-Authentication-Results: (c) i = %d (c); l.example; spf=pass\r\n"
)


def one(instance: int, status: bytes = b"") -> bytes:
    return SET % (instance, status or (b"none" if instance == 1 else b"pass"), instance, instance)


def fields(octets: bytes) -> list:  # type: ignore[type-arg]
    return chain_fields(Message.from_wire(octets + b"From: a@b.example\r\n\r\n"))


def test_sets_come_in_the_order_in_which_they_were_added() -> None:
    found = fields(one(3) + one(1) + one(2))
    sets = read(found)
    assert [each.seal_field.value[:5] for each in sets] == [b" i=1;", b" i=2;", b" i=3;"]
    assert {each.signature.names for each in sets} == {(b"from", b"to")}
    assert claims(found) == Claims("l.example", 3, 0)
    assert len(set(seal_digests(sets))) == 3


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (one(2), "an instance is missing"),
        (one(1) + one(3), "an instance is missing"),
        (one(1) + one(1), "set 1 has not one of each field"),
        (one(1).split(b"\r\n")[0] + b"\r\n", "set 1 has not one of each field"),
        (one(1, b"pass"), "seal 1 says cv=pass"),
        (one(1) + one(2, b"none"), "seal 2 says cv=none"),
        (one(1).replace(b"h=From", b"h=arc-seal:From"), "signature 1 covers a seal"),
        (one(1).replace(b"cv=none", b"cv=none; h=from"), "seal 1 has h="),
        (one(1).replace(b"(c) i = 1", b"(c j = 1"), "a field of the chain has no instance"),
        (one(1).replace(b"a=rsa-sha256", b"a=rsa-sha1"), "set 1: rsa-sha1 is no longer valid"),
        (one(1).replace(b"spf=pass", b"x" * 17_000), "a field of the chain is too large"),
        (b"".join(one(n) for n in range(1, 52)), "more than 50 sets"),
    ],
)
def test_what_is_no_chain(octets: bytes, reason: str) -> None:
    with pytest.raises(BadChain, match=re.escape(reason)):
        read(fields(octets))


def test_the_one_who_gave_up_is_named() -> None:
    assert claims(fields(one(1) + one(2, b"FAIL") + one(3))) == Claims("l.example", 3, 2)
    assert claims(fields(b"ARC-Authentication-Results: i=7; x\r\n")) == Claims("", 7, 0)


def test_hostile_comments_take_linear_time() -> None:
    value = b"(" * 8000 + b" )" * 4000
    started = time.process_time()
    with pytest.raises(BadChain):
        read(fields(b"ARC-Authentication-Results: " + value + b"\r\n"))
    assert time.process_time() - started < 0.1


@given(
    st.lists(st.tuples(st.sampled_from(["Seal", "Message-Signature", "Authentication-Results"]), st.text(max_size=60)))
)
def test_any_fields_are_a_chain_or_none(made: list[tuple[str, str]]) -> None:
    """Any text in the three fields gives sets with one of each, or BadChain."""
    octets = b"".join(
        f"ARC-{name}: ".encode() + re.sub(rb"[\r\n\0]", b"", text.encode("utf-8", "replace")) + b"\r\n"
        for name, text in made
    )
    found = fields(octets)
    claims(found)
    try:
        sets = read(found)
    except BadChain:
        return
    assert 3 * len(sets) == len(found)
