"""gateway/policy/lists.py"""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.lists import Entry, EntryList, in_network, under
from gateway.policy.quantities import NEVER


def listed(*values: str, ends: float = NEVER) -> EntryList:
    return EntryList(Entry(value, "ana", "why not", ends) for value in values)


@pytest.mark.parametrize(
    ("entry", "value", "holds"),
    [
        ("bob@a.example", "BOB@a.example", True),
        ("bob@a.example", "eve@a.example", False),
        ("a.example", "bob@a.example", True),
        ("a.example", "a.example", True),
        ("a.example", "b.a.example", False),
        ("a.example", "xa.example", False),
        (".a.example", "bob@b.a.example", True),
        (".a.example", "a.example", True),
        (".a.example", "xa.example", False),
        ("192.0.2.0/24", "192.0.2.9", True),
        ("192.0.2.0/24", "::ffff:192.0.2.9", True),
        ("192.0.2.0/24", "192.0.3.9", False),
        ("192.0.2.7", "192.0.2.7", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "192.0.2.1", False),
        ("invoice.exe", "invoice.exe", True),
        ("a.example", "", False),
    ],
)
def test_what_an_entry_matches(entry, value, holds):
    assert listed(entry).holds(value, at=0.0) is holds


def test_an_entry_stops_to_match_at_its_end():
    one = listed("a.example", "192.0.2.0/24", ends=100.0)
    for value in ("bob@a.example", "192.0.2.1"):
        assert one.holds(value, at=99.9)
        assert not one.holds(value, at=100.0)


def test_of_two_equal_entries_the_longer_one_counts_in_any_order():
    short, long = Entry("a.example", "ana", "x", 10.0), Entry("A.example", "bob", "y", 20.0)
    for entries in ((short, long), (long, short)):
        assert EntryList(entries).holds("a.example", at=15.0)


def test_under_is_the_domain_or_below():
    assert under("bob@mail.A.example", "a.example")
    assert under("a.example.", ".a.example")
    assert not under("xa.example", "a.example")
    assert not under("a.example", "")


def test_in_network_says_what_is_wrong():
    assert in_network("::ffff:192.0.2.1", "192.0.2.0/24")
    assert not in_network("2001:db8::1", "192.0.2.0/24")
    with pytest.raises(ValueError, match="not a network"):
        in_network("192.0.2.1", "nonsense")
    with pytest.raises(ValueError, match="not an IP address"):
        in_network("nonsense", "192.0.2.0/24")


addresses = st.ip_addresses()
prefixes = st.integers(0, 128)


@given(addresses, addresses, prefixes)
def test_the_index_of_networks_agrees_with_the_library(host, base, prefix):
    network = ipaddress.ip_network((base, min(prefix, base.max_prefixlen)), strict=False)
    mapped = getattr(host, "ipv4_mapped", None) or host
    expected = mapped.version == network.version and mapped in network
    assert listed(str(network)).holds(str(host), at=0.0) is expected


@given(st.text(max_size=60))
def test_any_text_may_be_looked_up(value):
    assert listed("a.example", ".b.example", "192.0.2.0/24").holds(value, at=0.0) in (True, False)
