"""Containers that are not MIME: which octets are one, what they truly are, and their members. Bounded in count, size
and ratio; what stays closed is named in `unscannable`. All on memory: no file is opened, no module is loaded late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Final

from gateway.anatomy import types
from gateway.anatomy.archives import cabs, discs, disks, rars, second, sevenzip, tars, zips
from gateway.anatomy.archives.libarchive import Kind
from gateway.anatomy.archives.unpacking import OutOfBounds, Unpacked, bunzip2, gunzip, unxz
from gateway.anatomy.documents import olefiles, ooxml, pdf, rtf, shortcuts
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member
from gateway.anatomy.mime.embedded import embedded
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
    }
)
_INSIDE: Final = (
    (b"Rar!\x1a\x07", types.RAR),
    (b"7z\xbc\xaf\x27\x1c", types.SEVEN_ZIP),
    (b"MSCF\0\0\0\0", types.CABINET),
)
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
    "text/xml": carried.in_page,
    types.CALENDAR: carried.in_invitation,
}


def opened(octets: bytes, true: str, name: str, findings: Findings) -> tuple[str, Iterator[Member]]:
    """The type, more exactly where the directory tells it, and the members that are worth a look of their own."""
    if true == types.ZIP:
        return _zip(octets, findings)
    if true in _STREAMS:
        return true, _stream(octets, true, name, findings)
    if true in _FOREIGN_STREAMS:
        return true, second.stream(octets, _FOREIGN_STREAMS[true], _inner_name(name), findings)
    if true in _FOREIGN:
        return true, second.foreign(octets, _FOREIGN[true], findings)
    if true in _READERS:
        members = _READERS[true](octets, findings)
        if true.startswith("text/"):
            return true, chain(members, _embedded(octets))
        # What holds files as they are may well end with an archive; a PDF is one thing, and nothing else.
        return true, _also_zip(octets, members, findings, is_loose=true == types.PDF)
    if true in _CLOSED:
        findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
    elif true == "application/pgp-encrypted":
        findings.missed(Unscannable.MIME_ENCRYPTED)
    elif true.startswith("text/"):
        return true, chain(_embedded(octets), _behind(octets, findings))
    if zips.has_directory(octets):
        findings.note(Defect.TYPE_POLYGLOT)  # a ZIP is read from its end: anything may stand in front of it
        return true, _zip(octets, findings)[1]
    return true, chain(_embedded(octets), _behind(octets, findings))


def _behind(octets: bytes, findings: Findings) -> Iterator[Member]:
    """Archives behind something else: their programs look for them, as in files that unpack themselves."""
    for mark, kind in _INSIDE:
        at = octets.find(mark, 1, _INSIDE_REACH)
        if at != -1:
            findings.note(Defect.TYPE_POLYGLOT)
            yield from _READERS[kind](octets[at:], findings)


def _embedded(text: bytes) -> Iterator[Member]:
    return (Member(each.name, each.content, len(each.content)) for each in embedded(text))


def _also_zip(octets: bytes, members: Iterator[Member], findings: Findings, *, is_loose: bool) -> Iterator[Member]:
    """The members, and those of an archive that begins behind them: programs that go by the end open that one."""
    yield from members
    if zips.has_directory(octets) and (is_loose or zips.ends_here(octets)):
        findings.note(Defect.TYPE_POLYGLOT)
        yield from _zip(octets, findings)[1]


def _zip(octets: bytes, findings: Findings) -> tuple[str, Iterator[Member]]:
    listed = zips.entries(octets, findings)
    names = [entry.name for entry in listed]
    document = _document_type(octets, names)
    if document is None:
        return types.ZIP, zips.members(octets, listed, findings)
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
