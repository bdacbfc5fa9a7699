"""What a second look at a message means: whether it found something that the first judgement did not know, and whether
it could tell at all. Pure.

What the malware engine finds is malware whatever the policy says. A rule of ours counts where it did not match at the
door already and the policy in force would not deliver in spite of it: what it tags, or lets partners send, stays where
it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from gateway.facts.content import Findings, MalwareFact, MalwareResult, YaraFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Skipped, Unknown, known_or_none
from gateway.policy.decide import decide
from gateway.policy.policy import Policy
from gateway.policy.verdict import Disposition, Keeping

MALWARE: Final = "malware"
PHISHING: Final = "phishing"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and the quarantine class under which the message is held for it."""

    name: str
    quarantine: str


def finding(found: Findings, before: Evidence | None, recipient: str, policy: Policy) -> Finding | None:
    """What speaks against a message that was let through on the evidence of `before` (None: it cannot be read)."""
    said = known_or_none(found.malware)
    if said is not None and said.result is MalwareResult.FOUND:
        return Finding(said.name or MALWARE, MALWARE)
    news = new_matches(found, before)
    if news is None or (before is not None and _would_deliver(replace(before, yara=Known(news)), recipient, policy)):
        return None
    return Finding(news.malware[0], MALWARE) if news.malware else Finding(news.matches[0], PHISHING)


def new_matches(found: Findings, before: Evidence | None) -> YaraFact | None:
    """Our own rules that match now and did not at the door; None for none."""
    now = known_or_none(found.yara)
    then = known_or_none(before.yara) if before is not None else None
    known = then.matches if then is not None else ()
    fresh = tuple(each for each in now.matches if each not in known) if now is not None else ()
    return replace(now, matches=fresh) if now is not None and fresh else None


def doubt(found: Findings) -> str:
    """Why it is not known whether the message is clean; empty: it is known."""
    for outcome in (found.malware, found.yara):
        if isinstance(outcome, Unknown):
            return outcome.why
    nobody_looked = isinstance(found.malware, Skipped) and not isinstance(found.yara, Known)
    return found.malware.why if nobody_looked and isinstance(found.malware, Skipped) else ""


def doubt_of_rules(found: Findings) -> str:
    """Why it is not known whether our own rules match; empty: it is known, or there are none."""
    return found.yara.why if isinstance(found.yara, Unknown) else ""


def who_looked(found: Findings) -> str:
    """Who looked, with what knowledge, for the story of the message."""
    told = []
    match found.malware:
        case Known(MalwareFact(engine=engine, signatures=signatures)):
            told.append(f"{engine or 'the engine'} with signatures {signatures or 'unknown'}")
        case _:
            pass
    match found.yara:
        case Known(YaraFact(rules=rules)) if rules:
            told.append(f"our own rules {rules}")
        case _:
            pass
    return " and ".join(told) or "nobody"


def _would_deliver(evidence: Evidence, recipient: str, policy: Policy) -> bool:
    verdict = decide(evidence, recipient, policy)
    return verdict.disposition is Disposition.DELIVER or verdict.keeping is Keeping.RESCAN
