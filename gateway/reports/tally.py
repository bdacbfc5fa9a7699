"""Counting for DMARC aggregate reports (RFC 9990, "Aggregate Reports"): evidence goes in, one message at a time; rows
come out for each policy domain that asks for reports, each with the number of messages that it stands for. Pure.

Says what DMARC led to and no more: that a message was refused for another reason stays our own affair (RFC 9990,
"Disclosure of Filtering Information").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.checks.authentication import dmarc_record
from gateway.checks.authentication.dmarc_record import STRICTNESS, Record, Request
from gateway.checks.dns.domains import dns_name, host_domain
from gateway.facts.auth import Auth, DmarcFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import known_or_none
from gateway.policy.reasons import OVERRIDES
from gateway.policy.verdict import Disposition

MAX_ROWS: Final = 100_000
"""Rows of one day over all domains: senders choose what makes rows differ, and memory is not theirs."""

MAX_ROWS_OF_DOMAIN: Final = 10_000
"""Rows of one report."""

_SELECTOR = re.compile(r"[a-z0-9_.-]+\Z")
_DONE: Final = {
    Disposition.DELIVER.word: Request.NONE,
    Disposition.QUARANTINE.word: Request.QUARANTINE,
    Disposition.REJECT.word: Request.REJECT,
}


@dataclass(frozen=True, slots=True)
class SignatureResult:
    """What one DKIM-Signature came to."""

    domain: str
    selector: str
    result: str


@dataclass(frozen=True, slots=True)
class Row:
    """What messages that are counted together have in common. `disposition` is none, pass, quarantine or reject;
    `reasons` are (type, comment) of overrides; `spf` is (domain, result), or None where there was nothing to check."""

    source_ip: str
    disposition: str
    aligned_dkim: bool
    aligned_spf: bool
    reasons: tuple[tuple[str, str], ...]
    header_from: str
    envelope_from: str
    signatures: tuple[SignatureResult, ...]
    spf: tuple[str, str] | None


@dataclass(slots=True)
class DomainTally:
    """The rows of one policy domain, and its record as seen last. `left_out` counts messages beyond the bounds."""

    record: Record
    rows: Counter[Row] = field(default_factory=Counter)
    left_out: int = 0


class Tally:
    """The count of one day. `domains` are the policy domains that ask for reports."""

    def __init__(self) -> None:
        self.domains: dict[str, DomainTally] = {}
        self._rows = 0

    def add(self, evidence: Evidence, dispositions: Sequence[str], *, codes: frozenset[str] = frozenset()) -> None:
        """Count one message. One without a DMARC result, or whose policy domain asks for no report, is passed over.

        `codes` are those of the verdicts' reasons: they say what an override is called.
        """
        dmarc = known_or_none(evidence.dmarc)
        if dmarc is None or dmarc.result not in (Auth.PASS, Auth.FAIL):
            return
        record = _record(evidence, dmarc.record_domain)
        if record is None or not record.report_uris:
            return
        tally = self.domains.setdefault(dmarc.record_domain, DomainTally(record))
        tally.record = record
        row = _row(evidence, dmarc, record, dispositions, codes)
        if row not in tally.rows:
            if self._rows >= MAX_ROWS or len(tally.rows) >= MAX_ROWS_OF_DOMAIN:
                tally.left_out += 1
                return
            self._rows += 1
        tally.rows[row] += 1


def _record(evidence: Evidence, domain: str) -> Record | None:
    """The policy record by which the message was evaluated, out of the DNS answers kept with the evidence."""
    name = f"_dmarc.{domain}"
    texts = next((each.records for each in evidence.dns if each.name == name and each.type == "TXT"), ())
    records = dmarc_record.choose(texts)
    return records[0] if len(records) == 1 else None


def _row(
    evidence: Evidence, dmarc: DmarcFact, record: Record, dispositions: Sequence[str], codes: frozenset[str]
) -> Row:
    disposition, reasons = _disposition(evidence, dmarc, record, dispositions, codes)
    spf = known_or_none(evidence.spf)
    spf_domain = host_domain(spf.domain) if spf else None
    return Row(
        source_ip=evidence.client.ip,
        disposition=disposition,
        aligned_dkim=dmarc.aligned_dkim,
        aligned_spf=dmarc.aligned_spf,
        reasons=reasons,
        header_from=dmarc.domain,
        envelope_from=host_domain(evidence.reverse_path.rpartition("@")[2]) or "",
        signatures=tuple(_signatures(evidence, dmarc.domain)),
        spf=(spf_domain, spf.result.value) if spf and spf_domain else None,
    )


def _disposition(
    evidence: Evidence, dmarc: DmarcFact, record: Record, dispositions: Sequence[str], codes: frozenset[str]
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What DMARC led to, and why it was less than the owner asked for. Of several recipients the mildest counts."""
    asked = Request(dmarc.policy)
    if dmarc.result is Auth.PASS:
        return ("none" if asked is Request.NONE else "pass"), ()
    done = min((_DONE.get(each, Request.NONE) for each in dispositions), key=STRICTNESS.__getitem__)
    reasons = []
    if record.testing and record.request not in (None, Request.NONE):
        reasons.append(("policy_test_mode", ""))
    if STRICTNESS[done] < STRICTNESS[asked]:
        arc = known_or_none(evidence.arc)
        kinds = [kind for kind, code in OVERRIDES.items() if code in codes] or ["local_policy"]
        reasons += [(kind, "arc=pass" if arc and arc.result is Auth.PASS else "") for kind in kinds]
    return min(asked, done, key=STRICTNESS.__getitem__).value, tuple(reasons)


def _signatures(evidence: Evidence, author: str) -> Iterable[SignatureResult]:
    """Those that pass first, the author's own before others (RFC 9990, "DKIM Signatures in Aggregate Reports"). One
    whose domain or selector is no name was not evaluated."""
    dkim = known_or_none(evidence.dkim)
    found = []
    for each in dkim.signatures if dkim else ():
        domain, selector = host_domain(each.domain), dns_name(each.selector)
        if domain and selector and _SELECTOR.match(selector):
            found.append(SignatureResult(domain, selector, each.result.value))
    return sorted(
        found, key=lambda each: (each.result != "pass", each.domain != author, each.domain, each.selector, each.result)
    )
