"""Why a verdict is what it is: codes from a closed list, and sentences for people.

The code of a rule is its id in upper case (`dmarc-reject` gives DMARC_REJECT); the others are listed here. Which facts
are told follows from the variables that the deciding rule reads. What comes from a message or from outside is cut
short and made printable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from gateway.facts.acquaintance import SPAN
from gateway.facts.auth import Auth
from gateway.facts.content import MalwareResult, PartFact, Signal
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import known_or_none
from gateway.policy.conditions.cel import Truth
from gateway.policy.conditions.doubts import CHECKS
from gateway.policy.conditions.vocabulary import VARIABLES
from gateway.policy.policy import Policy, Rule
from gateway.policy.verdict import Disposition, Reason

DEFAULT: Final = "DEFAULT"
SPAM_SIGNAL: Final = "SPAM_SIGNAL"
MALWARE_NAME: Final = "MALWARE_NAME"
DMARC_RESULT: Final = "DMARC_RESULT"
UNSCANNABLE: Final = "UNSCANNABLE"
YARA_RULE: Final = "YARA_RULE"
FIRST_SEEN: Final = "FIRST_SEEN"
REPORTED_TEXT: Final = "REPORTED_TEXT"
PARTS_REMOVED: Final = "PARTS_REMOVED"
NOT_STRIPPED: Final = "NOT_STRIPPED"
OVERRIDES: Final[Mapping[str, str]] = {
    "local_policy": "DMARC_LOCAL_POLICY",
    "mailing_list": "DMARC_MAILING_LIST",
    "trusted_forwarder": "DMARC_TRUSTED_FORWARDER",
}
"""Codes of what was done instead of what DMARC asks for, under the words of aggregate reports (RFC 9990)."""

UNKNOWN_CODES: Final[Mapping[str, str]] = {check: f"UNKNOWN_{check.upper()}" for check in CHECKS}

SIGNALS: Final = 3
"""How many of the classifier's signals are told; the evidence holds all."""

MAX_QUOTE: Final = 80
"""Characters of hostile text in one sentence."""


def code_of(rule_id: str) -> str:
    """The reason code of a rule."""
    return rule_id.upper().replace("-", "_")


def codes(policy: Policy) -> frozenset[str]:
    """Every code that a verdict under this policy may carry."""
    facts = {
        DEFAULT,
        SPAM_SIGNAL,
        MALWARE_NAME,
        DMARC_RESULT,
        UNSCANNABLE,
        YARA_RULE,
        FIRST_SEEN,
        REPORTED_TEXT,
        PARTS_REMOVED,
        NOT_STRIPPED,
        *OVERRIDES.values(),
        *UNKNOWN_CODES.values(),
    }
    return frozenset(facts | {code_of(rule.ref.id) for rule in policy.rules})


def of_match(rule: Rule, evidence: Evidence) -> Iterator[Reason]:
    """Why a rule matched: its own sentence, and the facts that it asked for."""
    yield Reason(code_of(rule.ref.id), rule.description or f"Rule {rule.ref.id} matched")
    names = rule.condition.names if rule.condition else frozenset()
    for check in dict.fromkeys(VARIABLES[name].check for name in sorted(names)):
        tell = _TELL.get(check)
        if tell is not None:
            yield from tell(evidence)


def of_override(
    evidence: Evidence, done: Disposition, rule: Rule | None, *, matched: Sequence[Rule], trusted: frozenset[str]
) -> Iterator[Reason]:
    """That less was done than the owner of the author's domain asks for, and by whose word. `matched` are the rules
    that matched without ending the matter. A message that has to come back is not done with."""
    fact = known_or_none(evidence.dmarc)
    if fact is None or fact.result is not Auth.FAIL or done is Disposition.DEFER:
        return
    if done >= _ASKED.get(fact.policy, Disposition.DELIVER):
        return
    arc = known_or_none(evidence.arc)
    by = f"rule {rule.ref.id}" if rule else "the policy's default"
    if arc is not None and arc.result is Auth.PASS and arc.sealer.lower() in trusted:
        by = f"arc=pass of {quote(arc.sealer)}, whom we trust"
    word = next((each.override for each in (rule, *matched) if each is not None and each.override), "local_policy")
    yield Reason(OVERRIDES[word], f"DMARC asks for {fact.policy}; {done.word} instead, by {by}")


def of_doubt(rule: Rule, truth: Truth, doubts: Mapping[str, str]) -> Reason:
    """Why a rule could not be decided."""
    checks = checks_of(truth)
    said = "; ".join(f"{check}: {quote(doubts.get(check, 'not known'))}" for check in checks) or quote(truth.why)
    return Reason(code_of(rule.ref.id), f"Rule {rule.ref.id} could not be decided ({said})")


def checks_of(truth: Truth) -> list[str]:
    """The checks whose silence made an answer UNKNOWN."""
    return list(dict.fromkeys(VARIABLES[name].check or name for name in truth.missing))


def of_stripping(parts: Sequence[PartFact]) -> Reason:
    """What is taken out before delivery."""
    return Reason(PARTS_REMOVED, f"Taken out: {quote(', '.join(each.name or each.path for each in parts))}")


def of_no_stripping(why: str) -> Reason:
    """Why a message is held that was to be delivered without some parts."""
    return Reason(NOT_STRIPPED, f"Held whole instead of being delivered without some parts: {quote(why)}")


def of_unknown(doubts: Mapping[str, str]) -> Iterator[Reason]:
    """What could not be told at all, whether or not a rule asked."""
    for check, why in doubts.items():
        yield Reason(UNKNOWN_CODES[check], f"The check {check} could not tell: {quote(why)}")


def of_default() -> Reason:
    """No rule ended the matter."""
    return Reason(DEFAULT, "No rule ended the matter: the policy's default holds")


def quote(text: str) -> str:
    """Text from outside, on one line, printable and short. What turns writing around or hides it is not printable."""
    line = "".join(each if each.isprintable() else " " for each in text[: 4 * MAX_QUOTE])
    words = " ".join(line.split())
    return words if len(words) <= MAX_QUOTE else words[: MAX_QUOTE - 1] + "…"


def _spam(evidence: Evidence) -> Iterable[Reason]:
    fact = known_or_none(evidence.spam)
    pointing = [each for each in fact.signals if each.points] if fact else []
    strongest = sorted(pointing, key=lambda each: -each.weight)[:SIGNALS]
    for each in strongest:
        if each.weight > 0:
            yield Reason(SPAM_SIGNAL, f"{_told(each)} ({each.weight:+.1f})")


def _told(signal: Signal) -> str:
    """A signal of the classifier as a sentence. Its kind says where the words stood; a kind nobody knows is named."""
    words = quote(signal.evidence)
    match signal.name:
        case "fact" if words:
            return words[:1].upper() + words[1:]
        case "text":
            return f'The text says "{words}"'
        case "subject":
            return f'The subject says "{words}"'
        case "name":
            return f'The author\'s name says "{words}"'
    return f"{quote(signal.name)}: {words}" if words else quote(signal.name)


def _malware(evidence: Evidence) -> Iterable[Reason]:
    fact = known_or_none(evidence.malware)
    if fact is None or fact.result is MalwareResult.CLEAN:
        return
    engine, part = quote(fact.engine) or "The engine", f" in part {quote(fact.part)}" if fact.part else ""
    if fact.result is MalwareResult.FOUND:
        yield Reason(MALWARE_NAME, f"{engine} found {quote(fact.name) or 'malware'}{part}")
    else:
        yield Reason(UNSCANNABLE, f"{engine} could not scan all of it{part}: {quote(fact.name) or 'no reason given'}")


def _dmarc(evidence: Evidence) -> Iterable[Reason]:
    fact = known_or_none(evidence.dmarc)
    if fact is not None and fact.result is not Auth.NONE:
        asks = f", whose owner asks for {quote(fact.policy)}" if fact.policy and fact.result is Auth.FAIL else ""
        yield Reason(DMARC_RESULT, f"DMARC: {fact.result.value} for {quote(fact.domain)}{asks}")


def _content(evidence: Evidence) -> Iterable[Reason]:
    fact = known_or_none(evidence.content)
    if fact is not None and fact.unscannable:
        yield Reason(UNSCANNABLE, f"Not looked into: {quote(', '.join(fact.unscannable))}")


def _yara(evidence: Evidence) -> Iterable[Reason]:
    fact = known_or_none(evidence.yara)
    if fact is not None and fact.matches:
        yield Reason(YARA_RULE, f"It matches {quote(', '.join(fact.matches))}")


def _acquaintance(evidence: Evidence) -> Iterable[Reason]:
    fact = known_or_none(evidence.acquaintance)
    for domain, days in fact.domains if fact and fact.can_tell else ():
        if days < SPAN:
            since = f"first seen {days:.1f} days ago" if days else "never seen before"
            yield Reason(FIRST_SEEN, f"The domain {quote(domain)} was {since}")


def _reported(evidence: Evidence) -> Iterable[Reason]:
    fact = known_or_none(evidence.reported)
    if fact is not None and fact.voices:
        who = "One person here" if len(fact.by) == 1 else f"{len(fact.by)} people here"
        yield Reason(
            REPORTED_TEXT, f"{who} called a text {fact.called.value} of which {fact.likeness:.0%} stands in this one"
        )


_ASKED: Final = {"quarantine": Disposition.QUARANTINE, "reject": Disposition.REJECT}
_TELL: Final[Mapping[str, Callable[[Evidence], Iterable[Reason]]]] = {
    "spam": _spam,
    "malware": _malware,
    "dmarc": _dmarc,
    "content": _content,
    "yara": _yara,
    "acquaintance": _acquaintance,
    "reported": _reported,
}
