"""PDF (ISO 32000): what it does by itself, where it leads, the files inside, by a bounded scan of its octets. Follows
no reference and trusts no table: what stands in the file is seen, whether or not a reader would reach it. Streams of
objects are unpacked and scanned the same way."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.unpacking import OutOfBounds, glimpse, inflate, inflated
from gateway.anatomy.characters import kept_name
from gateway.anatomy.documents.pdf_locks import lock_of, security_of, unlocked
from gateway.anatomy.documents.pdf_syntax import stream_end
from gateway.anatomy.documents.pdf_text import PLACE, Fonts, shown_by
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import ENCRYPTED, Member
from gateway.anatomy.sight.barcodes import note_codes
from gateway.anatomy.sight.images import png

_STREAM: Final = re.compile(rb"(?<!end)stream[ \t]{0,8}(?:\r\n|\n|\r)")
_DICTIONARY_REACH: Final = 64 * 1024
_STREAM_REACH: Final = 4096
_ESCAPED: Final = re.compile(rb"#([0-9A-Fa-f]{2})")
_NAME: Final = re.compile(
    rb"/(JavaScript|JS|Launch|OpenAction|AA|EmbeddedFiles?|Encrypt|RichMedia|XFA|SubmitForm|ImportData|GoToR|GoToE|URI)"
    rb"(?![A-Za-z0-9_.\-])"
)
_TEXT: Final = re.compile(rb"\s{0,20}\(((?:[^()\\]|\\.){1,2000})\)|\s{0,20}<([0-9A-Fa-f\s]{2,4000})>", re.DOTALL)
_ACTION: Final = re.compile(rb"/S\s{0,20}/(?:JavaScript|Launch|URI|SubmitForm|GoToR|GoToE|ImportData|Rendition)\b")
_FILE_REFERENCES: Final = re.compile(rb"/EF\s{0,20}<<([^<>]{1,400})>>")
_REFERENCE: Final = re.compile(rb"(\d{1,7})\s{1,20}\d{1,5}\s{1,20}R\b")
_FILE_NAME: Final = re.compile(rb"/(?:UF|F)\s{0,20}\(((?:[^()\\]|\\.){1,255})\)", re.DOTALL)
_ACTION_REACH: Final = 400
_FILTER: Final = re.compile(
    rb"/(FlateDecode|Fl|ASCIIHexDecode|AHx|ASCII85Decode|A85|LZWDecode|LZW|RunLengthDecode|RL|Crypt)\b"
)
_DEFLATED: Final = frozenset({b"FlateDecode", b"Fl"})
_FILTERS: Final = frozenset({b"FlateDecode", b"Fl", b"ASCIIHexDecode", b"AHx", b"ASCII85Decode", b"A85"})
_MAX_FILTERS: Final = 4
_ZLIB: Final = b"\x78"
_NOT_HEX: Final = bytes(set(range(256)) - set(b"0123456789abcdefABCDEF"))
_OBJECT: Final = re.compile(rb"(\d{1,7})\s{1,20}\d{1,5}\s{1,20}obj\b")
_FIRST: Final = re.compile(rb"/First\s+(\d{1,7})")
_NO_PAGE: Final = re.compile(
    rb"/Image\b|/Length1|/FunctionType|/ShadingType|/Metadata|/Alternate|/Type1C|/CIDFontType0C|/OpenType"
)
_PLAIN: Final = bytes({9, 10, 13, *range(32, 127)})
_PIXELS: Final = re.compile(rb"/(Width|Height|BitsPerComponent|Predictor|Colors)\s{0,10}(\d{1,6})\b")
_PNG_PREDICTOR: Final = 10

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
    fonts = Fonts()
    pages: list[bytes] = []
    position = 0
    names: list[str] = []
    files: list[bytes] = []
    said_to_be_files: set[int] = set()
    others: list[tuple[bytes, int, int]] = []
    for number, match in enumerate(_STREAM.finditer(octets)):
        if match.start() < position:
            continue  # inside the octets of another stream
        if number > limits.MAX_PARTS * 100:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            break
        text = octets[position : match.start()]
        scan.text(text)
        _take_objects(text, fonts)
        names += _names_in(text)
        said_to_be_files.update(_files_in(text))
        described = _unescaped(text[max(text.rfind(b" obj") - 20, len(text) - _DICTIONARY_REACH, 0) :])
        end = position = stream_end(octets, match.end(), described)
        if b"/ObjStm" in described:
            inside = scan.unpacked(octets[match.end() : end], described)
            scan.text(inside)
            _take_packed_objects(inside, described, fonts)
            names += _names_in(inside)
            said_to_be_files.update(_files_in(inside))
            continue
        if b"/EmbeddedFile" in described:
            files.append(scan.unpacked(octets[match.end() : end], described))
            continue
        others.append((described, match.end(), end))
        if b"/DCTDecode" in described and b"/Image" in described:
            note_codes(octets[match.end() : end], "image/jpeg", findings)
        elif b"/Image" in described and b"/FlateDecode" in described:
            _note_image(octets[match.end() : end], described, findings)
        elif b"/XRef" not in described and _NO_PAGE.search(described) is None and len(pages) < limits.MAX_PDF_TEXTS:
            content = scan.page(octets[match.end() : end], described)
            if b"begincmap" in content:
                fonts.take_map(_number(described), content)
            elif b"Tf" in content and b"BT" in content and not content[:200].translate(None, _PLAIN):
                pages.append(content)
            if b"/Filter" not in described:
                scan.text(content[:_STREAM_REACH])
    scan.text(octets[position:])
    _take_objects(octets[position:], fonts)
    for page in pages:
        if findings.document_room:
            findings.read(shown_by(page, fonts), PLACE)
    names += _names_in(octets[position:])
    said_to_be_files.update(_files_in(octets[position:]))
    if said_to_be_files:
        # A file's stream need not say that it is one (ISO 32000 section 7.11.4): who refers to it does.
        for described, start, end in others:
            if _number(described) in said_to_be_files:
                findings.note(Defect.PDF_EMBEDDED)
                files.append(scan.unpacked(octets[start:end], described))
    # Which name is whose, only the references tell; files and their names come in the same order, most often.
    for content, name in zip(files, chain(names, repeat("")), strict=False):
        yield Member(name, content, len(content))
    if scan.is_encrypted:
        yield from _in_the_clear(octets, findings, is_closed=scan.is_closed)


def _in_the_clear(octets: bytes, findings: Findings, *, is_closed: bool) -> Iterator[Member]:
    """An encrypted file without its encryption: at once under the empty password, else as a member that is locked.
    `is_closed`: streams of it made no sense as they are."""
    security = security_of(octets)
    if security is None:
        if is_closed:
            findings.missed(Unscannable.DOCUMENT_ENCRYPTED)
        return
    key = security.key(b"")
    if key is None:
        yield Member("", b"", len(octets), ENCRYPTED, lock=lock_of(octets, security))
    elif findings.may_decode(len(octets)):
        plain = unlocked(octets, security, key)
        yield Member("", plain, len(plain))


class _Scan:
    """One scan: what was found, and how much may still be unpacked."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._streams = 0
        self._pages = 0
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
        if b"/Filter" in described and not filters and packed.startswith(_ZLIB):
            filters = [b"FlateDecode"]  # its name stands elsewhere
        is_readable = set(filters) <= _FILTERS and len(filters) <= _MAX_FILTERS
        if not is_readable or self._streams >= limits.MAX_OBJECT_STREAMS:
            self._findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
            return b""
        self._streams += 1
        for each in filters:
            packed = self._inflated(packed) if each in _DEFLATED else _in_letters(packed, each)
        return packed

    def page(self, packed: bytes, described: bytes) -> bytes:
        """A stream that may be a page. One under other filters is none that we read, and hides nothing that runs."""
        filters = _FILTER.findall(described) if b"/Filter" in described else []
        if not set(filters) <= _FILTERS or self._pages >= 4 * limits.MAX_PDF_TEXTS:
            return b""
        self._pages += 1
        for each in filters[:_MAX_FILTERS]:
            packed = glimpse(packed, limits.MAX_DOCUMENT_OCTETS) if each in _DEFLATED else _in_letters(packed, each)
        return packed[: limits.MAX_DOCUMENT_OCTETS]

    def _inflated(self, packed: bytes) -> bytes:
        try:
            unpacked = inflated(packed, self._findings)
            if not unpacked.content and packed:
                unpacked = inflate(packed[2:], self._findings)  # a head that makes no sense is passed over by readers
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


def _files_in(text: bytes) -> Iterator[int]:
    """The numbers of the streams that file specifications refer to."""
    if b"/EF" in text:
        for files in _FILE_REFERENCES.findall(text):
            yield from map(int, _REFERENCE.findall(files))


def _number(described: bytes) -> int:
    """The number of the object whose dictionary this is."""
    found = _OBJECT.findall(described)
    return int(found[-1]) if found else -1


def _take_objects(text: bytes, fonts: Fonts) -> None:
    if b"/Font" not in text and b"/ToUnicode" not in text:
        return
    starts = list(_OBJECT.finditer(text))
    for match, following in zip(starts, [*starts[1:], None], strict=False):
        fonts.take(int(match[1]), text[match.end() : following.start() if following else len(text)])


def _take_packed_objects(inside: bytes, described: bytes, fonts: Fonts) -> None:
    """Objects of an object stream: their numbers and places stand at its beginning."""
    first = _FIRST.search(described)
    if first is None:
        return
    start = int(first[1])
    numbers = [int(each) for each in inside[:start].split()[: 4 * limits.MAX_PARTS] if each.isdigit()]
    places = [*numbers[1::2], len(inside)]
    for number, place, following in zip(numbers[::2], places, places[1:], strict=False):
        fonts.take(number, inside[start + place : start + following])


def _note_image(packed: bytes, described: bytes, findings: Findings) -> None:
    """A picture whose pixels are deflated: a PNG but for its frame, or plain rows."""
    told = {name: int(value) for name, value in _PIXELS.findall(described)}
    width, height, bits = told.get(b"Width", 0), told.get(b"Height", 0), told.get(b"BitsPerComponent", 1)
    if not 0 < width * height <= limits.MAX_CODE_PIXELS or findings.pictures >= limits.MAX_CODE_PICTURES:
        return
    if told.get(b"Predictor", 1) >= _PNG_PREDICTOR:
        note_codes(png(packed, width, height, bits, told.get(b"Colors", 1)), "image/png", findings)
        return
    rows = glimpse(packed, width * height * 4 + height)
    colors = max(1, len(rows) * 8 // (width * height * bits))
    if colors in (1, 3):
        size = (width * bits * colors + 7) // 8
        framed = b"".join(b"\0" + rows[at : at + size] for at in range(0, size * height, size))
        note_codes(png(zlib.compress(framed, 1), width, height, bits, colors), "image/png", findings)


def _in_letters(packed: bytes, name: bytes) -> bytes:
    if name in (b"ASCIIHexDecode", b"AHx"):
        return bytes.fromhex(_even(packed.partition(b">")[0].translate(None, _NOT_HEX)))
    return _from_base_85(packed)


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
    return [kept_name(_plain(name).decode("utf-8", "replace")) for name in _FILE_NAME.findall(text)]
