"""THE table of variables: what a condition may ask, of which type, what it means, and how it is read from the evidence.

The declarations for CEL, the values at run time and the reference are all made from it. A fact that is Unknown is left
out (`ABSENT`): could not tell. A check that was Skipped gives a neutral value: the operator switched it off. A result
`temperror` (RFC 8601 section 2.7) is doubt too, and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from gateway.facts.acquaintance import AcquaintanceFact
from gateway.facts.auth import ArcFact, Auth, DkimFact, DmarcFact, SpfFact
from gateway.facts.content import ContentFact, EngineFact, LinkFact, MailClass, MalwareFact, MalwareResult, SpamFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.facts.reported import ReportedFact
from gateway.policy.conditions.doubts import CHECKS, OF_CLIENTS, dkim_in_doubt, doubt, is_too_early

F = TypeVar("F")


class Type(Enum):
    """The types of variables, as CEL spells them."""

    TEXT = "string"
    TEXTS = "list(string)"
    WHOLE = "int"
    NUMBER = "double"
    YES_NO = "bool"


class Scope(Enum):
    """From when on a variable has a value."""

    CLIENT = "client"
    MESSAGE = "message"
    RECIPIENT = "recipient"


class Absent(Enum):
    """The mark of a value that could not be told."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT

LONG_KNOWN: Final = 36_500.0
"""Days for which those are known about whom nobody was asked: a hundred years."""

GTUBE: Final = "test.gtube"
"""The defect by which anatomy says that the message holds the test string for spam filters."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: the evidence, and the sealers (RFC 8617) whose word the policy takes."""

    evidence: Evidence
    trusted_sealers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Variable:
    """One row of the table. `check` names the outcome that it depends on; empty: it is always known."""

    name: str
    type: Type
    meaning: str
    read: Callable[[Case], Any]
    check: str = ""
    scope: Scope = Scope.MESSAGE


def _of(pick: Callable[[Evidence], Outcome[F]], read: Callable[[F], Any], neutral: Any) -> Callable[[Case], Any]:
    """Read a known value; ABSENT where the check could not tell, neutral where it was switched off."""

    def value(case: Case) -> Any:
        match pick(case.evidence):
            case Known(known):
                return ABSENT if getattr(known, "result", None) is Auth.TEMPERROR else read(known)
            case Skipped():
                return neutral
        return ABSENT

    return value


def _spf(read: Callable[[SpfFact], Any], neutral: Any) -> Callable[[Case], Any]:
    return _of(lambda evidence: evidence.spf, read, neutral)


def _dkim_results(fact: DkimFact) -> list[str]:
    return [each.result.value for each in fact.signatures]


def _dkim_passed(fact: DkimFact) -> Any:
    return ABSENT if dkim_in_doubt(fact) else sorted(each.lower() for each in fact.passed_domains)


def _dkim_author_passed(case: Case) -> Any:
    """In doubt only for a signature of that very domain: one that a forger adds, of a domain whose DNS never answers,
    says nothing about the author."""
    outcome, domain = case.evidence.dkim, _author("domain")(case)
    if isinstance(outcome, Unknown):
        return ABSENT
    signatures = outcome.value.signatures if isinstance(outcome, Known) else ()
    results = {each.result for each in signatures if each.domain.lower() == domain}
    return True if Auth.PASS in results else (ABSENT if Auth.TEMPERROR in results else False)


def _named(pick: Callable[[Evidence], Outcome[F]], read: Callable[[F], str]) -> Callable[[Case], Any]:
    """A name that is known whatever came of the check: which domain was asked stands in the message."""

    def value(case: Case) -> Any:
        outcome = pick(case.evidence)
        if isinstance(outcome, Unknown):
            return ABSENT
        return read(outcome.value).lower() if isinstance(outcome, Known) else ""

    return value


def _arc(read: Callable[[ArcFact], Any], neutral: Any) -> Callable[[Case], Any]:
    return _of(lambda evidence: evidence.arc, read, neutral)


def _dmarc(read: Callable[[DmarcFact], Any], neutral: Any) -> Callable[[Case], Any]:
    return _of(lambda evidence: evidence.dmarc, read, neutral)


def _spam(read: Callable[[SpamFact], Any], neutral: Any) -> Callable[[Case], Any]:
    return _of(lambda evidence: evidence.spam, read, neutral)


def _malware(read: Callable[[MalwareFact], Any], neutral: Any) -> Callable[[Case], Any]:
    return _of(lambda evidence: evidence.malware, read, neutral)


def _engine(read: Callable[[EngineFact], Any], neutral: Any) -> Callable[[Case], Any]:
    return _of(lambda evidence: evidence.engine, read, neutral)


def _content(read: Callable[[ContentFact], Any], neutral: Any) -> Callable[[Case], Any]:
    return _of(lambda evidence: evidence.content, read, neutral)


def _acquaintance(read: Callable[[AcquaintanceFact], Any], neutral: Any) -> Callable[[Case], Any]:
    """Absent, too, while our own notes are younger than what they are asked about."""
    return _of(lambda evidence: evidence.acquaintance, lambda fact: read(fact) if fact.can_tell else ABSENT, neutral)


def _reported(read: Callable[[ReportedFact], Any], neutral: Any) -> Callable[[Case], Any]:
    return _of(lambda evidence: evidence.reported, read, neutral)


def _author(attribute: str) -> Callable[[Case], Any]:
    """Of the first author; empty where there is none."""

    def value(case: Case) -> Any:
        authors = case.evidence.message.authors
        return getattr(authors[0], attribute) if authors else ""

    return value


def _arc_trusted(case: Case) -> Any:
    """A chain that nobody sealed whom we trust is not trusted, even if its check failed: else a forger could buy doubt
    with a seal of a domain whose DNS never answers."""
    outcome = case.evidence.arc
    if isinstance(outcome, Skipped) or not case.trusted_sealers:
        return False
    if isinstance(outcome, Unknown):
        return ABSENT
    if outcome.value.sealer.lower() not in case.trusted_sealers:
        return False
    return ABSENT if outcome.value.result is Auth.TEMPERROR else outcome.value.result is Auth.PASS


def _distinct(texts: Any) -> list[str]:
    return list(dict.fromkeys(texts))


def _hosts(links: tuple[LinkFact, ...]) -> list[str]:
    return _distinct(link.host for link in links if link.host)


def domain_of(address: str) -> str:
    """The domain of an address, in lower case; empty for the null reverse-path."""
    return address.rpartition("@")[2].lower() if "@" in address else ""


_CLIENT, _RECIPIENT = Scope.CLIENT, Scope.RECIPIENT
_TEXT, _TEXTS, _WHOLE, _NUMBER, _YES_NO = Type.TEXT, Type.TEXTS, Type.WHOLE, Type.NUMBER, Type.YES_NO


_dnsbl, _past, _network, _country = (CHECKS[name] for name in ("dnsbl", "past", "asn", "country"))
_reverse_name, _sender_domain = CHECKS["reverse_name"], CHECKS["sender_domain"]


# fmt: off
_FACTS: Final[tuple[Variable, ...]] = (
    Variable("client.ip", _TEXT, "Address of the host that connected", lambda c: c.evidence.client.ip, scope=_CLIENT),
    Variable("client.helo", _TEXT, "What it said in HELO or EHLO", lambda c: c.evidence.client.helo, scope=_CLIENT),
    Variable("client.reverse_name", _TEXT, "Its PTR name if that resolves back to it, else empty",
             _of(_reverse_name, str, ""), "reverse_name", _CLIENT),
    Variable("client.tls", _YES_NO, "The session is encrypted", lambda c: bool(c.evidence.client.tls), scope=_CLIENT),
    Variable("client.certificate_names", _TEXTS, "Names in the certificate that it proved in the handshake, where its "
             "group demands one", lambda c: list(c.evidence.client.certificate.names), scope=_CLIENT),
    Variable("client.user", _TEXT, "Who signed in, or empty", lambda c: c.evidence.client.user, scope=_CLIENT),
    Variable("client.dnsbl_score", _NUMBER, "Sum of the weights of the block lists that name the client",
             _of(_dnsbl, lambda fact: fact.score, 0.0), "dnsbl", _CLIENT),
    Variable("client.dnswl_score", _NUMBER, "Sum of the weights (as a positive number) of the lists of good clients",
             _of(_dnsbl, lambda fact: fact.good, 0.0), "dnsbl", _CLIENT),
    Variable("client.door", _TEXT, "Which listener it came to: mx, submission or submissions",
             lambda c: c.evidence.client.door, scope=_CLIENT),
    Variable("client.asn", _WHOLE, "Number of the autonomous system that it is in; 0 where the map has none",
             _of(_network, lambda fact: fact.asn, 0), "asn", _CLIENT),
    Variable("client.as_organisation", _TEXT, "Whose autonomous system that is",
             _of(_network, lambda fact: fact.organisation, ""), "asn", _CLIENT),
    Variable("client.country", _TEXT, "Its country, like `NO` (ISO 3166-1); empty where the map has none",
             _of(_country, str, ""), "country", _CLIENT),
    Variable("client.sender_domain", _TEXT,
             "What the DNS says of the domain in MAIL FROM: takes-mail, null-mx, no-host, no-such-domain",
             _of(_sender_domain, lambda fact: fact.value, ""), "sender_domain", _CLIENT),
    Variable("client.connections", _WHOLE, "Connections that it opened in the last hour",
             _of(_past, lambda fact: fact.connections, 0), "past", _CLIENT),
    Variable("client.messages", _WHOLE, "Messages that it began in the last hour",
             _of(_past, lambda fact: fact.messages, 0), "past", _CLIENT),
    Variable("client.errors", _WHOLE, "Commands of it that were refused for good in the last hour",
             _of(_past, lambda fact: fact.errors, 0), "past", _CLIENT),
    Variable("client.unknown_recipients", _WHOLE, "Recipients that do not exist, which it asked for in the last hour",
             _of(_past, lambda fact: fact.unknown_recipients, 0), "past", _CLIENT),
    Variable("mail.from", _TEXT, "Reverse-path (MAIL FROM); empty for the null path",
             lambda c: c.evidence.reverse_path.lower(), scope=_CLIENT),
    Variable("mail.from_domain", _TEXT, "Domain of the reverse-path", lambda c: domain_of(c.evidence.reverse_path),
             scope=_CLIENT),
    Variable("mail.rcpt", _TEXTS, "All recipients (RCPT TO)", lambda c: [r.lower() for r in c.evidence.recipients]),
    Variable("mail.correspondents", _TEXTS, "Recipients who wrote to the first author lately; a claim without DMARC",
             lambda c: [r.lower() for r in c.evidence.correspondents]),
    Variable("mail.answers", _TEXTS, "Recipients to whose own mail this is an answer: it names a Message-ID that they "
             "sent to its first author lately", lambda c: [r.lower() for r in c.evidence.answers]),
    Variable("mail.size", _WHOLE, "Octets of the message", lambda c: c.evidence.message.size),
    Variable("mail.direction", _TEXT, "inbound or outbound", lambda c: c.evidence.direction),
    Variable("recipient.address", _TEXT, "The recipient that is judged", lambda c: ABSENT, scope=_RECIPIENT),
    Variable("recipient.domain", _TEXT, "The recipient's domain", lambda c: ABSENT, scope=_RECIPIENT),
    Variable("message.subject", _TEXT, "Subject, decoded", lambda c: c.evidence.message.subject),
    Variable("message.author", _TEXT, "Address of the first author (From)", _author("address")),
    Variable("message.author_domain", _TEXT, "Domain of the first author", _author("domain")),
    Variable("message.author_name", _TEXT, "Display name of the first author, decoded", _author("name")),
    Variable("message.from_fields", _WHOLE, "How many From fields there are", lambda c: c.evidence.message.from_fields),
    Variable("message.authors", _WHOLE, "How many authors they name", lambda c: len(c.evidence.message.authors)),
    Variable("message.gtube", _YES_NO, "It holds GTUBE, the test string for spam filters",
             _content(lambda fact: GTUBE in fact.defects, False), "content"),
    Variable("spf.result", _TEXT, "SPF result, a word of RFC 8601", _spf(lambda fact: fact.result.value, "none"),
             "spf"),
    Variable("spf.domain", _TEXT, "Domain that SPF looked at", _named(lambda e: e.spf, lambda fact: fact.domain),
             "spf"),
    Variable("dkim.results", _TEXTS, "Result of each DKIM signature that was looked at",
             _of(lambda e: e.dkim, _dkim_results, []), "dkim"),
    Variable("dkim.passed", _TEXTS, "Domains whose DKIM signature passed",
             _of(lambda e: e.dkim, _dkim_passed, []), "dkim"),
    Variable("dkim.author_passed", _YES_NO, "A DKIM signature of the author's own domain passed", _dkim_author_passed,
             "dkim"),
    Variable("arc.result", _TEXT, "ARC result: none, pass or fail", _arc(lambda fact: fact.result.value, "none"),
             "arc"),
    Variable("arc.sealer", _TEXT, "Domain of the newest ARC seal", _named(lambda e: e.arc, lambda fact: fact.sealer),
             "arc"),
    Variable("arc.trusted", _YES_NO, "The chain passed and its newest seal is of a trusted sealer", _arc_trusted,
             "arc"),
    Variable("dmarc.result", _TEXT, "DMARC result, a word of RFC 8601",
             _dmarc(lambda fact: fact.result.value, "none"), "dmarc"),
    Variable("dmarc.policy", _TEXT, "What the author domain asks for: none, quarantine, reject; empty without a record",
             _dmarc(lambda fact: fact.policy, ""), "dmarc"),
    Variable("dmarc.aligned_spf", _YES_NO, "SPF passed for an aligned domain",
             _dmarc(lambda fact: fact.aligned_spf, False), "dmarc"),
    Variable("dmarc.aligned_dkim", _YES_NO, "A DKIM signature of an aligned domain passed",
             _dmarc(lambda fact: fact.aligned_dkim, False), "dmarc"),
    Variable("sender.first_seen_days", _NUMBER, "Days since mail of the author's domain, and of the reverse-path's, "
             "was first delivered here: of the younger of the two; 0.0 for one that is here for the first time",
             _acquaintance(lambda fact: fact.days, LONG_KNOWN), "acquaintance"),
    Variable("sender.new_domains", _TEXTS, "Which of the two were first seen less than 30 days ago",
             _acquaintance(lambda fact: list(fact.new_domains), []), "acquaintance"),
    Variable("sender.first_contacts", _TEXTS, "Recipients to whom the author never wrote, and who never wrote to him",
             _acquaintance(lambda fact: list(fact.strangers), []), "acquaintance"),
    Variable("sender.wanted_by", _TEXTS, "Recipients who said of each of the last three messages of this sender that "
             "they judged that it is ham", _reported(lambda fact: list(fact.sender_wanted_by), []), "reported"),
    Variable("sender.unwanted_by", _TEXTS, "Recipients who called each of those unwanted",
             _reported(lambda fact: list(fact.sender_unwanted_by), []), "reported"),
    Variable("spam.class", _TEXT, "What the classifier takes it for: ham, spam or phishing",
             _spam(lambda fact: fact.mail_class.value, MailClass.HAM.value), "spam"),
    Variable("spam.score", _NUMBER, "Log-odds of not-ham: 0.0 is even, 8.0 is 3,000 to 1",
             _spam(lambda fact: fact.score, 0.0), "spam"),
    Variable("spam.probability.spam", _NUMBER, "Probability of spam, 0.0 to 1.0",
             _spam(lambda fact: fact.probability.get("spam", 0.0), 0.0), "spam"),
    Variable("spam.probability.phishing", _NUMBER, "Probability of phishing, 0.0 to 1.0",
             _spam(lambda fact: fact.probability.get("phishing", 0.0), 0.0), "spam"),
    Variable("spam.bulk", _YES_NO, "It is built as bulk mail is: two signs of a newsletter or list, and no discussion",
             _spam(lambda fact: ABSENT if fact.bulk is None else fact.bulk, False), "spam"),
    Variable("reported.voices", _WHOLE, "How many people here called mail with nearly this text unwanted, while nobody "
             "wants it; the operator counts for two", _reported(lambda fact: fact.voices, 0), "reported"),
    Variable("reported.by", _TEXTS, "Who they are: addresses of mailboxes, names of accounts",
             _reported(lambda fact: list(fact.by), []), "reported"),
    Variable("reported.likeness", _NUMBER, "How much of the likest of those texts stands in this one, 0.0 to 1.0",
             _reported(lambda fact: fact.likeness, 0.0), "reported"),
    Variable("reported.class", _TEXT, "What most of them called it: spam or phishing; ham where nobody did",
             _reported(lambda fact: fact.called.value, MailClass.HAM.value), "reported"),
    Variable("malware.found", _YES_NO, "An engine found malware",
             _malware(lambda fact: fact.result is MalwareResult.FOUND, False), "malware"),
    Variable("malware.name", _TEXT, "What it found, or why it could not scan", _malware(lambda fact: fact.name, ""),
             "malware"),
    Variable("malware.unscannable", _YES_NO, "The engine could not scan all of it (encrypted, a limit reached)",
             _malware(lambda fact: fact.result is MalwareResult.UNSCANNABLE, False), "malware"),
    Variable("clamav.signature_age", _NUMBER, "Hours since the malware engine's signatures were made",
             _engine(lambda fact: ABSENT if fact.age is None else fact.age / 3600.0, 0.0), "engine"),
    Variable("clamav.signatures", _TEXT, "Version of the malware engine's signatures",
             _engine(lambda fact: fact.signatures or ABSENT, ""), "engine"),
    Variable("clamav.absent", _NUMBER, "Minutes for which the malware engine has not answered; 0.0 while it does",
             _engine(lambda fact: fact.absent / 60.0, 0.0), "engine"),
    Variable("yara.found", _YES_NO, "Some part matches one of our own YARA rules",
             _of(lambda e: e.yara, lambda fact: bool(fact.matches), False), "yara"),
    Variable("yara.matches", _TEXTS, "Names of the YARA rules that match",
             _of(lambda e: e.yara, lambda fact: list(fact.matches), []), "yara"),
    Variable("content.unscannable", _TEXTS, "Why parts could not be looked into (`archive.encrypted`, ...)",
             _content(lambda fact: list(fact.unscannable), []), "content"),
    Variable("content.defects", _TEXTS, "Oddities (`mime.ambiguous`, `name.executable`, ...)",
             _content(lambda fact: list(fact.defects), []), "content"),
    Variable("content.types", _TEXTS, "True types of all parts and archive members",
             _content(lambda fact: _distinct(part.true_type.lower() for part in fact.parts), []), "content"),
    Variable("content.names", _TEXTS, "File names of all parts and archive members, in lower case",
             _content(lambda fact: _distinct(part.name.lower() for part in fact.parts if part.name), []), "content"),
    Variable("content.scant", _YES_NO, "It is a few words of plain text that lead nowhere: no link, number or address "
             "in them, no page, picture or file beside them", _content(lambda fact: fact.scant, False), "content"),
    Variable("content.lost_workers", _WHOLE, "How many anatomists this very content has killed, this time included",
             lambda c: c.evidence.lost_workers),
    Variable("links.hosts", _TEXTS, "Hosts that links go to", _content(lambda fact: _hosts(fact.links), []),
             "content"),
    Variable("links.listed", _TEXTS, "Hosts of links that a block list of links names",
             _of(lambda e: e.listed, lambda fact: _distinct(host for _, host in fact.listings), []), "link_lists"),
    Variable("links.list_score", _NUMBER, "Sum of the weights of the block lists that name a link",
             _of(lambda e: e.listed, lambda fact: fact.score, 0.0), "link_lists"),
    Variable("links.shortened_to", _TEXTS, "Hosts that shortened links lead to, where `shorteners` has them followed",
             _of(lambda e: e.shortened, lambda fact: _distinct(each.host for each in fact.links if each.host), []),
             "shorteners"),
    Variable("links.count", _WHOLE, "How many links there are", _content(lambda fact: len(fact.links), 0), "content"),
)
# fmt: on


def _is_unknown(check: str) -> Variable:
    return Variable(
        f"unknown.{check}",
        Type.YES_NO,
        f"The check {check} could not tell; always known",
        lambda case: bool(doubt(case.evidence, check)) or is_too_early(case.evidence, check),
        scope=Scope.CLIENT if check in OF_CLIENTS else Scope.MESSAGE,
    )


VARIABLES: Final[Mapping[str, Variable]] = {
    each.name: each for each in (*_FACTS, *(_is_unknown(check) for check in CHECKS))
}
"""All variables by name, in the order of the reference."""

MAIL_FROM: Final = frozenset({"mail.from", "mail.from_domain", "client.sender_domain", "unknown.sender_domain"})
"""What is not known yet while a client has connected and said nothing."""


def in_scope(*scopes: Scope) -> dict[str, Variable]:
    """The variables that have a value there."""
    return {name: each for name, each in VARIABLES.items() if each.scope in scopes}
