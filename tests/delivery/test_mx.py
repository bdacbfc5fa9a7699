"""Exchangers: which hosts, in which order, and what DNS may not make us do."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.mx import ascii_domain, find_addresses, find_exchangers, is_elsewhere
from gateway.mail import replies
from gateway.mail.replies import Reply


@dataclass(frozen=True)
class Answer:
    status: str
    records: tuple[str, ...] = ()


class Zone:
    """DNS held in a table; what is not in it has no data."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = {key.replace("_", "."): answer for key, answer in answers.items()}
        self.asked: list[tuple[str, str]] = []

    async def query(self, name: str, type: str) -> Answer:
        self.asked.append((name, type))
        return self.answers.get(f"{type}.{name}", Answer("nodata"))


async def exchangers(answer: Answer, *, own_name: str = "mx.example.org", seed: int = 1) -> tuple[str, ...] | Reply:
    zone = Zone(MX_d_example=answer)
    return await find_exchangers(zone.query, "d.example", own_name=own_name, randomness=random.Random(seed))


async def test_preference_decides() -> None:
    answer = Answer("ok", ("20 second.example.", "10 First.Example.", "30 third.example."))
    assert await exchangers(answer) == ("first.example", "second.example", "third.example")


async def test_equal_preference_is_shared_out() -> None:
    answer = Answer("ok", ("10 a.example.", "10 b.example.", "20 c.example."))
    orders = Counter([await exchangers(answer, seed=seed) for seed in range(200)])
    assert set(orders) == {("a.example", "b.example", "c.example"), ("b.example", "a.example", "c.example")}
    assert min(orders.values()) > 60


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("ok", ("0 .",)), replies.NULL_MX),
        (Answer("nxdomain"), replies.NO_SUCH_DOMAIN),
        (Answer("timeout"), replies.DOMAIN_UNKNOWN_NOW),
        (Answer("servfail"), replies.DOMAIN_UNKNOWN_NOW),
        (Answer("nodata"), ("d.example",)),
        (Answer("ok", ("nonsense",)), replies.BAD_EXCHANGER),
        (Answer("ok", ("10 mx.example.org.",)), replies.MAIL_LOOP),
        (Answer("ok", ("10 far.example.", "5 mx.example.org.")), replies.MAIL_LOOP),
        (Answer("ok", ("10 mx.example.org.", "5 near.example.", "20 far.example.")), ("near.example",)),
    ],
)
async def test_special_answers(answer: Answer, expected: object) -> None:
    assert await exchangers(answer) == expected


async def test_a_literal_needs_no_dns() -> None:
    zone = Zone()
    for domain, host in (("[192.0.2.1]", "192.0.2.1"), ("[ipv6:2001:db8::1]", "2001:db8::1")):
        found = await find_exchangers(zone.query, domain, own_name="x", randomness=random.Random(1))
        assert found == (host,)
        assert await find_addresses(zone.query, host, is_usable=is_elsewhere) == (host,)
    assert zone.asked == []


async def test_addresses_of_both_families_are_found_and_ours_are_left_out() -> None:
    zone = Zone(A_h=Answer("ok", ("127.0.0.1", "192.0.2.7")), AAAA_h=Answer("ok", ("::1", "2001:db8::7")))
    assert await find_addresses(zone.query, "h", is_usable=is_elsewhere) == ("2001:db8::7", "192.0.2.7")


@pytest.mark.parametrize(
    ("a", "aaaa", "expected"),
    [
        (Answer("ok", ("127.0.0.1",)), Answer("nodata"), replies.MAIL_LOOP),
        (Answer("nxdomain"), Answer("nxdomain"), replies.BAD_EXCHANGER),
        (Answer("timeout"), Answer("nodata"), replies.DOMAIN_UNKNOWN_NOW),
        (Answer("ok", ("not an address",)), Answer("nodata"), replies.BAD_EXCHANGER),
    ],
)
async def test_a_host_without_a_usable_address(a: Answer, aaaa: Answer, expected: Reply) -> None:
    assert await find_addresses(Zone(A_h=a, AAAA_h=aaaa).query, "h", is_usable=is_elsewhere) == expected


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::1", "0.0.0.0", "::ffff:127.0.0.1", "224.0.0.1", "169.254.1.1", "fe80::1"]
)
def test_addresses_that_are_not_elsewhere(address: str) -> None:
    assert not is_elsewhere(address)
    assert is_elsewhere("192.0.2.1")


def test_international_domains_keep_their_identity() -> None:
    assert ascii_domain("bücher.example") == "xn--bcher-kva.example"
    assert ascii_domain("straße.example") == "xn--strae-oqa.example"  # not strasse.example, which is somebody else's


@given(
    st.sampled_from(["ok", "nodata", "nxdomain", "timeout", "servfail"]), st.lists(st.text(max_size=30), max_size=30)
)
async def test_any_answer_gives_hosts_or_a_reply(status: str, records: list[str]) -> None:
    found = await exchangers(Answer(status, tuple(records)))
    assert isinstance(found, Reply) or (found and all(found))
