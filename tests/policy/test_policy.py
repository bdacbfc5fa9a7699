"""gateway/policy/policy.py"""

import pytest

from gateway.facts.connection import ClientFact, DnsblFact, NetworkFact, PastFact, SenderDomain
from gateway.facts.outcome import Known, Unknown
from gateway.policy.conditions.cel import Answer
from gateway.policy.language.parse import read
from gateway.policy.policy import EVERYONE, CertificateDemand

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


KNOWN = ClientFact(
    "192.0.2.9",
    helo="mx.a.example",
    reverse_name=Known("mx.a.example"),
    tls="TLSv1.3",
    dnsbl=Known(DnsblFact(1.5, good=0.5)),
    past=Known(PastFact(connections=3, messages=4, errors=5, unknown_recipients=6)),
    door="mx",
    network=Known(NetworkFact(64500, "Example Net")),
    country=Known("NO"),
    sender_domain=Known(SenderDomain.NO_HOST),
)
DOUBT = Unknown("nobody said")
DOUBTFUL = ClientFact(
    "192.0.2.9", reverse_name=DOUBT, dnsbl=DOUBT, past=DOUBT, network=DOUBT, country=DOUBT, sender_domain=DOUBT
)
ALWAYS_KNOWN = (
    'client.ip == "192.0.2.9"',
    'client.ip.in_network("192.0.2.0/28")',
    'client.helo.endsWith("mx.a.example") || client.helo == ""',
    'mail.from_domain.under("a.example")',
)
TOLD = (
    'client.reverse_name.under("a.example")',
    "client.dnsbl_score >= 1.5",
    "client.dnswl_score >= 0.5",
    "client.asn == 64500",
    'client.as_organisation.startsWith("Example")',
    'client.country in ["SE", "NO"]',
    "client.connections > 2 && client.messages > 3",
    "client.errors > 4 && client.unknown_recipients > 5",
    'client.sender_domain == "no-host"',
)


@pytest.mark.parametrize("condition", [*ALWAYS_KNOWN, *TOLD, "client.tls", 'client.door == "mx"', 'client.user == ""'])
def test_all_that_a_group_may_ask_for(condition):
    policy = read(
        {"default.yaml": f"version: 1\ngroups:\n  - {{id: asks, when: '{condition}'}}\n  - {{id: everyone}}\n"}
    )
    sender = "ann@mail.a.example"
    assert policy.group_for(KNOWN, NOW, mail_from=sender).id == "asks"
    negated = read({"default.yaml": f"version: 1\ngroups: [{{id: asks, when: '!({condition})'}}, {{id: everyone}}]\n"})
    assert negated.group_for(KNOWN, NOW, mail_from=sender).id == "everyone"
    if condition in TOLD:
        for each in (policy, negated):
            ((_, truth), *_) = each.groups_looked_at(DOUBTFUL, NOW, mail_from=sender)
            assert truth.answer is Answer.UNKNOWN, "neither yes nor no"
            assert each.group_for(DOUBTFUL, NOW, mail_from=sender).id == "everyone"


def test_what_its_groups_and_rules_ask_for_is_known_to_the_policy():
    def asks(groups="", rules=""):
        policy = read({"default.yaml": f"version: 1\ngroups: [{groups}{{id: all}}]\nrules: [{rules}]\n"})
        return set(policy.asks_about_origin), policy.asks_about_sender_domain, policy.asks_about_the_past

    assert asks() == (set(), False, False)
    assert asks("{id: a, when: 'client.asn == 1 || client.as_organisation == \"x\"'}, ") == ({"asn"}, False, False)
    assert asks(rules="{id: a, when: 'client.country == \"NO\"', then: deliver}") == ({"country"}, False, False)
    assert asks("{id: a, when: 'unknown.sender_domain'}, ") == (set(), True, False)
    assert asks("{id: a, when: 'client.errors > 5'}, ") == (set(), False, True)


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


CERTIFIED = read(
    {
        "default.yaml": """\
version: 1
groups:
  - {id: own, when: 'client.ip.in_network("192.0.2.0/24")'}
  - id: bank
    when: 'client.ip.in_network("198.51.100.0/24") && mail.from.under("bank.example")'
    certificate: {authorities: bank.pem, names: [MX.bank.example], fingerprints: ['AB:AB']}
  - {id: submission, when: 'client.door == "submission"', certificate: {authorities: staff.pem}}
  - {id: listed, when: 'client.dnsbl_score >= 1.0', certificate: {authorities: listed.pem}}
  - {id: everyone}
""".replace("AB:AB", ":".join(["AB"] * 32))
    }
)
BANK = CertificateDemand("bank.pem", frozenset({"mx.bank.example"}), frozenset({"ab" * 32}))


@pytest.mark.parametrize(
    ("client", "demand"),
    [
        (ClientFact("198.51.100.9"), BANK),
        (ClientFact("203.0.113.9"), None),
        (ClientFact("192.0.2.9", door="submission"), None),
        (ClientFact("203.0.113.9", door="submission"), CertificateDemand("staff.pem")),
        (ClientFact("203.0.113.9", dnsbl=Unknown("DNS timed out")), None),
    ],
    ids=["may be the bank", "another network", "a group above", "its group", "in doubt"],
)
def test_a_handshake_asks_those_for_a_certificate_who_may_have_to_show_one_at_mail(client, demand):
    assert CERTIFIED.certificate_demand(client, NOW) == demand


def test_a_policy_that_demands_no_certificate_asks_nobody():
    assert POLICY.certificate_demand(ClientFact("198.51.100.9"), NOW) is None
