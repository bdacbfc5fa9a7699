"""Office documents that are ZIP archives (ECMA-376): what they fetch, DDE, old macro sheets, links, and the parts worth
a look of their own. Reads relationships and fields by patterns; no XML parser sees hostile octets."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives import zips
from gateway.anatomy.archives.zips import Entry
from gateway.anatomy.charsets import in_utf_8
from gateway.anatomy.documents import words
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member
from gateway.anatomy.sight.barcodes import note_codes
from gateway.anatomy.types import true_type

_COMMENT: Final = re.compile(rb"<!--.{0,4096}?-->", re.DOTALL)
_RELATION: Final = re.compile(
    rb"<(?:\w{1,20}:)?Relationship\s((?:[^<>\"']{1,4096}+|\"[^\"]{0,4096}\"|'[^']{0,4096}'){1,400}+)>"
)
_ATTRIBUTE: Final = re.compile(rb"\b(Type|Target|TargetMode)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_INSTRUCTION: Final = re.compile(
    rb"<(?:\w{1,20}:)?instrText[^<>]{0,200}>([^<]{0,2000})|\binstr\s{0,20}=\s{0,20}(?:\"([^\"]{0,2000})|'([^']{0,2000}))"
)
_DDE: Final = re.compile(rb"\bDDE(?:AUTO)?\b", re.IGNORECASE)
_DDE_LINK: Final = re.compile(rb"<(?:\w{1,20}:)?ddeLink\s", re.IGNORECASE)
_DDE_FORMULA: Final = re.compile(
    rb"<f[^>]{0,200}>[^<]{0,20}?\b(?:cmd|powershell|mshta|msexcel|regsvr32)\|", re.IGNORECASE
)
_SUFFIX: Final = re.compile(r"/([A-Za-z]+)/?\Z")

_MACRO_SHEETS: Final = frozenset({"xlMacrosheet", "xlIntlMacrosheet"})
_REMOTE: Final = ("http", "ftp", "\\\\", "//", "file://", "mhtml")
_AT_ONCE: Final = frozenset({"attachedTemplate", "oleObject", "frame", "subDocument"})
"""What is fetched without a question as soon as the document is opened, and may bring what runs."""
_FETCHED: Final = frozenset({"oleObject", "frame", "subDocument", "externalLink", "externalLinkPath", "package"})
_WORDS: Final = re.compile(
    r"word/(?:document|header\d*|footer\d*|footnotes|endnotes|comments)\d*\.xml\Z", re.IGNORECASE
)
_TEXTS: Final = re.compile(r"xl/sharedStrings\.xml\Z|ppt/(?:slides|notesSlides)/[^/]+\.xml\Z", re.IGNORECASE)
_SHEETS: Final = re.compile(r"xl/(?:worksheets/|externalLinks/)[^/]+\.xml\Z", re.IGNORECASE)


_MARKUP: Final = (".xml", ".rels", ".vml")
_FILES: Final = ("text/", "application/")


def members(octets: bytes, entries: Sequence[Entry], findings: Findings) -> Iterator[Member]:
    """The files that somebody put in, and what is odd in `findings`. The document's own XML is no member."""
    foreign = []
    relations = 0
    for entry in entries:
        name = entry.name.lower()
        if name.endswith(".rels"):
            relations += 1
            if relations <= limits.MAX_RELATIONS:
                _note_relations(_read(octets, entry, findings), findings)
        elif name.startswith(("xl/macrosheets/", "xl/intlmacrosheets/")):
            findings.note(Defect.OFFICE_XLM)
        elif _WORDS.match(entry.name):
            markup = _read(octets, entry, findings)
            _note_fields(markup, findings)
            words.of_markup(markup, findings)
        elif _TEXTS.match(entry.name) and findings.document_room:
            words.of_markup(_read(octets, entry, findings), findings)
        elif name == "content.xml":
            words.of_open_document(_read(octets, entry, findings), findings)
        elif _SHEETS.match(entry.name):
            markup = _read(octets, entry, findings)
            if _DDE_LINK.search(markup) or (b"|" in markup and _DDE_FORMULA.search(markup)):
                findings.note(Defect.OFFICE_DDE)
        elif name.endswith("vbaproject.bin"):
            findings.note(Defect.OFFICE_MACRO)
            foreign.append(entry)
        elif "/embeddings/" in name or ("/activex/" in name and name.endswith(".bin")):
            findings.note(Defect.OFFICE_EMBEDDED)
            foreign.append(entry)
        elif "/media/" in name and name.endswith((".png", ".jpg", ".jpeg", ".gif")):
            if not _is_own(zips.start_of(octets, entry), name):
                foreign.append(entry)
            elif findings.pictures < limits.MAX_CODE_PICTURES:
                picture = _read(octets, entry, findings)
                note_codes(picture, true_type(picture), findings)
        elif name.startswith(("basic/", "scripts/")):
            findings.note(Defect.OFFICE_MACRO)  # OpenDocument keeps them as XML
        elif entry.is_encrypted or not name.endswith(_OWN) or not _is_own(zips.start_of(octets, entry), name):
            foreign.append(entry)
    if relations > limits.MAX_RELATIONS:
        findings.missed(Unscannable.ARCHIVE_PARTS)
    yield from zips.members(octets, foreign, findings)


_OWN_WORDS: Final = """
    .xml .vml .png .jpg .jpeg .jfif .gif .emf .wmf .tif .tiff .bmp .svg .wdp .webp .pcx .fntdata .odttf .rdf .bin .dat
    .data .mp4 .mp3 .m4a .wav mimetype /
"""
_OWN: Final = tuple(_OWN_WORDS.split())
"""What a document consists of. Anything else in it is a file that somebody put there."""


def _is_own(start: bytes, name: str) -> bool:
    """Whether a part begins as its name says: markup, or else anything that is no text."""
    if not start or name.endswith("/"):
        return True
    if name.endswith(_MARKUP):
        return start.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n").startswith(b"<")
    return name == "mimetype" or not true_type(start).startswith(_FILES)


def _read(octets: bytes, entry: Entry, findings: Findings) -> bytes:
    """One part; what a small start of it would not show is not worth the whole of a huge one."""
    member = next(zips.members(octets, [entry], findings), None)
    if member is None:
        return b""
    if len(member.content) > limits.MAX_MARKUP:
        findings.note(Defect.TEXT_TRUNCATED)
    return in_utf_8(member.content[: limits.MAX_MARKUP])


def _note_relations(markup: bytes, findings: Findings) -> None:
    for match in _RELATION.finditer(_COMMENT.sub(b"", markup) if b"<!--" in markup else markup):
        found = {name: _unescaped(quoted or single) for name, quoted, single in _ATTRIBUTE.findall(match[1])}
        kind = _SUFFIX.search(found.get(b"Type", ""))
        what = kind[1] if kind else ""
        if what in _MACRO_SHEETS:
            findings.note(Defect.OFFICE_XLM)
        if found.get(b"TargetMode") != "External":
            continue
        target = found.get(b"Target", "")
        if what in _AT_ONCE and target.lower().startswith(_REMOTE):
            findings.note(Defect.OFFICE_EXTERNAL_TEMPLATE)
        if what in _FETCHED:
            findings.note(Defect.OFFICE_EXTERNAL_OBJECT)
        findings.lead(target, "office")


def _unescaped(value: bytes) -> str:
    text = value.decode("utf-8", "replace")
    return html.unescape(text) if "&" in text else text


def _note_fields(markup: bytes, findings: Findings) -> None:
    """Field codes may be cut into many runs: they are put together again."""
    if b"instr" not in markup:
        return
    pieces: list[bytes] = []
    for match in _INSTRUCTION.finditer(markup):
        pieces.append(html.unescape((match[1] or match[2] or match[3] or b"").decode("utf-8", "replace")).encode())
    together = b"".join(pieces)
    if _DDE.search(together) or any(_DDE.search(each) for each in pieces):
        findings.note(Defect.OFFICE_DDE)
