"""The second reader of archives: libarchive, for methods and formats that no reader of ours knows (packed RAR, PPMd and
BCJ2 in 7z, LZX in cabinets, LZH, cpio, xar, ar, RPM, Zstandard, LZ4, lzip, compress). The one door to it.

Native code meets hostile octets here, so it runs in the jail alone. It reads memory and opens nothing; each kind
enables its own format and filters, never those that start programs. Where the system has no libarchive, what it would
have read is named unsupported. Never trusts a size that an archive claims.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final

from gateway.anatomy import limits
from gateway.anatomy.archives.unpacking import OutOfBounds, allowance
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import guessed
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import ENCRYPTED, Member, is_traversal

_OK, _END, _WARNING, _FAILED, _FATAL = 0, 1, -20, -25, -30
_PIECE: Final = 256 * 1024
_REGULAR: Final = 0o100000
_KIND: Final = 0o170000


class Kind(Enum):
    """What libarchive is asked to read: the formats and filters that it may use."""

    RAR = ("format_rar",)
    RAR_5 = ("format_rar5",)
    SEVEN_ZIP = ("format_7zip",)
    ZIP = ("format_zip_seekable",)
    CABINET = ("format_cab",)
    LZH = ("format_lha",)
    CPIO = ("format_cpio",)
    XAR = ("format_xar",)
    UNIX = ("format_ar",)
    TAR = ("format_tar",)
    DISC = ("format_iso9660",)
    RPM = ("filter_rpm", "filter_gzip", "filter_bzip2", "filter_xz", "filter_lzma", "filter_zstd", "format_cpio")
    ZSTANDARD = ("filter_zstd", "format_raw")
    LZ4 = ("filter_lz4", "format_raw")
    LZIP = ("filter_lzip", "format_raw")
    COMPRESS = ("filter_compress", "format_raw")


def _loaded() -> ctypes.CDLL | None:
    """The library with the types of what we call, or None. Loaded at import: the jail opens no file."""
    try:
        library = ctypes.CDLL("libarchive.so.13")
    except OSError:
        return None
    pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    types: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "archive_read_new": (pointer, ()),
        "archive_read_free": (number, (pointer,)),
        "archive_read_open_memory": (number, (pointer, text, size)),
        "archive_read_next_header": (number, (pointer, ctypes.POINTER(pointer))),
        "archive_read_data": (ctypes.c_ssize_t, (pointer, pointer, size)),
        "archive_error_string": (text, (pointer,)),
        "archive_entry_pathname": (text, (pointer,)),
        "archive_entry_pathname_utf8": (text, (pointer,)),
        "archive_entry_size": (ctypes.c_int64, (pointer,)),
        "archive_entry_filetype": (ctypes.c_uint, (pointer,)),
        "archive_entry_is_encrypted": (number, (pointer,)),
    }
    types |= {f"archive_read_support_{each}": (number, (pointer,)) for kind in Kind for each in kind.value}
    for name, (result, arguments) in types.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


_LIBRARY: Final = _loaded()


def is_there() -> bool:
    """Whether the system has the library."""
    return _LIBRARY is not None


def members(octets: bytes, kind: Kind, findings: Findings) -> Iterator[Member]:
    """The files, in order. What stays closed, and why the reader broke off, is named."""
    if _LIBRARY is None:
        findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
        return
    archive = _LIBRARY.archive_read_new()
    try:
        for support in kind.value:
            getattr(_LIBRARY, f"archive_read_support_{support}")(archive)
        if _LIBRARY.archive_read_open_memory(archive, octets, len(octets)) < _WARNING:
            _broke_off(_LIBRARY, archive, findings)
            return
        yield from _files(_LIBRARY, archive, len(octets), findings)
    except OutOfBounds as bound:
        findings.missed(bound.reason)
    finally:
        _LIBRARY.archive_read_free(archive)


def _files(library: ctypes.CDLL, archive: int, packed: int, findings: Findings) -> Iterator[Member]:
    entry = ctypes.c_void_p()
    for _ in range(limits.MAX_PARTS):
        result = library.archive_read_next_header(archive, ctypes.byref(entry))
        if result == _END:
            return
        if result < _WARNING:
            _broke_off(library, archive, findings)
            if result <= _FATAL:
                return
            continue
        kind = library.archive_entry_filetype(entry) & _KIND
        if kind not in (_REGULAR, 0):
            continue
        name = _name(library, entry)
        if is_traversal(name):
            findings.note(Defect.ARCHIVE_TRAVERSAL)
        if library.archive_entry_is_encrypted(entry) > 0:
            yield Member(name, b"", max(0, library.archive_entry_size(entry)), ENCRYPTED)
            continue
        content, note = _content(library, archive, packed, findings)
        yield Member(name, content, len(content) or max(0, library.archive_entry_size(entry)), note)
    findings.missed(Unscannable.ARCHIVE_PARTS)


def _content(library: ctypes.CDLL, archive: int, packed: int, findings: Findings) -> tuple[bytes, str]:
    """One file, and why there is no more of it. Raises OutOfBounds: what comes behind it would cost as much again."""
    allowed, reason = allowance(packed, findings)
    if limits.MAX_FOREIGN - findings.foreign < allowed:
        allowed, reason = max(0, limits.MAX_FOREIGN - findings.foreign), Unscannable.ARCHIVE_SIZE
    buffer = ctypes.create_string_buffer(_PIECE)
    pieces: list[bytes] = []
    taken = 0
    while True:
        count = library.archive_read_data(archive, buffer, _PIECE)
        if count <= 0:
            break
        pieces.append(buffer.raw[:count])
        taken += count
        if taken > allowed:
            findings.unpacked += allowed
            findings.foreign += allowed
            raise OutOfBounds(reason)
    findings.unpacked += taken
    findings.foreign += taken
    note = str(_broke_off(library, archive, findings)) if count < 0 else ""
    return b"".join(pieces), note


def _name(library: ctypes.CDLL, entry: ctypes.c_void_p) -> str:
    raw = library.archive_entry_pathname_utf8(entry) or library.archive_entry_pathname(entry) or b""
    return kept_name(guessed(raw))


def _broke_off(library: ctypes.CDLL, archive: int, findings: Findings) -> Unscannable:
    """Remember why the library gave up, as far as it says so."""
    said = (library.archive_error_string(archive) or b"").lower()
    if b"encrypt" in said or b"passphrase" in said:
        reason = Unscannable.ARCHIVE_ENCRYPTED
    elif b"support" in said or b"unknown" in said or b"unrecognized" in said:
        reason = Unscannable.ARCHIVE_UNSUPPORTED
    else:
        findings.note(Defect.ARCHIVE_DAMAGED)
        reason = Unscannable.ARCHIVE_DAMAGED
    findings.missed(reason)
    return reason
