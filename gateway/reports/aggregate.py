"""One DMARC aggregate report as XML (RFC 9990, "Description of the content XML file"), with its names. Pure.

Elements stand in the order of the standard's tables, whether its schema asks for an order or not. Deterministic: a
report that is written again has the same octets and the same identifier, so that a duplicate can be told.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from gateway.checks.authentication.dmarc_record import Request
from gateway.reports.tally import DomainTally, Row, SignatureResult

NAMESPACE: Final = "urn:ietf:params:xml:ns:dmarc-2.0"
DAY: Final = 86400


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who reports: the domain name of the receiving host, the organisation in words, its mailbox."""

    receiver: str
    organization: str
    email: str
    generator: str


@dataclass(frozen=True, slots=True)
class Period:
    """The UTC day of the report; `begin` is seconds since the epoch."""

    begin: int

    @property
    def end(self) -> int:
        """Its last second: periods must not overlap."""
        return self.begin + DAY - 1

    @classmethod
    def of(cls, instant: float) -> Period:
        """The day in which the instant falls."""
        return cls(int(instant) // DAY * DAY)

    @property
    def before(self) -> Period:
        """The day before."""
        return Period(self.begin - DAY)


class Discovery(StrEnum):
    """How the policy domain was found (RFC 9990, "discovery_method")."""

    TREE_WALK = "treewalk"
    SUFFIX_LIST = "psl"


@dataclass(frozen=True, slots=True)
class Report:
    """What one policy domain is told about one day."""

    reporter: Reporter
    domain: str
    period: Period
    tally: DomainTally
    discovery: Discovery = Discovery.TREE_WALK

    @property
    def identifier(self) -> str:
        """Unique among reports to the domain (RFC 9990, "Definition of Report-ID"): a dot-atom."""
        return f"{self.period.begin}-{self.domain}@{self.reporter.receiver}"

    @property
    def file_name(self) -> str:
        """The attachment's name (RFC 9990, "Email")."""
        return f"{self.reporter.receiver}!{self.domain}!{self.period.begin}!{self.period.end}.xml.gz"


def render(report: Report) -> bytes:
    """The XML document."""
    feedback = Element(_name("feedback"))
    _text(feedback, "version", "1.0")
    _metadata(feedback, report)
    _policy(feedback, report)
    for row, count in sorted(report.tally.rows.items(), key=lambda item: _order(item[0])):
        _record(feedback, row, count)
    document: bytes = tostring(feedback, encoding="utf-8", xml_declaration=True, default_namespace=NAMESPACE)
    return document + b"\n"


def _metadata(feedback: Element, report: Report) -> None:
    metadata = SubElement(feedback, _name("report_metadata"))
    _text(metadata, "org_name", report.reporter.organization)
    _text(metadata, "email", report.reporter.email)
    _text(metadata, "report_id", report.identifier)
    span = SubElement(metadata, _name("date_range"))
    _text(span, "begin", str(report.period.begin))
    _text(span, "end", str(report.period.end))
    if report.tally.left_out:
        _text(metadata, "error", f"{report.tally.left_out} messages are left out: they differed in too many ways")
    _text(metadata, "generator", report.reporter.generator)


def _policy(feedback: Element, report: Report) -> None:
    record = report.tally.record
    policy = SubElement(feedback, _name("policy_published"))
    request = record.request or Request.NONE
    subdomains = record.subdomains or request
    _text(policy, "domain", report.domain)
    _text(policy, "discovery_method", report.discovery.value)
    _text(policy, "p", request.value)
    _text(policy, "sp", subdomains.value)
    _text(policy, "np", (record.missing_subdomains or subdomains).value)
    _text(policy, "adkim", "s" if record.strict_dkim else "r")
    _text(policy, "aspf", "s" if record.strict_spf else "r")
    _text(policy, "testing", "y" if record.testing else "n")


def _record(feedback: Element, row: Row, count: int) -> None:
    record = SubElement(feedback, _name("record"))
    source = SubElement(record, _name("row"))
    _text(source, "source_ip", row.source_ip)
    _text(source, "count", str(count))
    evaluated = SubElement(source, _name("policy_evaluated"))
    _text(evaluated, "disposition", row.disposition)
    _text(evaluated, "dkim", _word(is_aligned=row.aligned_dkim))
    _text(evaluated, "spf", _word(is_aligned=row.aligned_spf))
    for kind, comment in row.reasons:
        reason = SubElement(evaluated, _name("reason"))
        _text(reason, "type", kind)
        if comment:
            _text(reason, "comment", comment)
    identifiers = SubElement(record, _name("identifiers"))
    _text(identifiers, "header_from", row.header_from)
    _text(identifiers, "envelope_from", row.envelope_from)
    results = SubElement(record, _name("auth_results"))
    for signature in row.signatures:
        _signature(results, signature)
    if row.spf is not None:
        spf = SubElement(results, _name("spf"))
        _text(spf, "domain", row.spf[0])
        _text(spf, "scope", "mfrom")
        _text(spf, "result", row.spf[1])


def _signature(results: Element, signature: SignatureResult) -> None:
    dkim = SubElement(results, _name("dkim"))
    _text(dkim, "domain", signature.domain)
    _text(dkim, "selector", signature.selector)
    _text(dkim, "result", signature.result)


def _word(*, is_aligned: bool) -> str:
    return "pass" if is_aligned else "fail"


def _order(row: Row) -> tuple[str, ...]:
    signatures = ",".join(f"{each.domain}/{each.selector}/{each.result}" for each in row.signatures)
    reasons = ",".join(kind + comment for kind, comment in row.reasons)
    spf = "/".join(row.spf or ())
    aligned = f"{row.aligned_dkim:d}{row.aligned_spf:d}"
    return (row.source_ip, row.header_from, row.envelope_from, row.disposition, aligned, reasons, signatures, spf)


def _text(parent: Element, name: str, text: str) -> None:
    # Names and addresses were checked where they came in; what an operator wrote of himself was not.
    SubElement(parent, _name(name)).text = "".join(each if each.isprintable() else " " for each in text)


def _name(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
