"""The recorded facts of one message, told for the item page: what each check said, and what none could say. Pure.

Reads evidence, never judges it. Words that strangers chose are bounded here and escaped by the template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.console.telling.words import defang, domain_of, visible
from gateway.facts.auth import Auth
from gateway.facts.content import LinkFact, MalwareResult, PartFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown, known_or_none

HALF: Final = 100.0
"""Half the width of a signal's bar: weights grow left and right of the middle."""
MAX_ROWS: Final = 500

_TONES: Final = {
    Auth.PASS: "ok",
    Auth.FAIL: "bad",
    Auth.SOFTFAIL: "warn",
    Auth.POLICY: "warn",
    Auth.TEMPERROR: "warn",
    Auth.PERMERROR: "warn",
}
_ICONS: Final = {"ok": "check", "bad": "cross", "warn": "question", "": "ring"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check said: its name, the result word, tone and icon, and the rest in words."""

    check: str
    result: str
    tone: str
    icon: str
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: `x` and `width` in the drawing's units, for signals around the middle, for timings from the left."""

    name: str
    figure: str
    evidence: str
    x: float
    width: float
    up: bool


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part: `indent` says how deep it lies; `differs` that the octets are not what they claim to be."""

    path: str
    indent: int
    name: str
    declared: str
    true: str
    differs: bool
    size: int
    sha256: str
    note: str


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link: what it says, and where it really goes, defanged, the host apart."""

    text: str
    host: str
    url: str
    place: str


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the page tells from the evidence."""

    findings: tuple[Finding, ...]
    signals: tuple[Bar, ...]
    model: str
    timings: tuple[Bar, ...]
    total_milliseconds: float
    unknown: tuple[tuple[str, str], ...]
    parts: tuple[PartRow, ...]
    links: tuple[LinkRow, ...]
    oddities: tuple[str, ...]
    client: str
    helo: str
    tls: str


def story_of(evidence: Evidence) -> Story:
    """Tell it."""
    spam = known_or_none(evidence.spam)
    content = known_or_none(evidence.content)
    client = evidence.client
    name = known_or_none(client.reverse_name)
    return Story(
        findings=_findings(evidence),
        signals=_signals([(s.name, s.weight, s.evidence) for s in spam.signals] if spam else []),
        model=visible(spam.model, 60) if spam else "",
        timings=_timings([(each.check, each.milliseconds) for each in evidence.timings]),
        total_milliseconds=max((each.milliseconds for each in evidence.timings), default=0.0),
        unknown=tuple((name, visible(why)) for name, why in evidence.unknown().items()),
        parts=tuple(_part(each) for each in content.parts[:MAX_ROWS]) if content else (),
        links=tuple(_link(each) for each in content.links[:MAX_ROWS]) if content else (),
        oddities=tuple(visible(each, 80) for each in (*content.defects, *content.unscannable)) if content else (),
        client=f"{client.ip} {visible(name, 120)}".strip() if name else client.ip,
        helo=visible(client.helo, 120),
        tls=visible(client.tls, 20),
    )


def _findings(evidence: Evidence) -> tuple[Finding, ...]:
    return (
        _spf(evidence),
        *_dkim(evidence),
        _arc(evidence),
        _dmarc(evidence),
        _malware(evidence),
        *_rules(evidence),
        _classifier(evidence),
        _block_lists(evidence),
    )


def _doubt(check: str, outcome: Outcome[object]) -> Finding:
    match outcome:
        case Unknown(why):
            return Finding(check, "could not tell", "warn", "question", visible(why))
        case Skipped(why):
            return Finding(check, "skipped", "", "ring", visible(why))
    raise AssertionError("a known outcome is no doubt")


def _auth(check: str, result: Auth, *words: str) -> Finding:
    tone = _TONES.get(result, "")
    return Finding(check, result.value, tone, _ICONS[tone], visible(", ".join(filter(None, words))))


def _spf(evidence: Evidence) -> Finding:
    if not isinstance(evidence.spf, Known):
        return _doubt("SPF", evidence.spf)
    fact = evidence.spf.value
    identity = "reverse-path" if fact.identity.value == "mailfrom" else "HELO name"
    said = f"its owner says: {fact.explanation}" if fact.explanation else ""
    return _auth("SPF", fact.result, f"{identity} domain {fact.domain}" if fact.domain else "", said)


def _dkim(evidence: Evidence) -> tuple[Finding, ...]:
    if not isinstance(evidence.dkim, Known):
        return (_doubt("DKIM", evidence.dkim),)
    signatures = evidence.dkim.value.signatures
    if not signatures:
        return (Finding("DKIM", "none", "", "ring", "not signed"),)
    return tuple(
        _auth("DKIM", each.result, f"{each.domain} (selector {each.selector}, {each.algorithm})", each.reason)
        for each in signatures[:20]
    )


def _arc(evidence: Evidence) -> Finding:
    if not isinstance(evidence.arc, Known):
        return _doubt("ARC", evidence.arc)
    fact = evidence.arc.value
    sealed = f"{fact.instances} seals, the last by {fact.sealer}" if fact.instances else "no seal"
    return _auth("ARC", fact.result, sealed, fact.reason)


def _dmarc(evidence: Evidence) -> Finding:
    if not isinstance(evidence.dmarc, Known):
        return _doubt("DMARC", evidence.dmarc)
    fact = evidence.dmarc.value
    asks = f"asks for {fact.policy} where it fails" if fact.policy else "no policy published"
    aligned = [name for name, is_so in (("SPF", fact.aligned_spf), ("DKIM", fact.aligned_dkim)) if is_so]
    return _auth(
        "DMARC", fact.result, f"{fact.domain} {asks}", f"aligned: {' and '.join(aligned) or 'nothing'}", fact.reason
    )


def _malware(evidence: Evidence) -> Finding:
    if not isinstance(evidence.malware, Known):
        return _doubt("Malware", evidence.malware)
    fact = evidence.malware.value
    tone = {MalwareResult.FOUND: "bad", MalwareResult.UNSCANNABLE: "warn", MalwareResult.CLEAN: "ok"}[fact.result]
    words = ", ".join(
        filter(None, (fact.name, f"in part {fact.part}" if fact.part else "", fact.engine, fact.signatures))
    )
    return Finding("Malware", fact.result.value, tone, _ICONS[tone], visible(words))


def _rules(evidence: Evidence) -> tuple[Finding, ...]:
    """Our own rules, where some match or could not be asked."""
    if isinstance(evidence.yara, Unknown):
        return (_doubt("YARA rules", evidence.yara),)
    if not isinstance(evidence.yara, Known) or not evidence.yara.value.matches:
        return ()
    words = visible(", ".join(evidence.yara.value.matches))
    return (Finding("YARA rules", "found", "bad", _ICONS["bad"], words),)


def _classifier(evidence: Evidence) -> Finding:
    if not isinstance(evidence.spam, Known):
        return _doubt("Classifier", evidence.spam)
    fact = evidence.spam.value
    shares = ", ".join(f"{name} {share:.1%}" for name, share in sorted(fact.probability.items(), key=lambda e: -e[1]))
    tone = "ok" if fact.mail_class.value == "ham" else "bad"
    return Finding(
        "Classifier", fact.mail_class.value, tone, _ICONS[tone], visible(f"score {fact.score:.1f}: {shares}")
    )


def _block_lists(evidence: Evidence) -> Finding:
    if not isinstance(evidence.client.dnsbl, Known):
        return _doubt("Block lists", evidence.client.dnsbl)
    fact = evidence.client.dnsbl.value
    if not fact.listings:
        return Finding("Block lists", "not listed", "ok", "check", "")
    return Finding("Block lists", "listed", "bad", "cross", visible(", ".join(f"{z} ({a})" for z, a in fact.listings)))


def _signals(signals: list[tuple[str, float, str]]) -> tuple[Bar, ...]:
    ordered = sorted(signals, key=lambda each: -abs(each[1]))[:40]
    most = max((abs(weight) for _, weight, _ in ordered), default=1.0) or 1.0
    bars = []
    for name, weight, evidence in ordered:
        width = round(HALF * abs(weight) / most, 1)
        x = HALF if weight >= 0 else round(HALF - width, 1)
        bars.append(
            Bar(
                visible(name, 80),
                f"{weight:+.2f}".replace("-", "\u2212"),
                visible(evidence, 160),
                x,
                width,
                weight >= 0,
            )
        )
    return tuple(bars)


def _timings(timings: list[tuple[str, float]]) -> tuple[Bar, ...]:
    most = max((each for _, each in timings), default=1.0) or 1.0
    return tuple(
        Bar(visible(check, 40), f"{taken:.1f} ms", "", 0.0, round(2 * HALF * taken / most, 1), up=False)
        for check, taken in sorted(timings, key=lambda each: -each[1])[:40]
    )


def _part(part: PartFact) -> PartRow:
    return PartRow(
        path=visible(part.path, 40),
        indent=min(part.path.count(".") + part.path.count("/"), 6),
        name=visible(part.name, 160),
        declared=visible(part.declared_type, 80),
        true=visible(part.true_type, 80),
        differs=bool(part.true_type) and part.true_type.lower() != part.declared_type.lower(),
        size=part.size,
        sha256=visible(part.sha256, 64),
        note=visible(part.note, 120),
    )


def _link(link: LinkFact) -> LinkRow:
    return LinkRow(visible(link.text, 160), visible(link.host, 120).replace(".", "[.]"), defang(link.url), link.place)


def differs(one: str, other: str) -> bool:
    """Whether two addresses are of different domains, where both are there."""
    return bool(one and other) and domain_of(one) != domain_of(other)
