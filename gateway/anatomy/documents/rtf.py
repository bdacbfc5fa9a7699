"""Rich text (RTF 1.9.1): objects written in hexadecimal, templates that are fetched, DDE fields. Looks for the control
words that matter; renders nothing."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.documents import words
from gateway.anatomy.documents.olefiles import package
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member

_OBJECT: Final = re.compile(rb"\\(?:objdata|datastore)(?![a-z])-?\d{0,10} ?")
_TEMPLATE: Final = re.compile(rb"\\\*\\template\s{1,20}([^{}]{1,2000})")
_FIELD: Final = re.compile(rb"\\fldinst\b(?>\\\*|\\[a-z]{1,20}-?\d{0,10} ?|[{} \r\n]){0,16}+([^\\{}]{1,2000})")
_DDE: Final = re.compile(rb"\s*DDE(?:AUTO)?\b", re.IGNORECASE)
_HYPERLINK: Final = re.compile(rb"\s*HYPERLINK\s+\"?([^\"\s]{4,2000})", re.IGNORECASE)
_CONTROL: Final = re.compile(rb"\\[a-z]{1,32}-?\d{0,10} ?|\\'[0-9a-f]{2}|\\\*|\\.", re.IGNORECASE)
_NOT_HEX: Final = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_BINARY: Final = re.compile(rb"\\bin(\d{1,9}) ?")
_PIECE: Final = 256 * 1024
_BRACE: Final = re.compile(rb"[{}]")
_COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The objects, as the octets that they are."""
    words.of_rich_text(octets, findings)
    template = _TEMPLATE.search(octets)
    if template and re.search(rb"https?:|ftp:|\\\\\\\\|file:", template[1], re.IGNORECASE):
        findings.note(Defect.OFFICE_EXTERNAL_TEMPLATE)
        findings.lead(template[1].strip().decode("latin-1"), "office")
    for match in _FIELD.finditer(octets):
        if _DDE.match(match[1]):
            findings.note(Defect.OFFICE_DDE)
        elif link := _HYPERLINK.match(match[1]):
            findings.lead(link[1].decode("latin-1"), "office")
    end = 0
    for number, match in enumerate(_OBJECT.finditer(octets)):
        if match.start() < end:
            continue
        if number >= limits.MAX_PARTS:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        end = _end_of_group(octets, match.end())
        findings.note(Defect.OFFICE_EMBEDDED)
        content = _unhex(octets, match.end(), end)
        compound = content.find(_COMPOUND)
        native = content.find(b"Package\0")
        if compound != -1:
            yield Member("", content[compound:], len(content) - compound)
        elif native != -1:
            # Class name, two empty texts, the size of what follows, and there the stream without its own size.
            yield package(bytes(4) + content[native + 8 + 12 :])
        else:
            yield Member("", content, len(content))


def _unhex(octets: bytes, start: int, end: int) -> bytes:
    """The octets of an object, without what is written between its digits; those of \\bin as they stand."""
    octets_found: list[bytes] = []
    for match in _BINARY.finditer(octets, start, end):
        if match.start() < start:
            continue
        octets_found.append(_of_digits(octets, start, match.start()))
        start = min(end, match.end() + int(match[1]))
        octets_found.append(octets[match.end() : start])
    return b"".join([*octets_found, _of_digits(octets, start, end)])


def _of_digits(octets: bytes, start: int, end: int) -> bytes:
    """In pieces: control words cost memory."""
    pieces = (octets[at : min(at + _PIECE, end)] for at in range(start, end, _PIECE))
    written = b"".join(_CONTROL.sub(b"", piece).translate(None, _NOT_HEX) for piece in pieces)
    return binascii.unhexlify(written[: len(written) // 2 * 2])


def _end_of_group(octets: bytes, at: int) -> int:
    depth = 1
    for match in _BRACE.finditer(octets, at):
        depth += 1 if match[0] == b"{" else -1
        if not depth:
            return match.start()
    return len(octets)
