"""PDF (ISO 32000): what it does by itself, where it leads, the files inside, by a bounded scan of its octets. Follows
no reference and trusts no table: what stands in the file is seen, whether or not a reader would reach it. Streams of
objects are unpacked and scanned the same way."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.unpacking import OutOfBounds, inflated
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member
from gateway.anatomy.sight.barcodes import note_codes

_STREAM: Final = re.compile(rb"stream(?:\r\n|\n|\r)")
_END: Final = b"endstream"
_DICTIONARY_REACH: Final = 4096
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_NAME: Final = re.compile(
    rb"/(JavaScript|JS|Launch|OpenAction|AA|EmbeddedFiles?|Encrypt|RichMedia|XFA|SubmitForm|ImportData|GoToR|GoToE|URI)"
    rb"(?![A-Za-z0-9_.\-])"
)
_TEXT: Final = re.compile(rb"\s{0,20}\(((?:[^()\\]|\\.){1,2000})\)|\s{0,20}<([0-9A-Fa-f\s]{2,4000})>", re.DOTALL)
_ACTION: Final = re.compile(rb"/S\s{0,20}/(?:JavaScript|Launch|URI|SubmitForm|GoToR|GoToE|ImportData|Rendition)\b")
_FILE_NAME: Final = re.compile(rb"/(?:UF|F)\s{0,20}\(((?:[^()\\]|\\.){1,255})\)", re.DOTALL)
_ACTION_REACH: Final = 400
_FILTER: Final = re.compile(
    rb"/(FlateDecode|Fl|ASCIIHexDecode|AHx|ASCII85Decode|A85|LZWDecode|LZW|RunLengthDecode|RL|Crypt)\b"
)
_FILTERS: Final = frozenset({b"FlateDecode", b"Fl", b"ASCIIHexDecode", b"AHx", b"ASCII85Decode", b"A85"})
_MAX_FILTERS: Final = 4
_NOT_HEX: Final = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_LENGTH: Final = re.compile(rb"/Length\s{1,20}(\d{1,9})(?!\s{1,20}\d{1,9}\s{1,20}R)")

_DEFECTS: Final = {
    b"JavaScript": Defect.PDF_JAVASCRIPT,
    b"JS": Defect.PDF_JAVASCRIPT,
    b"Launch": Defect.PDF_LAUNCH,
    b"EmbeddedFile": Defect.PDF_EMBEDDED,
    b"EmbeddedFiles": Defect.PDF_EMBEDDED,
    b"GoToE": Defect.PDF_EMBEDDED,
    b"Encrypt": Defect.PDF_ENCRYPTED,
    b"RichMedia": Defect.PDF_EMBEDDED,
    b"XFA": Defect.PDF_FORM,
    b"SubmitForm": Defect.PDF_FORM,
    b"ImportData": Defect.PDF_FORM,
}


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The files inside; what is odd, and where it leads, goes to `findings`."""
    scan = _Scan(findings)
    position = 0
    names: list[str] = []
    files: list[bytes] = []
    for number, match in enumerate(_STREAM.finditer(octets)):
        if match.start() < position:
            continue  # inside the octets of another stream
        if number > limits.MAX_PARTS * 100:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            break
        text = octets[position : match.start()]
        scan.text(text)
        names += _names_in(text)
        described = _unescaped(text[max(text.rfind(b" obj"), len(text) - _DICTIONARY_REACH, 0) :])
        end = position = _end_of_stream(octets, match.end(), described)
        if b"/ObjStm" in described:
            inside = scan.unpacked(octets[match.end() : end], described)
            scan.text(inside)
            names += _names_in(inside)
        elif b"/EmbeddedFile" in described:
            files.append(scan.unpacked(octets[match.end() : end], described))
        elif b"/DCTDecode" in described and b"/Image" in described:
            note_codes(octets[match.end() : end], "image/jpeg", findings)
        elif b"/XRef" not in described and b"/Filter" not in described:
            scan.text(octets[match.end() : min(end, match.end() + _DICTIONARY_REACH)])
    scan.text(octets[position:])
    names += _names_in(octets[position:])
    # Which name is whose, only the references tell; files and their names come in the same order, most often.
    for content, name in zip(files, chain(names, repeat("")), strict=False):
        yield Member(name, content, len(content))
    if scan.is_encrypted and scan.is_closed:
        findings.missed(Unscannable.DOCUMENT_ENCRYPTED)


class _Scan:
    """One scan: what was found, and how much may still be unpacked."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._streams = 0
        self.is_encrypted = False
        self.is_closed = False

    def text(self, octets: bytes) -> None:
        """Look at the text of objects for names that do something."""
        octets = _unescaped(octets)
        for match in _NAME.finditer(octets):
            name = match[1]
            if name == b"URI":
                self._take_url(octets, match.end())
            elif name in (b"OpenAction", b"AA"):
                # A destination, as most have, is harmless; the action may stand elsewhere, and is seen there.
                if _ACTION.search(octets, match.end(), match.end() + _ACTION_REACH):
                    self._findings.note(Defect.PDF_OPEN_ACTION)
            elif name in _DEFECTS:
                self._findings.note(_DEFECTS[name])
                self.is_encrypted |= name == b"Encrypt"

    def unpacked(self, packed: bytes, described: bytes) -> bytes:
        """A stream without its filter, as much of it as makes sense and is within bounds."""
        filters = _FILTER.findall(described[described.find(b"/Filter") :]) if b"/Filter" in described else []
        if not set(filters) <= _FILTERS or self._streams >= limits.MAX_OBJECT_STREAMS:
            self._findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
            return b""
        self._streams += 1
        for each in filters[:_MAX_FILTERS]:
            if each in (b"FlateDecode", b"Fl"):
                packed = self._inflated(packed)
            elif each in (b"ASCIIHexDecode", b"AHx"):
                packed = bytes.fromhex(_even(packed.partition(b">")[0].translate(None, _NOT_HEX)))
            elif each in (b"ASCII85Decode", b"A85"):
                packed = _from_base_85(packed)
        return packed

    def _inflated(self, packed: bytes) -> bytes:
        try:
            unpacked = inflated(packed, self._findings)
        except OutOfBounds as bound:
            self._findings.missed(bound.reason)
            return b""
        if not unpacked.content:
            self.is_closed = True
        return unpacked.content

    def _take_url(self, octets: bytes, at: int) -> None:
        text = _TEXT.match(octets, at)
        if text is None:
            return
        raw = _plain(text[1]) if text[1] is not None else bytes.fromhex(_even(text[2]))
        self._findings.lead(raw.decode("utf-8", "replace"), "pdf")


def _end_of_stream(octets: bytes, start: int, described: bytes) -> int:
    """Where the dictionary says, if the mark of the end stands there: a file may have that mark in it."""
    told = _LENGTH.search(described)
    if told and octets[start + int(told[1]) :][:16].lstrip().startswith(_END):
        return start + int(told[1])
    end = octets.find(_END, start)
    return end if end != -1 else len(octets)


def _from_base_85(packed: bytes) -> bytes:
    digits = b"".join(packed.partition(b"~>")[0].split())
    try:
        return base64.a85decode(digits)
    except ValueError:
        return b""


def _unescaped(octets: bytes) -> bytes:
    """Names may be written with #xx for any octet."""
    if b"#" not in octets:
        return octets
    return _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), octets)


def _plain(text: bytes) -> bytes:
    return re.sub(rb"\\([()\\])", rb"\1", text.replace(b"\\\n", b"").replace(b"\\\r\n", b""))


def _even(digits: bytes) -> str:
    packed = b"".join(digits.split()).decode("ascii")
    return packed if len(packed) % 2 == 0 else packed + "0"


def _names_in(text: bytes) -> list[str]:
    if b"/EF" not in text and b"/Filespec" not in text:
        return []
    return [_plain(name).decode("utf-8", "replace")[: limits.MAX_NAME] for name in _FILE_NAME.findall(text)]
