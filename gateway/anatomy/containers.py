"""Containers that are not MIME: which octets are one, what they truly are, and their members. Bounded in count, size
and ratio; what stays closed is named in `unscannable`. All on memory: no file is opened, no module is loaded late."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from gateway.anatomy import types
from gateway.anatomy.archives import cabs, discs, disks, rars, second, sevenzip, tars, zips
from gateway.anatomy.archives.libarchive import Kind
from gateway.anatomy.archives.unpacking import OutOfBounds, Unpacked, bunzip2, gunzip, unxz
from gateway.anatomy.documents import olefiles, ooxml, pdf, rtf, shortcuts, tables
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member
from gateway.anatomy.mime.embedded import embedded, embedded_in_plain
from gateway.anatomy.wrappings import capsules, carried, cms

_DOCUMENTS: Final = (
    ("word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_STREAMS: Final[dict[str, Callable[[bytes, Findings], Unpacked]]] = {
    types.GZIP: gunzip,
    types.BZIP2: bunzip2,
    types.XZ: unxz,
    "application/x-lzma": unxz,
}
_STREAM_SUFFIXES: Final = (".gz", ".gzip", ".bz2", ".xz", ".lzma", ".tgz", ".zst", ".lz4", ".lz", ".z")
_FOREIGN_STREAMS: Final = {
    types.ZSTANDARD: Kind.ZSTANDARD,
    types.LZ4: Kind.LZ4,
    types.LZIP: Kind.LZIP,
    types.COMPRESS: Kind.COMPRESS,
}
_FOREIGN: Final = {
    types.LZH: Kind.LZH,
    types.CPIO: Kind.CPIO,
    types.XAR: Kind.XAR,
    types.UNIX_ARCHIVE: Kind.UNIX,
    types.RPM: Kind.RPM,
}
_LOOSE: Final = frozenset({types.PDF, types.SHORTCUT, types.RTF, *_STREAMS, *_FOREIGN_STREAMS})
"""What is one thing, and nothing else: an archive in it is none of its files."""
_CLOSED: Final = frozenset(
    {
        "application/x-arj",
        "application/x-ace-compressed",
        "application/x-rar-compressed",
        "application/x-zoo",
        "application/x-stuffit",
        "application/x-lzop",
        "application/x-lrzip",
        "application/x-squashfs",
        "application/vnd.ms-htmlhelp",
        "application/vnd.ms-outlook-pst",
        types.WIM,
        types.ARCHIVE,
        "application/x-cramfs",
        "application/winhlp",
        "application/x-outlook-express",
    }
)
_INSIDE: Final = (
    (re.compile(rb"Rar!\x1a\x07"), b"\x1a", types.RAR),
    (re.compile(rb"7z\xbc\xaf\x27\x1c"), b"\xbc", types.SEVEN_ZIP),
    (re.compile(rb"MSCF\0\0\0\0"), b"\0", types.CABINET),
)
"""How an archive begins, an octet of that which text does not have (one is found twenty times as fast), its type. A
pattern skips to its first octet, and so is found twice as fast in what is no text as `bytes.find` finds its mark."""
_VOLUME: Final = re.compile(r"\.(?:\d{3}|z\d\d|r\d\d|part\d{1,3}\.(?:rar|exe))$", re.IGNORECASE)
"""Names of the later volumes of an archive, which have no mark."""
_ARCHIVE_NAME: Final = re.compile(r"\.(?:rar|7z|cab|exe|scr|com)$", re.IGNORECASE)
_PAGE_ARCHIVE: Final = re.compile(r"\.(?:mht|mhtml|doc|dot|docx|rtf|xls|xlsx|ppt|wbk|pdf)$", re.IGNORECASE)
"""Names under which programs open a page with its files in one message."""
_PDF_NAME: Final = re.compile(r"\.pdf$", re.IGNORECASE)
_PLAIN_REACH: Final = 16 * 1024
"""Octets of what is no text that are looked through for such."""
_NO_TEXT: Final = (types.HTML, "image/", "audio/", "video/", "font/")
_MIME_MARK: Final = re.compile(rb"ersion:(?<=(MIME-Version:|Mime-Version:|mime-version:))")
"""Begins with what they have in common, and so is sought once."""
_MULTIPART: Final = re.compile(rb"^content-type:\s{0,100}multipart/", re.IGNORECASE | re.MULTILINE)
_HEADER_REACH: Final = 2048
_PDF_REACH: Final = 1024
"""Octets in front of its mark that PDF readers skip."""
_INSIDE_REACH: Final = 1024 * 1024
"""Octets in front of an archive that its programs look through: those of one that unpacks itself."""
_READERS: Final[dict[str, Callable[[bytes, Findings], Iterator[Member]]]] = {
    types.TAR: tars.members,
    types.SEVEN_ZIP: sevenzip.members,
    types.RAR: rars.members,
    types.CABINET: cabs.members,
    types.DISC: discs.members,
    types.DISK: disks.members,
    types.VIRTUAL_DISK: disks.members,
    types.TNEF: capsules.tnef_members,
    types.APPLE_SINGLE: capsules.apple_members,
    types.BINHEX: capsules.binhex_members,
    types.PKCS7: cms.members,
    types.OLE: olefiles.members,
    types.RTF: rtf.members,
    types.PDF: pdf.members,
    types.SHORTCUT: shortcuts.members,
    types.ONENOTE: carried.in_section,
    types.HTML: carried.in_page,
    types.SVG: carried.in_picture,
    "text/xml": carried.in_markup,
    types.CALENDAR: carried.in_invitation,
    types.CARD: carried.in_card,
    types.SCRIPT: carried.in_script,
    types.ACTIVE_MIME: capsules.active_mime_members,
}


def opened(octets: bytes, true: str, name: str, findings: Findings) -> tuple[str, Iterator[Member]]:
    """The type, more exactly where the directory tells it, and the members that are worth a look of their own."""
    if true == types.ZIP:
        return _zip(octets, findings, name)
    if true in _STREAMS:
        return true, _also(octets, true, _stream(octets, true, name, findings), name, findings)
    if true in _FOREIGN_STREAMS:
        members = second.stream(octets, _FOREIGN_STREAMS[true], _inner_name(name), findings)
        return true, _also(octets, true, members, name, findings)
    if true in _FOREIGN:
        members = second.foreign(octets, _FOREIGN[true], findings)
        return true, _also(octets, true, members, name, findings)
    if true in _READERS:
        members = _READERS[true](octets, findings)
        if true.startswith("text/"):
            return true, chain(members, _in_text(octets, true, name, findings))
        return true, _also(octets, true, members, name, findings)
    if true in _CLOSED or (true == types.UNKNOWN and _VOLUME.search(name)):
        findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
    elif true == "application/pgp-encrypted":
        findings.missed(Unscannable.MIME_ENCRYPTED)
    elif true.startswith("text/"):
        return true, _in_text(octets, true, name, findings)
    if zips.has_directory(octets):
        findings.note(Defect.TYPE_POLYGLOT)  # a ZIP is read from its end: anything may stand in front of it
        return true, _zip(octets, findings)[1]
    return true, chain(_embedded(octets, true), _behind(octets, findings), _as_else(octets, true, name, findings))


def _in_text(octets: bytes, true: str, name: str, findings: Findings) -> Iterator[Member]:
    """What stands in text: files in codings of their own, an archive behind it, and what its name has programs look
    for: a page with its files, a PDF, formulas of a table."""
    yield from _embedded(octets, true)
    if tables.NAME.search(name):
        tables.note_formulas(octets, findings)
    elif _PDF_NAME.search(name):
        yield from _as_pdf(octets, name, findings)
    yield from _behind(octets, findings)
    if _PAGE_ARCHIVE.search(name):
        yield from _web_archive(octets)
    if zips.has_directory(octets):
        findings.note(Defect.TYPE_POLYGLOT)
        yield from _zip(octets, findings)[1]


def _behind(octets: bytes, findings: Findings) -> Iterator[Member]:
    """Archives behind something else: their programs look for them, as in files that unpack themselves."""
    for mark, rare, kind in _INSIDE:
        begin = mark.search(octets, 1, _INSIDE_REACH) if rare in octets else None
        if begin is not None:
            findings.note(Defect.TYPE_POLYGLOT)
            yield from _READERS[kind](octets[begin.start() :], findings)


def _as_else(octets: bytes, true: str, name: str, findings: Findings) -> Iterator[Member]:
    """What other programs take the octets for: PDF readers and Word look beyond the first ones."""
    if true != types.PDF:
        yield from _as_pdf(octets, name, findings)
    for page in _web_archive(octets):
        findings.note(Defect.TYPE_POLYGLOT)
        yield page


def _as_pdf(octets: bytes, name: str, findings: Findings) -> Iterator[Member]:
    """What PDF readers find behind other octets; by the name they open what has no mark at all, too."""
    if b"%PDF-" in octets[:_PDF_REACH] or (_PDF_NAME.search(name) and b"endobj" in octets):
        findings.note(Defect.TYPE_POLYGLOT)
        yield from pdf.members(octets, findings)


def _web_archive(octets: bytes) -> Iterator[Member]:
    """A page with its files in one message (MHT, RFC 2557): Word and browsers open one behind other octets, too."""
    mark = _MIME_MARK.search(octets, 0, _INSIDE_REACH)
    if mark is None:
        return
    at = mark.start(1)
    kind = _MULTIPART.search(octets, max(0, at - _HEADER_REACH), at + _HEADER_REACH)
    if kind is not None:
        content = octets[min(at, kind.start()) :]
        yield Member("", content, len(content), declared_type=types.MESSAGE)


def _embedded(text: bytes, true: str) -> Iterator[Member]:
    found = embedded(text)
    if not true.startswith(_NO_TEXT):
        plain = text if true.startswith("text/") else text[:_PLAIN_REACH]
        found = chain(found, embedded_in_plain(plain))
    return (
        Member(each.name, each.content, len(each.content), declared_type=types.MESSAGE if each.is_message else "")
        for each in found
    )


def _also(octets: bytes, true: str, members: Iterator[Member], name: str, findings: Findings) -> Iterator[Member]:
    """The members, and what other programs find in the same octets: an archive that begins behind them, for those that
    go by the end, or that look for it because of the name."""
    is_loose = true in _LOOSE
    yield from members
    if zips.has_directory(octets) and (is_loose or zips.ends_here(octets)):
        findings.note(Defect.TYPE_POLYGLOT)
        yield from _zip(octets, findings)[1]
    elif is_loose or _ARCHIVE_NAME.search(name):
        yield from _behind(octets, findings)
    if is_loose:
        yield from _as_else(octets, true, name, findings)


def _zip(octets: bytes, findings: Findings, name: str = "") -> tuple[str, Iterator[Member]]:
    listed = zips.entries(octets, findings)
    names = [entry.name for entry in listed]
    document = _document_type(octets, names)
    if document is None:
        members = zips.members(octets, listed, findings)
        return types.ZIP, chain(members, _behind(octets, findings)) if _ARCHIVE_NAME.search(name) else members
    return document, ooxml.members(octets, listed, findings)


def _document_type(octets: bytes, names: list[str]) -> str | None:
    if "[Content_Types].xml" in names:
        for prefix, name in _DOCUMENTS:
            if any(each.startswith(prefix) for each in names):
                return name
    if octets[30:38] == b"mimetype" and octets[38:70].startswith(b"application/vnd.oasis.opendocument."):
        return octets[38:100].split(b"PK", 1)[0].decode("ascii", "replace")
    return None


def _stream(octets: bytes, true: str, name: str, findings: Findings) -> Iterator[Member]:
    inner = _inner_name(name)
    try:
        unpacked = _STREAMS[true](octets, findings)
    except OutOfBounds as bound:
        findings.missed(bound.reason)
        yield Member(inner, b"", 0, str(bound.reason))
        return
    if unpacked.damaged:
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)
    if unpacked.content:
        yield Member(inner, unpacked.content, len(unpacked.content))


def _inner_name(name: str) -> str:
    """The name without the packer's ending."""
    return next((name[: -len(each)] for each in _STREAM_SUFFIXES if name.lower().endswith(each)), name)
