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
CARD: Final = "text/vcard"
ACTIVE_MIME: Final = "application/x-mso"

LZ4: Final = "application/x-lz4"
LZIP: Final = "application/x-lzip"
LZH: Final = "application/x-lzh-compressed"
COMPRESS: Final = "application/x-compress"
ZSTANDARD: Final = "application/zstd"
CPIO: Final = "application/x-cpio"
XAR: Final = "application/x-xar"
RPM: Final = "application/x-rpm"
UNIX_ARCHIVE: Final = "application/x-archive"
WIM: Final = "application/x-ms-wim"
DISK: Final = "application/x-raw-disk-image"
ARCHIVE: Final = "application/x-other-archive"
"""An archive of a kind that is rare, and opened by nobody here."""

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
    (b"\x28\xb5\x2f\xfd", ZSTANDARD),
    (b"\x60\xea", "application/x-arj"),
    (b"\x04\x22\x4d\x18", LZ4),
    (b"\x02\x21\x4c\x18", LZ4),
    (b"LZIP\x01", LZIP),
    (b"\x1f\x9d", COMPRESS),
    (b"070701", CPIO),
    (b"070702", CPIO),
    (b"070707", CPIO),
    (b"\xc7\x71", CPIO),
    (b"\x71\xc7", CPIO),
    (b"xar!", XAR),
    (b"\xed\xab\xee\xdb", RPM),
    (b"MSWIM\0\0\0", WIM),
    (b"\x89LZO\0\r\n\x1a\n", "application/x-lzop"),
    (b"LRZI", "application/x-lrzip"),
    (b"RE~^", "application/x-rar-compressed"),
    (b"ZOO ", "application/x-zoo"),
    (b"SIT!", "application/x-stuffit"),
    (b"StuffIt (c)", "application/x-stuffit"),
    (b"hsqs", "application/x-squashfs"),
    (b"KDMV", VIRTUAL_DISK),
    (b"QFI\xfb", VIRTUAL_DISK),
    (b"# Disk DescriptorFile", VIRTUAL_DISK),
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
    (b"ActiveMime", ACTIVE_MIME),
    (b"!<arch>\n", UNIX_ARCHIVE),
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
    (b"BEGIN:VCARD", CARD),
    (b"ER\x02\0", VIRTUAL_DISK),
    (b"QED\0", VIRTUAL_DISK),
    (b"WithoutFreeSpace", VIRTUAL_DISK),
    (b"WithouFreSpacExt", VIRTUAL_DISK),
    (b"\0" + b"\xff" * 10 + b"\0", VIRTUAL_DISK),
    (b"IsZ!", VIRTUAL_DISK),
    (b"XFSB", VIRTUAL_DISK),
    (b"sqsh", "application/x-squashfs"),
    (b"\x45\x3d\xcd\x28", "application/x-cramfs"),
    (b"7kSt", ARCHIVE),
    (b"zPQ\x01", ARCHIVE),
    (b"ArC\x01", ARCHIVE),
    (b"ALZ\x01", ARCHIVE),
    (b"EGGA", ARCHIVE),
    (b"StuffIt!", ARCHIVE),
    (b"KGB_arch", ARCHIVE),
    (b"SZDD\x88\xf0\x27\x33", ARCHIVE),
    (b"KWAJ\x88\xf0\x27\xd1", ARCHIVE),
    (b"\xff\x06\0\0sNaPpY", ARCHIVE),
    (b"\xce\xb2\xcf\x81", ARCHIVE),
    (b"?_\x03\0", "application/winhlp"),
    (b"\xcf\xad\x12\xfe", "application/x-outlook-express"),
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
_SVG: Final = re.compile(rb"<(?:[a-z]\w{0,19}:)?svg[\s>]", re.IGNORECASE)
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
_PAGE_ARCHIVE_START: Final = re.compile(
    rb"(?:mime-version:[^\n]*\n)(?:[a-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*){0,8}?content-type:\s*multipart/", re.IGNORECASE
)
"""A page with its files in one message (MHT) needs no more."""
_CARD_START: Final = re.compile(rb"begin:v(?:(calendar)|card)\s", re.IGNORECASE)
_NOT_IN_TEXT: Final = bytes({*range(9), 14, *range(16, 27), 28, 29, 30, 31, 127})
_PLAIN: Final = bytes({9, 10, 13, *range(32, 127)})
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
    if head[2:3] == b"-" and head[6:7] == b"-" and head[3:5] in (b"lh", b"lz", b"pm"):
        return LZH
    if head[7:14] == b"**ACE**":
        return "application/x-ace-compressed"
    if head[:5] == b"-sqx-":
        return ARCHIVE
    if head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F:
        return ZSTANDARD  # a frame to be skipped stands in front
    if _is_disk(octets):
        return DISK
    if octets[-512:-508] == b"koly" or octets[64:68] == b"\x7f\x10\xda\xbe" or head[32:36] == b"NXSB":
        return VIRTUAL_DISK
    if len(head) >= 512 and _is_old_tar(head):
        return TAR
    if octets[-512:-504] == b"conectix":
        return VIRTUAL_DISK  # one of fixed size has its mark at the end
    return None


def _textual(head: bytes) -> str:
    text = head
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = head.replace(b"\0", b"")[2:]
    elif _is_wide(head):
        text = head.replace(b"\0", b"")
    elif len(head) - len(head.translate(None, _NOT_IN_TEXT)) > len(head) // 100:
        return UNKNOWN
    start = _without_comments(text.removeprefix(b"\xef\xbb\xbf").lstrip())
    if start.startswith(b"{\\rt"):
        return RTF
    if (card := _CARD_START.match(start)) is not None:
        return CALENDAR if card[1] else CARD
    if _SCRIPT_START.match(start):
        return SCRIPT
    if _HTML_START.match(start):
        return HTML
    if _XML_START.match(start) or _SVG.match(start) or start[:9].lower() == b"<!doctype":
        if _HTML_ROOT.search(start):
            return HTML
        return SVG if _SVG.search(start) else "text/xml"
    if _MESSAGE_START.match(start) or _PAGE_ARCHIVE_START.match(start):
        return MESSAGE
    return TEXT


def _is_wide(head: bytes) -> bool:
    """Whether it begins with sixteen plain characters in UTF-16 of either order, without a mark."""
    start = head[:32]
    return b"\0" in start and any(
        not start[zeros::2].strip(b"\0") and len(start) == 32 and not start[1 - zeros :: 2].translate(None, _PLAIN)
        for zeros in (0, 1)
    )


def _without_comments(text: bytes) -> bytes:
    while text.startswith(b"<!--"):
        end = text.find(b"-->", 4)
        if end == -1:
            return text
        text = text[end + 3 :].lstrip()
    return text


def _is_disk(octets: bytes) -> bool:
    """A disk or one volume of it: the boot mark, and a file system's name or a table of partitions."""
    if octets[510:512] != b"\x55\xaa":
        return octets[512:520] == b"EFI PART" or octets[1024:1028] in (b"H+\0\4", b"HX\0\5") or octets[3:7] == b"ReFS"
    if octets[3:11] in (b"NTFS    ", b"EXFAT   ") or octets[54:57] == b"FAT" or octets[82:85] == b"FAT":
        return True
    return all(octets[at] in (0, 0x80) for at in range(446, 510, 16)) and any(octets[450:510:16])


def _is_old_tar(head: bytes) -> bool:
    """A tar header without a mark, by its checksum (the archives of Unix 7)."""
    written = head[148:156].strip(b" \0")
    if not written or written.strip(b"01234567") or not head[0]:
        return False
    return int(written, 8) == sum(head[:148]) + 8 * 32 + sum(head[156:512])


def _is_bitmap(head: bytes) -> bool:
    """ "BM" also begins words: a bitmap has zeros in its reserved fields and a known size of its second header."""
    return len(head) > 18 and head[6:10] == b"\0\0\0\0" and head[14] in (12, 40, 52, 56, 64, 108, 124)


def _is_portable_executable(octets: bytes) -> bool:
    offset = int.from_bytes(octets[60:64], "little")
    return octets[offset : offset + 2] in (b"PE", b"NE", b"LE", b"LX")
