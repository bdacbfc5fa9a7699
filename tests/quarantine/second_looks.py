"""What tests of second looks share: a policy with the shipped rules about malware, and what a look found."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from gateway.facts.content import Findings, MalwareFact, MalwareResult, YaraFact
from gateway.facts.outcome import Known, Outcome
from gateway.policy.language.parse import read
from gateway.policy.policy import Policy

CLEAN: Final = Known(MalwareFact(MalwareResult.CLEAN, engine="clamav", signatures="27451"))
FOUND: Final = Known(MalwareFact(MalwareResult.FOUND, "Eicar", "clamav"))
NO_MATCH: Final = Known(YaraFact(rules="0123"))

_POLICY = """
version: 1
recipients:
  - {domain: example.org, route: mailbox, validate: mailbox}
rules:
  - id: malware
    when: malware.found
    then: {reject: malware}
    on_unknown: deliver_marked
  - id: tagged
    when: '"only_told" in yara.matches'
    then: deliver
    on_unknown: next
  - id: yara
    when: 'yara.matches.exists(rule, !rule.startsWith("lure_"))'
    then: {quarantine: malware}
    on_unknown: next
  - id: yara-lure
    when: yara.found
    then: {quarantine: phishing}
    on_unknown: next
malware: {wait: 1h, look_back: 1h}
quarantine: {malware: 2h, phishing: 3h}
"""


@lru_cache(maxsize=1)
def policy() -> Policy:
    """Waits an hour for a scan, and looks back an hour."""
    return read({"default.yaml": _POLICY})


def found(malware: Outcome[MalwareFact] = CLEAN, yara: Outcome[YaraFact] = NO_MATCH) -> Findings:
    """What a second look says."""
    return Findings(malware, yara)


def matching(*rules: str) -> Outcome[YaraFact]:
    """These rules of ours match."""
    return Known(YaraFact(rules, "0123"))
