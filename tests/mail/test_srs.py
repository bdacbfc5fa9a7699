"""gateway/mail/srs.py: there and back, for three weeks, and for nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.address import Address, BadAddress
from gateway.mail.srs import Srs, is_srs
from gateway.mail.tags import Flaw, code_over

NOON = 1_800_000_000.0
DAY = 86400.0
OURS = Srs("us.example", (b"k" * 32,))
ANN = Address("Ann", "sender.example")


def test_the_form_is_that_of_the_paper() -> None:
    """Day 20833 is 353 modulo 1024: 11 and 1 of base 32."""
    path = OURS.forwarded(ANN, now=NOON)
    assert path is not None
    scheme, code, day, domain, local = path.local.split("=")
    assert (scheme, day, domain, local, path.domain) == ("SRS0", "LB", "sender.example", "Ann", "us.example")
    assert len(code) == 8
    assert is_srs(path)


mailboxes = st.from_regex(r"[A-Za-z0-9.+=_-]{1,64}@[a-z0-9]{1,20}\.example", fullmatch=True)


def parsed(text: str) -> Address | None:
    try:
        return Address.parse(text)
    except BadAddress:
        return None


@given(mailboxes, st.floats(0, 4e9), st.floats(0, 21 * DAY))
def test_every_mailbox_comes_back_from_what_was_made_of_it(text: str, now: float, later: float) -> None:
    sender = parsed(text)
    if sender is None or is_srs(sender):
        return
    path = OURS.forwarded(sender, now=now)
    assert path is not None
    on_the_wire = Address.parse(str(path))
    assert OURS.returned(on_the_wire, now=now + later) == sender


@given(mailboxes, st.integers(0, 200), st.sampled_from("ABCxyz234=@-+"))
def test_nothing_but_its_case_can_be_changed(text: str, place: int, letter: str) -> None:
    sender = parsed(text)
    path = None if sender is None else OURS.forwarded(sender, now=NOON)
    if path is None or place >= len(path.local) or path.local[place].lower() == letter.lower():
        return
    changed = Address(path.local[:place] + letter + path.local[place + 1 :], path.domain)
    answer = OURS.returned(changed, now=NOON)
    assert isinstance(answer, Flaw) or (place == 4 and letter in "=-+"), "only the separator after SRS0 is free"


@given(st.text(max_size=80))
def test_any_local_part_gives_a_mailbox_or_a_flaw(local: str) -> None:
    for text in (local, f"SRS0={local}", f"SRS1={local}"):
        assert isinstance(OURS.returned(Address(text, "us.example"), now=NOON), Address | Flaw)


@pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
def test_hosts_on_the_way_may_change_its_case(change: object) -> None:
    path = OURS.forwarded(ANN, now=NOON)
    assert path is not None
    back = OURS.returned(Address(change(path.local), "us.example"), now=NOON)  # type: ignore[operator]
    assert isinstance(back, Address)
    assert back.key == ANN.key


def test_it_ends_after_21_days_and_a_clock_may_be_a_day_off() -> None:
    path = OURS.forwarded(ANN, now=NOON)
    assert path is not None
    assert OURS.returned(path, now=NOON - DAY) == ANN
    assert OURS.returned(path, now=NOON - 2 * DAY) is Flaw.EXPIRED
    assert OURS.returned(path, now=NOON + 21 * DAY) == ANN
    assert OURS.returned(path, now=NOON + 22 * DAY) is Flaw.EXPIRED
    assert OURS.returned(path, now=NOON + 1000 * DAY) is Flaw.EXPIRED


def test_the_days_begin_again() -> None:
    """Days 1020 to 1030 lie around the end of the cycle."""
    path = OURS.forwarded(ANN, now=1020 * DAY)
    assert path is not None
    assert OURS.returned(path, now=1030 * DAY) == ANN


def test_another_key_makes_other_codes_and_an_old_key_still_reads() -> None:
    path = OURS.forwarded(ANN, now=NOON)
    assert path is not None
    assert Srs("us.example", (b"x" * 32,)).returned(path, now=NOON) is Flaw.FORGED
    assert Srs("us.example", (b"x" * 32, b"k" * 32)).returned(path, now=NOON) == ANN


def test_a_chain_of_forwarders_comes_back_in_two_steps() -> None:
    first, second, third = (Srs(f"{name}.example", (name.encode() * 16,)) for name in ("one", "two", "three"))
    at_first = first.forwarded(ANN, now=NOON)
    assert at_first is not None
    at_second = second.forwarded(at_first, now=NOON)
    assert at_second is not None
    assert at_second.local.startswith("SRS1=")
    at_third = third.forwarded(at_second, now=NOON)
    assert at_third is not None
    assert at_third.local.split("=")[2] == "one.example", "the address does not grow with the chain"
    assert third.returned(at_third, now=NOON) == at_first
    assert second.returned(at_second, now=NOON + 100 * DAY) == at_first, "the first forwarder knows its own days"
    assert first.returned(at_first, now=NOON) == ANN
    assert second.returned(at_third, now=NOON) is Flaw.FORGED


def test_other_forwarders_write_other_separators() -> None:
    """libsrs2 may be told to write `+` or `-` after SRS0."""
    path = OURS.forwarded(Address("SRS0+Abcd=LB=sender.example=ann", "other.example"), now=NOON)
    assert path is not None
    assert path.local.endswith("=other.example=+Abcd=LB=sender.example=ann")
    assert OURS.returned(path, now=NOON) == Address("SRS0+Abcd=LB=sender.example=ann", "other.example")


def test_what_no_path_can_hold_is_not_made() -> None:
    assert OURS.forwarded(Address("x" * 64, "y" * 60 + "." + "z" * 60 + ".example"), now=NOON) is not None
    assert OURS.forwarded(Address("x" * 64, ".".join(["y" * 60] * 3)), now=NOON) is None


def test_a_key_that_leaked_still_gives_mailboxes_only() -> None:
    rest = "LB=[]=a"
    code = code_over(b"k" * 32, rest, algorithm="sha256", octets=5, alphabet="ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    assert OURS.returned(Address(f"SRS0={code}={rest}", "us.example"), now=NOON) is Flaw.MALFORMED
