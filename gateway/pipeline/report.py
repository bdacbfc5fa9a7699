"""The public form of a judgement: the object that `postern scan --json` prints and scripts rely on
(docs/interfaces.md).

A fact that could not be had is null and is named under `unknown`. Fields are added here, never renamed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.facts.content import MalwareFact, MalwareResult
from gateway.facts.evidence import Evidence, to_plain
from gateway.facts.outcome import Known, Outcome, known_or_none
from gateway.mail.replies import Reply
from gateway.policy.verdict import Settlement, Verdict


def report(evidence: Evidence, settlement: Settlement, reply: Reply, *, file: str, elapsed_ms: float) -> dict[str, Any]:
    """One message as a JSON-able object. `reply` is what the client would be told."""
    leading = leading_verdict(settlement)
    return {
        "file": file,
        "message_id": evidence.message.message_id,
        "size": evidence.message.size,
        "disposition": settlement.disposition.word,
        "reply": str(reply),
        "class": leading.verdict_class.value,
        "rule": _rule(leading),
        "reasons": [to_plain(reason) for reason in leading.reasons],
        "recipients": {
            address: {
                "disposition": verdict.disposition.word,
                "class": verdict.verdict_class.value,
                "rule": verdict.rule.id if verdict.rule else None,
            }
            for address, verdict in settlement.verdicts
        },
        "facts": _facts(evidence),
        "unknown": replace(evidence, malware=_malware(evidence)).unknown(),
        "elapsed_ms": round(elapsed_ms, 3),
    }


def leading_verdict(settlement: Settlement) -> Verdict:
    """The strictest verdict of the settlement: the one that a single line about the message speaks of."""
    return max((verdict for _, verdict in settlement.verdicts), key=lambda verdict: verdict.disposition)


def _rule(verdict: Verdict) -> dict[str, Any] | None:
    return to_plain(verdict.rule) if verdict.rule else None


def _facts(evidence: Evidence) -> dict[str, Any]:
    content = known_or_none(evidence.content)
    dkim = known_or_none(evidence.dkim)
    spam = _fact(evidence.spam)
    if spam is not None:
        spam["class"] = spam.pop("mail_class")
    return {
        "spf": _fact(evidence.spf),
        "dkim": None if dkim is None else [to_plain(each) for each in dkim.signatures],
        "arc": _fact(evidence.arc),
        "dmarc": _fact(evidence.dmarc),
        "spam": spam,
        "malware": _fact(_malware(evidence)),
        "yara": _fact(evidence.yara),
        "engine": _fact(evidence.engine),
        "link_lists": _fact(evidence.listed),
        "shorteners": _fact(evidence.shortened),
        "reported": _fact(evidence.reported),
        "parts": None if content is None else [to_plain(each) for each in content.parts],
        "links": None if content is None else [to_plain(each) for each in content.links],
        "defects": None if content is None else list(content.defects),
        "unscannable": None if content is None else list(content.unscannable),
    }


def _fact(outcome: Outcome[Any]) -> Any:
    value = known_or_none(outcome)
    return None if value is None else to_plain(value)


def _malware(evidence: Evidence) -> Outcome[MalwareFact]:
    """What the engines say together. Malware that our own rules found is malware, whatever else is not known."""
    said, yara = known_or_none(evidence.malware), known_or_none(evidence.yara)
    if yara is None or not yara.malware or (said is not None and said.result is MalwareResult.FOUND):
        return evidence.malware
    return Known(MalwareFact(MalwareResult.FOUND, yara.malware[0], "yara", signatures=yara.rules))
