"""gateway/policy/conditions/vocabulary.py"""

from dataclasses import replace

import pytest

from gateway.facts.acquaintance import AcquaintanceFact
from gateway.facts.auth import ArcFact, Auth, DkimFact, DkimSignatureFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact, DnsblFact
from gateway.facts.content import (
    AuthorFact,
    ContentFact,
    LinkFact,
    MailClass,
    MalwareFact,
    MalwareResult,
    PartFact,
    ShortenedFact,
    ShortLinkFact,
    SpamFact,
)
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.policy.conditions.doubts import CHECKS, doubts
from gateway.policy.conditions.vocabulary import ABSENT, LONG_KNOWN, VARIABLES, Case, Scope, Type, in_scope

PYTHON_TYPES = {Type.TEXT: str, Type.TEXTS: list, Type.WHOLE: int, Type.NUMBER: float, Type.YES_NO: bool}
EVIDENCE_CHECKS = (
    *("spf", "dkim", "arc", "dmarc", "content", "spam", "malware", "engine", "listed", "greylist", "yara"),
    *("acquaintance", "reported", "shortened"),
)


def value(name: str, evidence: Evidence, *sealers: str):
    return VARIABLES[name].read(Case(evidence, frozenset(sealers)))


def with_all(evidence, outcome):
    names = ("reverse_name", "dnsbl", "past", "network", "country", "sender_domain")
    client = replace(evidence().client, **dict.fromkeys(names, outcome))
    return evidence(client=client, **dict.fromkeys(EVIDENCE_CHECKS, outcome))


@pytest.mark.parametrize("name", [name for name, each in VARIABLES.items() if each.scope is not Scope.RECIPIENT])
def test_every_value_is_of_its_declared_type(name, evidence):
    assert type(value(name, evidence())) is PYTHON_TYPES[VARIABLES[name].type]


@pytest.mark.parametrize("name", [name for name, each in VARIABLES.items() if each.check])
def test_what_could_not_be_told_is_absent_and_what_was_switched_off_is_neutral(name, evidence):
    neutral = value(name, with_all(evidence, Skipped()), "sealer.example")
    assert type(neutral) is PYTHON_TYPES[VARIABLES[name].type]
    assert not neutral or neutral in ("none", "ham", LONG_KNOWN)
    assert value(name, with_all(evidence, Unknown("DNS timed out")), "sealer.example") is ABSENT


def test_every_check_has_a_variable_that_says_whether_it_could_tell(evidence):
    blind, seeing = with_all(evidence, Unknown("gone")), evidence()
    for check in CHECKS:
        assert value(f"unknown.{check}", blind) is True
        assert value(f"unknown.{check}", seeing) is False
    assert doubts(blind) == dict.fromkeys(CHECKS, "gone")
    assert doubts(seeing) == {}


def test_a_temperror_is_doubt(evidence):
    """RFC 8601 section 2.7: a later attempt may give a result."""
    failed = evidence(
        spf=Known(SpfFact(Auth.TEMPERROR, SpfIdentity.MAILFROM, "a.example")),
        dmarc=Known(DmarcFact(Auth.TEMPERROR, "a.example", reason="_dmarc.a.example: timeout")),
    )
    assert value("spf.result", failed) is ABSENT
    assert value("dmarc.result", failed) is ABSENT
    assert doubts(failed) == {"spf": "DNS gave no answer", "dmarc": "_dmarc.a.example: timeout"}


def test_which_domain_was_asked_is_known_whatever_came_of_it(evidence):
    failed = evidence(
        spf=Known(SpfFact(Auth.TEMPERROR, SpfIdentity.MAILFROM, "A.example")),
        arc=Known(ArcFact(Auth.TEMPERROR, 1, "Sealer.example")),
    )
    assert value("spf.domain", failed) == "a.example"
    assert value("arc.sealer", failed) == "sealer.example"


def signatures(*results: Auth) -> Known[DkimFact]:
    return Known(DkimFact(tuple(DkimSignatureFact(each, f"{each}.example", "s", "rsa-sha256") for each in results)))


def test_dkim_is_in_doubt_only_while_nothing_passed(evidence):
    doubtful = evidence(dkim=signatures(Auth.TEMPERROR, Auth.FAIL))
    assert value("dkim.passed", doubtful) is ABSENT
    assert value("dkim.results", doubtful) == ["temperror", "fail"]
    assert value("dkim.author_passed", doubtful) is False, "no signature is of the author's domain"
    assert "dkim" in doubts(doubtful)
    passed = evidence(dkim=signatures(Auth.TEMPERROR, Auth.PASS))
    assert value("dkim.passed", passed) == ["pass.example"]
    assert doubts(passed) == {}


@pytest.mark.parametrize(
    ("outcome", "trusted"),
    [
        (Known(ArcFact(Auth.PASS, 1, "Lists.example")), True),
        (Known(ArcFact(Auth.FAIL, 1, "lists.example")), False),
        (Known(ArcFact(Auth.PASS, 1, "forger.example")), False),
        (Known(ArcFact(Auth.TEMPERROR, 1, "lists.example")), ABSENT),
        (Known(ArcFact(Auth.TEMPERROR, 1, "forger.example")), False),
        (Known(ArcFact(Auth.NONE)), False),
        (Unknown("DNS timed out"), ABSENT),
        (Skipped(), False),
    ],
)
def test_only_a_trusted_sealer_makes_a_chain_trusted_or_doubtful(outcome, trusted, evidence):
    assert value("arc.trusted", evidence(arc=outcome), "lists.example") is trusted


def test_without_trusted_sealers_no_chain_is_worth_a_doubt(evidence):
    assert value("arc.trusted", evidence(arc=Unknown("DNS timed out"))) is False


def test_content_is_read_without_repetition(evidence):
    parts = tuple(PartFact(f"1.{n}", "Setup.EXE", "text/plain", "application/x-dosexec", 1, "") for n in range(3))
    links = tuple(LinkFact(f"https://a.example/{n}", "a", "a.example") for n in range(3))
    seen = evidence(content=Known(ContentFact(parts, links, defects=("test.gtube",), unscannable=("archive.ratio",))))
    assert value("content.names", seen) == ["setup.exe"]
    assert value("content.types", seen) == ["application/x-dosexec"]
    assert value("links.hosts", seen) == ["a.example"]
    assert value("links.count", seen) == 3
    assert value("message.gtube", seen) is True
    assert value("content.unscannable", seen) == ["archive.ratio"]


def test_where_shortened_links_lead_is_told_without_those_of_which_it_is_not_known(evidence):
    told = (
        ShortLinkFact("https://bit.ly/a", "https://far.example/1", "far.example"),
        ShortLinkFact("https://bit.ly/b", "https://far.example/2", "far.example"),
        ShortLinkFact("https://bit.ly/c", why="it answered 404"),
    )
    assert value("links.shortened_to", evidence(shortened=Known(ShortenedFact(told)))) == ["far.example"]


def test_the_first_author_speaks_and_all_are_counted(evidence):
    two = (AuthorFact("A", "a@a.example", "a.example"), AuthorFact("B", "b@b.example", "b.example"))
    seen = evidence(message=MessageFact(10, authors=two, from_fields=2))
    assert value("message.author", seen) == "a@a.example"
    assert value("message.authors", seen) == 2
    assert value("message.from_fields", seen) == 2
    assert value("message.author_domain", evidence(message=MessageFact(10))) == ""


def test_envelope_client_and_engines(evidence):
    seen = evidence(
        client=ClientFact("192.0.2.1", tls="TLSv1.3", dnsbl=Known(DnsblFact(2.5))),
        reverse_path="Bounce@A.Example",
        recipients=("Alice@example.org",),
        spam=Known(SpamFact(MailClass.PHISHING, {"ham": 0.1, "spam": 0.2, "phishing": 0.7}, 2.2)),
        malware=Known(MalwareFact(MalwareResult.UNSCANNABLE, name="Heuristics.Encrypted")),
    )
    told = ("client.tls", "client.dnsbl_score", "mail.from", "mail.from_domain", "mail.rcpt", "spam.class")
    assert [value(name, seen) for name in told] == [
        True,
        2.5,
        "bounce@a.example",
        "a.example",
        ["alice@example.org"],
        "phishing",
    ]
    assert value("spam.probability.phishing", seen) == 0.7
    assert (value("malware.found", seen), value("malware.unscannable", seen)) == (False, True)


def test_a_client_is_asked_only_what_is_known_when_it_connects():
    names = set(in_scope(Scope.CLIENT))
    assert {name for name in names if not name.startswith(("client.", "mail.from"))} == {
        "unknown.reverse_name",
        "unknown.dnsbl",
        "unknown.past",
        "unknown.asn",
        "unknown.country",
        "unknown.sender_domain",
    }


def test_notes_that_are_younger_than_the_span_tell_nothing_and_are_no_failure(evidence):
    young = evidence(acquaintance=Known(AcquaintanceFact((("a.example", 0.0),), ("alice@example.org",), 29.0)))
    for name in ("sender.first_seen_days", "sender.new_domains", "sender.first_contacts"):
        assert value(name, young) is ABSENT
    assert value("unknown.acquaintance", young) is True
    assert doubts(young) == {}
    grown = evidence(
        acquaintance=Known(AcquaintanceFact((("old.example", 40.0), ("a.example", 0.0)), ("alice@example.org",), 41.0))
    )
    assert value("sender.first_seen_days", grown) == 0.0
    assert value("sender.new_domains", grown) == ["a.example"]
    assert value("sender.first_contacts", grown) == ["alice@example.org"]
    assert value("unknown.acquaintance", grown) is False


@pytest.mark.parametrize(("built_so", "seen"), [(True, True), (False, False), (None, ABSENT)])
def test_whether_mail_is_bulk_may_be_unknown(evidence, built_so, seen):
    fact = SpamFact(MailClass.SPAM, {"ham": 0.1, "spam": 0.9}, 2.2, bulk=built_so)
    assert value("spam.bulk", evidence(spam=Known(fact))) is seen
    assert Evidence.from_json(evidence(spam=Known(fact)).to_json()).spam.value.bulk is built_so
