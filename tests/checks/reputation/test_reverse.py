from __future__ import annotations

from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.reputation.reverse import verified_name
from gateway.facts.outcome import Known, Unknown

POINTER = "7.2.0.192.in-addr.arpa"


async def test_a_name_that_points_back_is_verified() -> None:
    zone = ZoneResolver({POINTER: [{"PTR": "mail.example.com"}], "mail.example.com": [{"A": "192.0.2.7"}]})
    assert await verified_name(zone, "192.0.2.7") == Known("mail.example.com")


async def test_a_name_that_points_elsewhere_is_not() -> None:
    zone = ZoneResolver({POINTER: [{"PTR": "mail.google.com"}], "mail.google.com": [{"A": "192.0.2.8"}]})
    assert await verified_name(zone, "192.0.2.7") == Known("")


async def test_the_first_that_points_back_counts() -> None:
    zone = ZoneResolver(
        {POINTER: [{"PTR": "a.example"}, {"PTR": "b.example"}], "b.example": [{"A": "192.0.2.1"}, {"A": "192.0.2.7"}]}
    )
    assert await verified_name(zone, "192.0.2.7") == Known("b.example")


async def test_no_name_is_known_to_be_none() -> None:
    assert await verified_name(ZoneResolver({}), "192.0.2.7") == Known("")


async def test_a_failure_is_unknown() -> None:
    assert isinstance(await verified_name(ZoneResolver({POINTER: ["SERVFAIL"]}), "192.0.2.7"), Unknown)
    zone = ZoneResolver({POINTER: [{"PTR": "mail.example.com"}], "mail.example.com": ["TIMEOUT"]})
    assert isinstance(await verified_name(zone, "192.0.2.7"), Unknown)
    assert isinstance(await verified_name(zone, "not an address"), Unknown)


async def test_ipv6_in_any_spelling() -> None:
    name = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    zone = ZoneResolver({name: [{"PTR": "six.example"}], "six.example": [{"AAAA": "2001:0DB8:0::1"}]})
    assert await verified_name(zone, "2001:db8::1") == Known("six.example")


async def test_an_ipv4_address_mapped_into_ipv6_is_looked_up_as_ipv4() -> None:
    zone = ZoneResolver({POINTER: [{"PTR": "mail.example.com"}], "mail.example.com": [{"A": "192.0.2.7"}]})
    assert await verified_name(zone, "::ffff:192.0.2.7") == Known("mail.example.com")
