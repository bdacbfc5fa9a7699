"""gateway/app/door/doorkeeping.py and alerts.py: signing in, and lists that are of no use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from gateway.app.alerts import Alerts
from gateway.app.door.doorkeeping import FAILURE_WINDOW, FAILURES, Inquiry, PasswordAuthentication
from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.reputation.atlas import Atlas
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.facts.outcome import NOT_ASKED, Known, Unknown
from gateway.inbound.admission.counting import Counting, own_networks
from gateway.inbound.ports import AuthFailure, Principal
from gateway.mailbox.users import UserBase
from gateway.policy.language.parse import read

POLICY = read(
    {
        "default.yaml": """
version: 1
dnsbl:
  - {zone: one.example, weight: 1.0}
  - {zone: two.example, weight: 1.0}
bans: {for: 1h, failed_sign_ins: 12/d}
"""
    }
)
PASSWORD = "correct horse battery"
NO_MAPS = Atlas(networks=None, countries=None)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1_800_000_000.0)


@pytest.fixture
async def counters(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Counters]:
    opened = Counters.open(tmp_path / "counters", clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def users(tmp_path: Path) -> UserBase:
    base = UserBase(tmp_path / "users")
    base.add("alice@example.org", PASSWORD)
    return base


def door(users: UserBase, counters: Counters) -> PasswordAuthentication:
    return PasswordAuthentication(users, Counting(counters, own=own_networks(())), lambda: POLICY)


async def sign_in(at: PasswordAuthentication, password: str, ip: str = "192.0.2.7") -> Principal | AuthFailure:
    return await at.authenticate(login="Alice@example.org", password=password, client_ip=ip)


async def test_guessing_is_slowed_at_all_doors_together_and_in_the_end_shut_out(
    users: UserBase, counters: Counters, clock: FixedClock
) -> None:
    doors = [door(users, counters), door(users, counters)]
    assert await sign_in(doors[0], PASSWORD) == Principal("alice@example.org", frozenset({"alice@example.org"}))
    for number in range(FAILURES):
        assert await sign_in(doors[number % 2], "wrong") is AuthFailure.WRONG
    assert await sign_in(doors[0], PASSWORD) is AuthFailure.UNAVAILABLE
    assert await sign_in(doors[1], PASSWORD) is AuthFailure.UNAVAILABLE
    assert isinstance(await sign_in(doors[0], PASSWORD, ip="198.51.100.1"), Principal)
    assert await counters.bans() == []
    clock.advance(2 * FAILURE_WINDOW)
    for _ in range(3):
        assert await sign_in(doors[0], "wrong") is AuthFailure.WRONG
    (ban,) = await counters.bans()
    assert (ban.network, ban.reason) == ("192.0.2.7/32", "more than 12/d failed sign ins")


async def test_a_list_that_refuses_us_is_not_counted_and_raises_one_alert(
    counters: Counters, clock: FixedClock
) -> None:
    zone = {
        f"{last}.2.0.192.{name}": [{"A": answer}]
        for last in (7, 8)
        for name, answer in (("one.example", "127.255.255.254"), ("two.example", "127.0.0.2"))
    }
    alerts = Alerts(counters)
    resolver = ZoneResolver(zone)
    doors = [Inquiry(resolver, lambda: POLICY, Alerts(counters), atlas=NO_MAPS) for _ in range(2)]
    with structlog.testing.capture_logs() as logged:
        for inquiry in doors:
            for ip in ("192.0.2.7", "192.0.2.8"):
                outcome = await inquiry.dnsbl(ip)
                assert isinstance(outcome, Known)
                assert outcome.value.score == 1.0
    assert [each["name"] for each in logged if each["event"] == "alert"] == ["dnsbl one.example"]
    (alert,) = await alerts.standing()
    assert alert.value == "the list one.example refuses to answer this resolver: it is not counted"
    clock.advance(4000.0)
    assert await alerts.standing() == []


async def test_silence_is_no_alert_and_all_lists_of_no_use_are_doubt(counters: Counters) -> None:
    zone = {"7.2.0.192.one.example": ["TIMEOUT"], "7.2.0.192.two.example": [{"A": "203.0.113.5"}]}
    outcome = await Inquiry(ZoneResolver(zone), lambda: POLICY, Alerts(counters), atlas=NO_MAPS).dnsbl("192.0.2.7")
    assert isinstance(outcome, Unknown)
    assert [each.key for each in await Alerts(counters).standing()] == ["dnsbl two.example"]


async def test_a_client_is_looked_up(counters: Counters) -> None:
    zone = ZoneResolver(
        {
            "9.2.0.192.in-addr.arpa": [{"PTR": "mx.friend.example"}],
            "mx.friend.example": [{"A": "192.0.2.9"}],
            "9.2.0.192.one.example": [{"A": "127.0.0.2"}],
        }
    )
    inquiry = Inquiry(zone, lambda: POLICY, Alerts(counters), atlas=NO_MAPS)
    assert await inquiry.reverse_name("192.0.2.9") == Known("mx.friend.example")
    for ip, score in (("192.0.2.9", 1.0), ("192.0.2.8", 0.0)):
        found = await inquiry.dnsbl(ip)
        assert isinstance(found, Known)
        assert found.value.score == score


@pytest.mark.parametrize(
    ("groups", "network", "country"),
    [
        ("", NOT_ASKED, NOT_ASKED),
        ("{id: a, when: 'client.asn == 1'}, ", Unknown("no map is configured (settings: maps)"), NOT_ASKED),
        ("{id: a, when: 'client.country == \"X\"'}, ", NOT_ASKED, Unknown("no map is configured (settings: maps)")),
    ],
    ids=["nobody asks", "for the network", "for the country"],
)
async def test_without_maps_there_is_doubt_where_the_policy_asks(
    counters: Counters, groups: str, network: object, country: object
) -> None:
    policy = read({"default.yaml": f"version: 1\ngroups: [{groups}{{id: everyone}}]\n"})
    inquiry = Inquiry(ZoneResolver({}), lambda: policy, Alerts(counters), atlas=NO_MAPS)
    assert (inquiry.network("192.0.2.9"), inquiry.country("192.0.2.9")) == (network, country)


async def test_without_block_lists_nobody_is_asked(counters: Counters) -> None:
    zone = ZoneResolver({})
    inquiry = Inquiry(zone, lambda: read({"default.yaml": "version: 1\n"}), Alerts(counters), atlas=NO_MAPS)
    assert await inquiry.dnsbl("192.0.2.9") is NOT_ASKED
    assert zone.asked == []


@pytest.mark.parametrize(
    ("login", "password"), [("alice@example.org", "Correct"), ("bob@example.org", PASSWORD), ("", "")]
)
async def test_nobody_signs_in_with_the_wrong_word(
    users: UserBase, counters: Counters, login: str, password: str
) -> None:
    answer = await door(users, counters).authenticate(login=login, password=password, client_ip="192.0.2.1")
    assert answer is AuthFailure.WRONG
