"""A DMARC aggregate report from somebody else, read: who says what about mail in the name of a domain of ours.

Reads the format of RFC 9990 and the older one without a namespace, which most still send. Every word in it is a claim
of whoever sent it. A document with a DTD is refused, so that no entity is ever expanded; depth, elements, attributes
and text are bounded, and what is held of a document at a time is small, whatever its size. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from gateway.reports.unpacking import BadReport

MAX_DEPTH: Final = 16
MAX_ELEMENTS: Final = 500_000
"""Of a document: what its time is bounded by."""

MAX_HELD: Final = 2_000
"""Elements that are held at a time: those of one row, and those outside of rows."""

MAX_TOKEN: Final = 64 * 1024
"""Octets of a tag with its attributes, or of a comment: expat builds either whole."""

MAX_TEXT: Final = 1000
"""Characters kept of one element."""

MAX_ROWS: Final = 20_000

MAX_DIGITS: Final = 10
"""Of a count or a time: enough for the year 2286."""

_SEPARATOR: Final = "}"


@dataclass(frozen=True, slots=True)
class ReceivedRow:
    """Messages that had all this in common. `dkim` and `spf` say whether they were aligned: pass or fail."""

    source_ip: str
    count: int
    disposition: str
    dkim: str
    spf: str
    header_from: str
    envelope_from: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceivedReport:
    """One report. `begin` and `end` are seconds since the epoch; `policy` is p as the reporter saw it."""

    organization: str
    email: str
    identifier: str
    domain: str
    policy: str
    begin: int
    end: int
    rows: tuple[ReceivedRow, ...]

    @property
    def messages(self) -> int:
        """How many messages it speaks of."""
        return sum(row.count for row in self.rows)

    @property
    def passed(self) -> int:
        """How many of them passed DMARC."""
        return sum(row.count for row in self.rows if "pass" in (row.dkim, row.spf))


def parse(document: bytes) -> ReceivedReport:
    """Read an XML document. Raises `BadReport`."""
    feedback, rows = _read(document)
    if feedback.name != "feedback":
        raise BadReport(f"the document is a {feedback.name!r}, not a report")
    metadata, policy = feedback.child("report_metadata"), feedback.child("policy_published")
    span = metadata.child("date_range")
    domain = policy.text_of("domain").lower()
    if not domain:
        raise BadReport("it names no domain")
    return ReceivedReport(
        organization=metadata.text_of("org_name"),
        email=metadata.text_of("email"),
        identifier=metadata.text_of("report_id"),
        domain=domain,
        policy=policy.text_of("p"),
        begin=_number(span.text_of("begin")),
        end=_number(span.text_of("end")),
        rows=tuple(rows),
    )


@dataclass(slots=True)
class _Element:
    name: str
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    def child(self, name: str) -> _Element:
        return next((each for each in self.children if each.name == name), _Element(name))

    def text_of(self, name: str) -> str:
        """Its words on one line, fit to be shown."""
        return "".join(each if each.isprintable() else " " for each in self.child(name).text).strip()


def _row(record: _Element) -> ReceivedRow:
    row, identifiers = record.child("row"), record.child("identifiers")
    evaluated = row.child("policy_evaluated")
    return ReceivedRow(
        source_ip=row.text_of("source_ip"),
        count=_number(row.text_of("count")),
        disposition=evaluated.text_of("disposition"),
        dkim=evaluated.text_of("dkim"),
        spf=evaluated.text_of("spf"),
        header_from=identifiers.text_of("header_from").lower(),
        envelope_from=identifiers.text_of("envelope_from").lower(),
        reasons=tuple(each.text_of("type") for each in evaluated.children if each.name == "reason"),
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS:
        raise BadReport(f"{text[:20]!r} is not a number that can be meant")
    return int(text)


def _read(document: bytes) -> tuple[_Element, list[ReceivedRow]]:
    """The top element without its rows, and the rows; without namespaces and attributes."""
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    try:
        for end in range(MAX_TOKEN, len(document) + MAX_TOKEN, MAX_TOKEN):
            parser.Parse(document[end - MAX_TOKEN : end], False)
            if end - parser.CurrentByteIndex > 2 * MAX_TOKEN:
                raise BadReport("it has a tag that is too long")
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise BadReport(f"not XML: {error}") from None
    except (LookupError, ValueError) as error:
        raise error if isinstance(error, BadReport) else BadReport(f"not XML: {error}") from None
    return builder.top.children[0], builder.rows


class _Builder:
    """Hears the parser."""

    def __init__(self) -> None:
        self.top = _Element("")
        self.rows: list[ReceivedRow] = []
        self._open = [self.top]
        self._number = 0
        self._held = 0
        self._held_outside = 0

    def refuse(self, *_: object) -> None:
        raise BadReport("a report has no document type")

    def start(self, name: str, _attributes: object) -> None:
        element = _Element(name.rpartition(_SEPARATOR)[2])
        if self._is_row(element):
            self._held_outside = self._held
        self._number += 1
        self._held += 1
        if len(self._open) > MAX_DEPTH or self._number > MAX_ELEMENTS or self._held > MAX_HELD:
            raise BadReport("it is too deep or has too many elements")
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        element = self._open.pop()
        if self._is_row(element):
            if len(self.rows) == MAX_ROWS:
                raise BadReport(f"more than {MAX_ROWS} rows")
            self.rows.append(_row(element))
            self._open[-1].children.pop()
            self._held = self._held_outside

    def _is_row(self, element: _Element) -> bool:
        """Whether it stands in the top element, as a row does, with what is open now."""
        return element.name == "record" and len(self._open) == 2

    def text(self, text: str) -> None:
        element = self._open[-1]
        element.text += text[: MAX_TEXT - len(element.text)]
