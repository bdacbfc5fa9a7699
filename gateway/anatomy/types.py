"""What octets truly are, by their first ones (magic numbers), whatever name and type they claim. Looks at a few
kilobytes only; never opens a container."""

from __future__ import annotations

import re
from typing import Final

UNKNOWN: Final = "application/octet-stream"
TEXT: Final = "text/plain"
HTML: Final = "text/html"
MESSAGE: Final = "message/rfc822"
ZIP: Final = "application/zip"
GZIP: Final = "application/gzip"
BZIP2: Final = "application/x-bzip2"
XZ: Final = "application/x-xz"
TAR: Final = "application/x-tar"
OLE: Final = "application/x-ole-storage"
TNEF: Final = "application/ms-tnef"
PDF: Final = "application/pdf"
PE: Final = "application/vnd.microsoft.portable-executable"
DOS: Final = "application/x-dosexec"
ELF: Final = "application/x-elf"
MACH: Final = "application/x-mach-binary"
SHORTCUT: Final = "application/x-ms-shortcut"
SCRIPT: Final = "text/x-script"
APPLE_SINGLE: Final = "application/applefile"
BINHEX: Final = "application/mac-binhex40"
PKCS7: Final = "application/pkcs7-mime"
RTF: Final = "application/rtf"
SEVEN_ZIP: Final = "application/x-7z-compressed"
RAR: Final = "application/vnd.rar"
CABINET: Final = "application/vnd.ms-cab-compressed"
DISC: Final = "application/x-iso9660-image"
VIRTUAL_DISK: Final = "application/x-virtualbox-vhd"
ONENOTE: Final = "application/onenote"
SVG: Final = "image/svg+xml"
CALENDAR: Final = "text/calendar"

_HEAD: Final = 4096
"""Octets looked at. Every magic number below stands within the first 600, HTML and scripts begin after blanks."""

_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),
    (b"PK\x07\x08", ZIP),
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\0\0\1\0", "image/x-icon"),
    (b"\x1f\x8b", GZIP),
    (b"BZh", BZIP2),
    (b"\xfd7zXZ\0", XZ),
    (b"]\0\0", "application/x-lzma"),
    (b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (b"Rar!\x1a\x07", RAR),
    (b"MSCF", CABINET),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\x60\xea", "application/x-arj"),
    (b"**ACE**", "application/x-ace-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"{\\rt", RTF),
    (b"\x7fELF", ELF),
    (b"\xca\xfe\xba\xbe", MACH),
    (b"\xcf\xfa\xed\xfe", MACH),
    (b"\xce\xfa\xed\xfe", MACH),
    (b"L\0\0\0\x01\x14\x02\0", SHORTCUT),
    (b"ITSF", "application/vnd.ms-htmlhelp"),
    (b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", ONENOTE),
    (b"\x78\x9f\x3e\x22", TNEF),
    (b"\0\x05\x16\0", APPLE_SINGLE),
    (b"\0\x05\x16\x07", APPLE_SINGLE),
    (b"!<arch>\n", "application/x-archive"),
    (b"!BDN", "application/vnd.ms-outlook-pst"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"conectix", VIRTUAL_DISK),
    (b"vhdxfile", VIRTUAL_DISK),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"OggS", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"-----BEGIN PGP MESSAGE-----", "application/pgp-encrypted"),
    (b"(This file must be converted with BinHex", BINHEX),
    (b"BEGIN:VCALENDAR", CALENDAR),
    (b"BEGIN:VCARD", "text/vcard"),
)

_BY_FIRST: Final[dict[int, tuple[tuple[bytes, str], ...]]] = {
    first: tuple(each for each in _MAGIC if each[0][0] == first) for first in {magic[0] for magic, _ in _MAGIC}
}

_HTML_START: Final = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style|table|div|iframe|form|p|a|br|font"
    rb"|center|h[1-6]|img|span)[\s>/]",
    re.IGNORECASE | re.DOTALL,
)
_XML_START: Final = re.compile(rb"<\?xml[\s]", re.IGNORECASE)
_SVG: Final = re.compile(rb"<svg[\s>]", re.IGNORECASE)
_HTML_ROOT: Final = re.compile(rb"<html[\s>]", re.IGNORECASE)
_SCRIPT_START: Final = re.compile(
    rb"#!|@echo\b|<job\b|<\?php|<%@?|\[InternetShortcut\]|Windows Registry Editor|REGEDIT4|<scriptlet|<hta:",
    re.IGNORECASE,
)
_MESSAGE_START: Final = re.compile(
    rb"(?:(?:return-path|received|from|to|subject|date|message-id|mime-version|delivered-to|x-[a-z0-9-]+|reply-to"
    rb"|content-type|authentication-results|dkim-signature|arc-[a-z-]+):[^\n]*\n(?:[ \t][^\n]*\n)*){3}",
    re.IGNORECASE,
)
_NOT_IN_TEXT: Final = bytes({*range(9), 14, *range(16, 27), 28, 29, 30, 31, 127})
_ISO_BRANDS: Final = {b"avif": "image/avif", b"heic": "image/heic", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4"}


def true_type(octets: bytes) -> str:
    """The media type that the octets have, UNKNOWN for binary ones that are not recognised, TEXT for other text."""
    head = octets[:_HEAD]
    if not head:
        return TEXT
    for magic, name in _BY_FIRST.get(head[0], ()):
        if head.startswith(magic) and (name != "image/bmp" or _is_bitmap(head)):
            return name
    return _structured(octets, head) or _textual(head)


def _structured(octets: bytes, head: bytes) -> str | None:
    """Formats whose mark does not stand at the very beginning, or is not enough."""
    if head[:2] == b"MZ":
        return PE if _is_portable_executable(octets) or len(head) < 64 else DOS
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return _ISO_BRANDS.get(head[8:12], "video/mp4")
    if head[257:262] == b"ustar":
        return TAR
    if head[:1] == b"\x30" and b"\x2a\x86\x48\x86\xf7\x0d\x01\x07" in head[:24]:
        return PKCS7
    if b"%PDF-" in head[:1024]:
        return PDF  # readers accept octets before the mark
    if octets[32_769:32_774] in (b"CD001", b"BEA01"):
        return DISC
    if head[2:5] == b"-lh" and head[6:7] == b"-":
        return "application/x-lzh-compressed"
    if octets[-512:-504] == b"conectix":
        return VIRTUAL_DISK  # one of fixed size has its mark at the end
    return None


def _textual(head: bytes) -> str:
    text = head
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head.replace(b"\0", b"")[2:]
    elif (
        head.translate(None, _NOT_IN_TEXT) != head
        and len(head) - len(head.translate(None, _NOT_IN_TEXT)) > len(head) // 100
    ):
        return UNKNOWN
    start = _without_comments(text.removeprefix(b"\xef\xbb\xbf").lstrip())
    if _SCRIPT_START.match(start):
        return SCRIPT
    if _HTML_START.match(start):
        return HTML
    if _XML_START.match(start) or start[:4].lower() == b"<svg" or start[:9].lower() == b"<!doctype":
        if _HTML_ROOT.search(start):
            return HTML
        return SVG if _SVG.search(start) else "text/xml"
    if _MESSAGE_START.match(start):
        return MESSAGE
    return TEXT


def _without_comments(text: bytes) -> bytes:
    while text.startswith(b"<!--"):
        end = text.find(b"-->", 4)
        if end == -1:
            return text
        text = text[end + 3 :].lstrip()
    return text


def _is_bitmap(head: bytes) -> bool:
    """ "BM" also begins words: a bitmap has zeros in its reserved fields and a known size of its second header."""
    return len(head) > 18 and head[6:10] == b"\0\0\0\0" and head[14] in (12, 40, 52, 56, 64, 108, 124)


def _is_portable_executable(octets: bytes) -> bool:
    offset = int.from_bytes(octets[60:64], "little")
    return octets[offset : offset + 2] in (b"PE", b"NE", b"LE", b"LX")
