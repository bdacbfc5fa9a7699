"""gateway/policy/policy.py"""

import pytest

from gateway.facts.connection import ClientFact, DnsblFact
from gateway.facts.outcome import Known, Unknown
from gateway.policy.parse import read
from gateway.policy.policy import EVERYONE

GROUPS = """\
version: 1
lists: {friends: {file: lists/friends.yaml}}
groups:
  - {id: blocked, when: 'client.dnsbl_score >= 2.0', then: {reject: blocked_client}}
  - {id: trusted, when: 'client.ip.in_network("192.0.2.0/24")', limits: {size: 100MiB, recipients: 1000}}
  - {id: friends, when: 'mail.from.in_list("friends")', limits: {recipients: 500}}
  - {id: everyone, limits: {size: 1MiB}}
recipients:
  - {domain: example.org, route: mailbox}
  - {address: boss@example.org, route: mx}
"""
FRIENDS = "entries: [{value: a.example, owner: ana, reason: x, expires: '2027-01-31'}]"
POLICY = read({"default.yaml": GROUPS, "lists/friends.yaml": FRIENDS})
NOW = 1_800_000_000.0  # January 2027


@pytest.mark.parametrize(
    ("client", "group"),
    [
        (ClientFact("192.0.2.9"), "trusted"),
        (ClientFact("::ffff:192.0.2.9"), "trusted"),
        (ClientFact("198.51.100.1"), "everyone"),
        (ClientFact("192.0.2.9", dnsbl=Known(DnsblFact(2.0))), "blocked"),
        (ClientFact("192.0.2.9", dnsbl=Unknown("DNS timed out")), "trusted"),
        (ClientFact("198.51.100.1", dnsbl=Unknown("DNS timed out")), "everyone"),
    ],
    ids=["network", "mapped", "other", "listed", "network, dead DNS", "dead DNS"],
)
def test_the_first_group_that_matches_is_the_clients(client, group):
    assert POLICY.group_for(client, NOW).id == group


def test_groups_say_what_their_clients_may_do_and_where_it_is_written():
    trusted = POLICY.group_for(ClientFact("192.0.2.9"), NOW)
    assert (trusted.limits.size, trusted.limits.recipients, trusted.limits.connections) == (100 * 2**20, 1000, None)
    assert (trusted.ref.file, trusted.ref.line) == ("policies/default.yaml", 5)
    assert POLICY.group_for(ClientFact("192.0.2.9", dnsbl=Known(DnsblFact(3.0))), NOW).reject == "blocked_client"


def test_a_group_about_the_reverse_path_waits_for_mail():
    client = ClientFact("198.51.100.1")
    assert POLICY.group_for(client, NOW).id == "everyone"
    assert POLICY.group_for(client, NOW, mail_from="x@a.example").id == "friends"
    assert POLICY.group_for(client, NOW, mail_from="").id == "everyone"


def test_a_group_by_list_ends_with_its_entry():
    late = NOW + 365 * 86400
    assert POLICY.group_for(ClientFact("198.51.100.1"), late, mail_from="x@a.example").id == "everyone"


def test_a_policy_without_groups_has_one_for_everyone():
    assert read({"default.yaml": "version: 1"}).group_for(ClientFact("192.0.2.1"), NOW) is EVERYONE


@pytest.mark.parametrize(
    ("address", "route"),
    [
        ("alice@example.org", "mailbox"),
        ("Alice@EXAMPLE.ORG", "mailbox"),
        ("Boss@example.org", "mx"),
        ("alice@sub.example.org", None),
        ("alice@other.example", None),
        ("example.org", None),
        ("", None),
    ],
)
def test_who_is_ours(address, route):
    entry = POLICY.recipient_entry(address)
    assert (entry.route if entry else None) == route
