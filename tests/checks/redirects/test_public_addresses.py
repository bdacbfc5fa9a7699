"""gateway/checks/redirects/public_addresses.py"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.redirects.public_addresses import is_public, public_addresses
from gateway.facts.outcome import Unknown

PRIVATE = (
    *("169.254.169.254", "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "0.1.2.3"),
    *("192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1"),
    *("240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%lo", "fc00::1", "fd00:ec2::254", "ff02::1"),
    *("::ffff:10.0.0.1", "::ffff:8.8.8.8", "::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe"),
    *("2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "3fff::1", "5f00::1", "fec0::1"),
    *("100::1", "", "localhost", "2130706433", "0x7f000001", "127.1", "0177.0.0.1", "8.8.8.8 ", "[2606:4700::1]"),
)
PUBLIC = ("8.8.8.8", "67.199.248.10", "2606:4700::6810:1", "2a00:1450:4001::1")


@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_anybodys_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_anybody_may_have_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_address_of_ipv6_that_carries_one_of_ipv4_is_public(inner: IPv4Address) -> None:
    number = int(inner)
    carriers = (number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80)
    assert not any(is_public(str(IPv6Address(carrier))) for carrier in carriers)


@given(st.text(max_size=50))
def test_any_text_is_public_or_not(text: str) -> None:
    assert is_public(text) in (True, False)


async def test_one_address_that_is_not_public_spoils_the_host() -> None:
    zone = ZoneResolver(
        {
            "good.example": [{"A": "8.8.8.8"}, {"AAAA": "2606:4700::1"}],
            "both.example": [{"A": "8.8.8.8"}, {"A": "10.0.0.1"}],
            "six.example": [{"A": "8.8.8.8"}, {"AAAA": "::1"}],
            "dead.example": ["TIMEOUT"],
            "text.example": [{"TXT": "x"}],
        }
    )
    told = {
        host: await public_addresses(zone, f"{host}.example", is_public=is_public)
        for host in ("good", "both", "six", "dead", "text", "none")
    }
    assert told == {
        "good": ("8.8.8.8", "2606:4700::1"),
        "both": Unknown("its host has an address that is not public"),
        "six": Unknown("its host has an address that is not public"),
        "dead": Unknown("the DNS did not answer"),
        "text": Unknown("its host has no address"),
        "none": Unknown("its host has no address"),
    }
