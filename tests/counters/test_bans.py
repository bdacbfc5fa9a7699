"""gateway/counters/bans.py: the snapshot."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.counters.bans import Snapshot, canonical
from gateway.counters.records import Ban


def ban(network: str, until: float = 100.0) -> Ban:
    return Ban(network, "x", "ana", 0.0, until)


@given(st.lists(st.tuples(st.ip_addresses(v=4), st.integers(8, 32)), max_size=5), st.ip_addresses(v=4))
def test_an_address_is_banned_if_it_stands_in_a_banned_network(
    networks: list[tuple[ipaddress.IPv4Address, int]], address: ipaddress.IPv4Address
) -> None:
    """The snapshot says what a look at every network says."""
    blocks = [ipaddress.ip_network((each, length), strict=False) for each, length in networks]
    snapshot = Snapshot([ban(str(each)) for each in blocks])
    assert (snapshot.ban_of(str(address), now=1.0) is not None) is any(address in each for each in blocks)


def test_the_narrowest_ban_speaks_and_one_that_ended_does_not() -> None:
    snapshot = Snapshot([ban("192.0.2.0/24"), ban("192.0.2.1/32", until=10.0)])
    assert snapshot.ban_of("192.0.2.1", now=5.0) == ban("192.0.2.1/32", until=10.0)
    assert snapshot.ban_of("192.0.2.1", now=50.0) == ban("192.0.2.0/24")
    assert snapshot.ban_of("192.0.2.1", now=100.0) is None
    assert snapshot.ban_of("no address", now=5.0) is None


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.7/32"),
        ("2001:db8::1/64", "2001:db8::/64"),
    ],
)
def test_networks_are_kept_in_one_spelling(written: str, kept: str) -> None:
    assert canonical(written) == kept
