"""gateway/counters/pools.py"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.counters.pools import MAX_SIGNERS, network_of, pools_of, sender_of, visit_before_data, visits_of
from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Unknown


def evidence(ip: str = "192.0.2.7", helo: str = "mx7.out.a.example", **more: object) -> Evidence:
    client = ClientFact(ip, helo=helo)
    return Evidence(0.0, "inbound", client, "ann@a.example", ("Bob@example.org",), MessageFact(1), **more)  # type: ignore[arg-type]


SPF = Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "A.example"))
DKIM = Known(DkimFact((DkimSignatureFact(Auth.PASS, "b.example", "s", "rsa-sha256"),)))


def test_hosts_that_spf_names_have_a_pool_in_common_wherever_they_are() -> None:
    here, there = pools_of(evidence(spf=SPF)), pools_of(evidence("203.0.113.9", "other.example", spf=SPF))
    assert here[0] == there[0] == "spf a.example"
    assert set(here) & set(there) == {"spf a.example"}


def test_hosts_that_sign_alike_have_a_pool_in_common() -> None:
    here, there = pools_of(evidence(dkim=DKIM)), pools_of(evidence("203.0.113.9", "other.example", dkim=DKIM))
    assert here[0] == there[0] == "dkim b.example"


def test_signatures_that_are_compared_are_few() -> None:
    many = tuple(DkimSignatureFact(Auth.PASS, f"{n}.example", "s", "rsa-sha256") for n in range(99))
    assert len(pools_of(evidence(dkim=Known(DkimFact(many))))) == MAX_SIGNERS + 1


@pytest.mark.parametrize("spf", [Unknown("DNS"), Known(SpfFact(Auth.FAIL, SpfIdentity.MAILFROM, "a.example"))])
def test_who_proves_nothing_is_its_network_and_the_family_of_its_name(spf: object) -> None:
    assert pools_of(evidence(spf=spf)) == pools_of(evidence("192.0.2.99", "mx8.out.a.example", spf=spf))
    assert pools_of(evidence(spf=spf)) != pools_of(evidence("192.0.3.7", spf=spf))
    assert pools_of(evidence(spf=spf)) != pools_of(evidence(helo="mx.b.example", spf=spf))


def test_what_is_known_at_rcpt_is_known_after_data() -> None:
    whole = evidence(spf=SPF, dkim=DKIM)
    visit = visit_before_data(whole.client, SPF, reverse_path="ann@a.example", recipient="Bob@example.org")
    (later,) = visits_of(whole, ("bob@example.org",))
    assert set(visit.pools) < set(later.pools)
    assert (visit.pool, visit.sender, visit.recipient) == (later.pool, later.sender, later.recipient)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("news-12345@a.example", "news-67890@a.example"),
        ("bounce+bob=example.org@a.example", "bounce+eve=example.org@a.example"),
        ("0100018f3a2b-5d6e7f80@a.example", "0100019a1b2c-1a2b3c4d@a.example"),
    ],
)
def test_what_changes_from_message_to_message_is_left_out(one: str, other: str) -> None:
    assert sender_of(one) == sender_of(other)


def test_people_are_told_apart() -> None:
    assert sender_of("ann@a.example") != sender_of("bob@a.example")
    assert sender_of("") == ""


def test_a_visit_for_each_recipient() -> None:
    (visit,) = visits_of(evidence(spf=SPF), ("Bob@example.org",))
    assert (visit.pool, visit.sender, visit.recipient) == ("spf a.example", "ann@a.example", "bob@example.org")


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.7", "192.0.2.0/24"),
        ("2001:db8::1:2:3:4", "2001:db8::/64"),
        ("unix", "unix"),
    ],
)
def test_networks(ip: str, network: str) -> None:
    assert network_of(ip) == network


@given(st.text())
def test_any_reverse_path_has_a_form(text: str) -> None:
    """Whatever stands before the @ of a path is compared in lower case, and twice the same."""
    assert sender_of(text) == sender_of(text.lower())
