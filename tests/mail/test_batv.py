"""gateway/mail/batv.py: a tag holds for seven days, for one address, and only if we made it."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.address import Address
from gateway.mail.batv import Batv, is_prvs
from gateway.mail.tags import Flaw

NOON = 1_800_000_000.0
DAY = 86400.0
OURS = Batv((b"k" * 32,))
ANN = Address("Ann", "us.example")


def test_the_tag_is_that_of_the_draft() -> None:
    """Day 20833 and seven: 840 modulo 1000; the code by the words of the draft."""
    code = hmac.new(b"k" * 32, b"0840ann@us.example", hashlib.sha1).hexdigest()[:6]
    assert OURS.tagged(ANN, now=NOON) == Address(f"prvs=0840{code}=Ann", "us.example")


@given(st.from_regex(r"[A-Za-z0-9+=_-]{1,64}", fullmatch=True), st.floats(0, 4e9), st.floats(0, 7 * DAY))
def test_every_address_comes_back_from_its_tag_for_seven_days(local: str, now: float, later: float) -> None:
    plain = Address(local, "us.example")
    tagged = OURS.tagged(plain, now=now)
    assert tagged is not None
    if is_prvs(plain):
        assert tagged == plain
    else:
        assert OURS.untagged(Address.parse(str(tagged)), now=now + later) == plain


@given(st.text(max_size=80))
def test_any_local_part_gives_an_address_or_a_flaw(local: str) -> None:
    for text in (local, f"prvs={local}"):
        assert isinstance(OURS.untagged(Address(text, "us.example"), now=NOON), Address | Flaw)


def test_it_ends_after_seven_days_and_the_days_begin_again() -> None:
    for now in (NOON, 995 * DAY, 1_000_000 * DAY):
        tagged = OURS.tagged(ANN, now=now)
        assert tagged is not None
        assert OURS.untagged(tagged, now=now + 7 * DAY) == ANN
        assert OURS.untagged(tagged, now=now + 8 * DAY) is Flaw.EXPIRED


def test_it_is_of_one_address_and_one_key() -> None:
    tagged = OURS.tagged(ANN, now=NOON)
    assert tagged is not None
    assert OURS.untagged(Address(tagged.local.replace("Ann", "bob"), "us.example"), now=NOON) is Flaw.FORGED
    assert OURS.untagged(Address(tagged.local, "them.example"), now=NOON) is Flaw.FORGED
    assert OURS.untagged(Address(tagged.local.upper(), "us.example"), now=NOON) == Address("ANN", "us.example")
    assert Batv((b"x" * 32,)).untagged(tagged, now=NOON) is Flaw.FORGED
    assert Batv((b"x" * 32, b"k" * 32)).untagged(tagged, now=NOON) == ANN


def test_what_is_no_tag_is_malformed() -> None:
    for local in ("ann", "prvs=ann", "prvs=0840zzzzzz=ann", "prvs=840abcdef=ann", "prvs=0840abcdef="):
        assert OURS.untagged(Address(local, "us.example"), now=NOON) is Flaw.MALFORMED


def test_what_no_path_can_hold_is_not_made() -> None:
    assert OURS.tagged(Address("x" * 64, ".".join(["y" * 57] * 3)), now=NOON) is not None
    assert OURS.tagged(Address("x" * 64, ".".join(["y" * 63] * 3)), now=NOON) is None
