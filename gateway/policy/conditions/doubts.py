"""The checks by name, and whether each of them could tell: an outcome that is Unknown, and a result `temperror` (RFC
8601 section 2.7), is doubt. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from gateway.facts.acquaintance import AcquaintanceFact
from gateway.facts.auth import Auth, DkimFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Unknown


def _of_client(name: str) -> Callable[[Evidence], Outcome[Any]]:
    return lambda evidence: getattr(evidence.client, name)


CHECKS: Final[Mapping[str, Callable[[Evidence], Outcome[Any]]]] = {
    "reverse_name": _of_client("reverse_name"),
    "dnsbl": _of_client("dnsbl"),
    "past": _of_client("past"),
    "asn": _of_client("network"),
    "country": _of_client("country"),
    "sender_domain": _of_client("sender_domain"),
    "spf": lambda evidence: evidence.spf,
    "dkim": lambda evidence: evidence.dkim,
    "arc": lambda evidence: evidence.arc,
    "dmarc": lambda evidence: evidence.dmarc,
    "content": lambda evidence: evidence.content,
    "spam": lambda evidence: evidence.spam,
    "malware": lambda evidence: evidence.malware,
    "engine": lambda evidence: evidence.engine,
    "link_lists": lambda evidence: evidence.listed,
    "shorteners": lambda evidence: evidence.shortened,
    "greylist": lambda evidence: evidence.greylist,
    "yara": lambda evidence: evidence.yara,
    "acquaintance": lambda evidence: evidence.acquaintance,
    "reported": lambda evidence: evidence.reported,
}
"""The checks by name, and where their outcome stands."""


def doubt(evidence: Evidence, check: str) -> str:
    """Why a check could not tell, or the empty string where it could."""
    outcome = CHECKS[check](evidence)
    if isinstance(outcome, Unknown):
        return outcome.why or "no reason given"
    if not isinstance(outcome, Known):
        return ""
    fact = outcome.value
    if isinstance(fact, DkimFact):
        return "a key could not be fetched" if dkim_in_doubt(fact) else ""
    if getattr(fact, "result", None) is Auth.TEMPERROR:
        return str(getattr(fact, "reason", "")) or "DNS gave no answer"
    return ""


def is_too_early(evidence: Evidence, check: str) -> bool:
    """Whether a check cannot tell because we are new ourselves: no failure, and told of no message."""
    outcome = CHECKS[check](evidence)
    fact = outcome.value if isinstance(outcome, Known) else None
    return isinstance(fact, AcquaintanceFact) and not fact.can_tell


def doubts(evidence: Evidence) -> dict[str, str]:
    """Every check that could not tell, with its reason."""
    return {check: why for check in CHECKS if (why := doubt(evidence, check))}


OF_CLIENTS: Final = ("reverse_name", "dnsbl", "past", "asn", "country", "sender_domain")
"""The checks that are made before any message is there."""


def dkim_in_doubt(fact: DkimFact) -> bool:
    """A key could not be fetched, and no other signature passed."""
    return not fact.passed_domains and any(each.result is Auth.TEMPERROR for each in fact.signatures)
