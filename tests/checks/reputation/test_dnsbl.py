from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.reputation.dnsbl import check_dnsbl, reversed_labels
from gateway.facts.connection import DnsblFact
from gateway.facts.outcome import Known, Unknown
from gateway.policy.policy import DnsblZone

ONE = DnsblZone("one.example")
TWO = DnsblZone("two.example", weight=1.5)
TWO_LISTS = (("two.example", "127.0.0.2"),)
IP = "192.0.2.7"


def listed(zone: str, *answers: str) -> dict[str, object]:
    return {f"7.2.0.192.{zone}": [{"A": answer} for answer in answers]}


async def test_weights_of_lists_that_name_the_client_add_up() -> None:
    resolver = ZoneResolver({**listed("one.example", "127.0.0.2"), **listed("two.example", "127.0.0.4", "127.0.0.10")})
    assert await check_dnsbl(resolver, IP, [ONE, TWO]) == Known(
        DnsblFact(2.5, (("one.example", "127.0.0.2"), ("two.example", "127.0.0.4"), ("two.example", "127.0.0.10")))
    )


async def test_an_unlisted_client_scores_nothing() -> None:
    assert await check_dnsbl(ZoneResolver({}), IP, [ONE, TWO]) == Known(DnsblFact(0.0))
    assert await check_dnsbl(ZoneResolver({}), IP, []) == Known(DnsblFact(0.0))


@pytest.mark.parametrize("answer", ["127.255.255.252", "127.255.255.254", "127.255.255.255"])
async def test_a_refusal_to_answer_is_no_listing(answer: str) -> None:
    resolver = ZoneResolver({**listed("one.example", answer), **listed("two.example", "127.0.0.2")})
    unusable = (("one.example", "refuses to answer this resolver"),)
    assert await check_dnsbl(resolver, IP, [ONE, TWO]) == Known(DnsblFact(1.5, TWO_LISTS, unusable))
    assert await check_dnsbl(resolver, IP, [ONE]) == Unknown("one.example refuses to answer this resolver")


async def test_a_list_that_answers_everything_is_no_listing() -> None:
    for answer in ("203.0.113.5", "nonsense"):
        resolver = ZoneResolver(listed("one.example", answer))
        assert await check_dnsbl(resolver, IP, [ONE]) == Unknown("one.example answers outside its range")


async def test_silence_counts_nothing_and_is_unknown_if_all_are_silent() -> None:
    resolver = ZoneResolver({"7.2.0.192.one.example": ["TIMEOUT"], **listed("two.example", "127.0.0.2")})
    unusable = (("one.example", "did not answer"),)
    assert await check_dnsbl(resolver, IP, [ONE, TWO]) == Known(DnsblFact(1.5, TWO_LISTS, unusable))
    assert await check_dnsbl(resolver, IP, [ONE]) == Unknown("one.example did not answer")


@pytest.mark.parametrize(
    ("answers", "counted"),
    [
        (("127.0.0.2",), []),
        (("127.0.0.2", "127.0.0.10"), ["127.0.0.10"]),
        (("127.0.0.0/29",), []),
        (("127.0.0.8/29",), ["127.0.0.10"]),
        (("127.0.0.0/8",), ["127.0.0.10", "127.0.1.3"]),
    ],
)
async def test_only_the_answers_that_the_policy_names_are_listings(
    answers: tuple[str, ...], counted: list[str]
) -> None:
    resolver = ZoneResolver(listed("one.example", "127.0.0.10", "127.0.1.3"))
    outcome = await check_dnsbl(resolver, IP, [DnsblZone("one.example", answers=answers)])
    if counted:
        assert outcome == Known(DnsblFact(1.0, tuple(("one.example", each) for each in counted)))
    else:
        assert outcome == Unknown("one.example answers outside its range")


async def test_a_list_of_good_hosts_takes_off() -> None:
    resolver = ZoneResolver(listed("one.example", "127.0.0.1"))
    outcome = await check_dnsbl(resolver, IP, [DnsblZone("one.example", weight=-2.0)])
    assert outcome == Known(DnsblFact(-2.0, (("one.example", "127.0.0.1"),), good=2.0))


async def test_ipv6_is_asked_in_nibbles() -> None:
    resolver = ZoneResolver({})
    await check_dnsbl(resolver, "2001:db8::1", [ONE])
    name = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.one.example"
    assert {each.name for each in resolver.asked} == {name}


async def test_what_is_no_address_is_unknown() -> None:
    assert isinstance(await check_dnsbl(ZoneResolver({}), "unix:/x", [ONE]), Unknown)


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_the_ipv4_address(address: ipaddress.IPv4Address) -> None:
    """An IPv4 address gives the same labels as itself mapped into IPv6."""
    assert reversed_labels(f"::ffff:{address}") == reversed_labels(str(address))
