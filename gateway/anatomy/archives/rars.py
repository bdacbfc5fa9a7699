"""RAR archives, versions 4 and 5 (RAR 5.0 archive format; unrar's headers for 4): names, sizes, what is encrypted, and
members that are stored. Packed members are the second reader's."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.libarchive import Kind
from gateway.anatomy.archives.second import CLOSED, completed
from gateway.anatomy.archives.unpacking import OutOfBounds, stored
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import guessed
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member, is_traversal

_MARK_4: Final = b"Rar!\x1a\x07\x00"
_MARK_5: Final = b"Rar!\x1a\x07\x01\x00"
_MAX_BLOCKS: Final = 4 * limits.MAX_PARTS
_MAX_HEADER: Final = 2 * 1024 * 1024
"""Octets of one header, the format's own bound."""

_OLD_BLOCK: Final = struct.Struct("<HBHH")
_OLD_FILE: Final = struct.Struct("<LLBLLBBHL")
_OLD_MAIN, _OLD_FILE_HEADER, _OLD_END = 0x73, 0x74, 0x7B
_MAIN, _FILE, _SERVICE, _ENCRYPTION, _LAST = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    size: int
    start: int
    end: int
    encrypted: bool
    packed: bool
    continues: bool = False


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The files, in order. What stays closed is named."""
    kind = Kind.RAR_5 if octets.startswith(_MARK_5) else Kind.RAR
    return completed(_listed(octets, findings), octets, kind, findings)


def _listed(octets: bytes, findings: Findings) -> Iterator[Member]:
    new = octets.startswith(_MARK_5)
    entries = _entries_5(octets, findings) if new else _entries_4(octets, findings)
    count = 0
    try:
        for count, entry in enumerate(entries, start=1):
            if count > limits.MAX_PARTS:
                findings.missed(Unscannable.ARCHIVE_PARTS)
                return
            yield _member(octets, entry, findings)
    except (struct.error, IndexError):
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)
    if not count and Unscannable.ARCHIVE_ENCRYPTED not in findings.unscannable:
        findings.missed(Unscannable.ARCHIVE_DAMAGED)


def _member(octets: bytes, entry: _Entry, findings: Findings) -> Member:
    name = kept_name(entry.name)
    if is_traversal(name):
        findings.note(Defect.ARCHIVE_TRAVERSAL)
    if entry.encrypted:
        findings.missed(Unscannable.ARCHIVE_ENCRYPTED)
        return Member(name, b"", entry.size, "encrypted")
    if entry.packed:
        return Member(name, b"", entry.size, CLOSED)
    if entry.continues:
        findings.missed(Unscannable.ARCHIVE_DAMAGED)  # the rest stands in another volume
    try:
        content = stored(octets[entry.start : entry.end], findings).content
    except OutOfBounds as bound:
        findings.missed(bound.reason)
        return Member(name, b"", entry.size, str(bound.reason))
    return Member(name, content, len(content))


def _entries_5(octets: bytes, findings: Findings) -> Iterator[_Entry]:
    position = len(_MARK_5)
    for _ in range(_MAX_BLOCKS):
        if position + 7 > len(octets):
            return
        size, at = _vint(octets, position + 4)
        if not 0 < size <= _MAX_HEADER:
            raise IndexError
        data_at = at + size
        kind, at = _vint(octets, at)
        flags, at = _vint(octets, at)
        extra_size, at = _vint(octets, at) if flags & 1 else (0, at)
        data_size, at = _vint(octets, at) if flags & 2 else (0, at)
        if kind == _LAST:
            return
        if kind == _ENCRYPTION:
            findings.missed(Unscannable.ARCHIVE_ENCRYPTED)
            return
        if kind == _FILE:
            file_flags, at = _vint(octets, at)
            unpacked, at = _vint(octets, at)
            _, at = _vint(octets, at)
            at += 4 * bool(file_flags & 2) + 4 * bool(file_flags & 4)
            method, at = _vint(octets, at)
            _, at = _vint(octets, at)
            length, at = _vint(octets, at)
            name = guessed(octets[at : at + min(length, 4 * limits.MAX_NAME)])
            if not file_flags & 1:
                encrypted = _is_encrypted(octets[data_at - min(extra_size, size) : data_at])
                packed, continues = bool(method >> 7 & 7), bool(flags & 0x18)
                yield _Entry(name, unpacked, data_at, data_at + data_size, encrypted, packed, continues)
        position = data_at + data_size


def _is_encrypted(extra: bytes) -> bool:
    """Whether the extra area has a record of encryption (type 1)."""
    at = 0
    for _ in range(16):
        if at >= len(extra):
            return False
        size, at = _vint(extra, at)
        kind, _ = _vint(extra, at)
        if kind == 1:
            return True
        at += size
    return False


def _vint(octets: bytes, at: int) -> tuple[int, int]:
    """Seven bits an octet, the lowest first. Raises IndexError where it does not end."""
    value = 0
    for shift in range(0, 70, 7):
        octet = octets[at]
        at += 1
        value |= (octet & 0x7F) << shift
        if not octet & 0x80:
            return value, at
    raise IndexError


def _entries_4(octets: bytes, findings: Findings) -> Iterator[_Entry]:
    position = len(_MARK_4)
    for _ in range(_MAX_BLOCKS):
        if position + _OLD_BLOCK.size > len(octets):
            return
        _, kind, flags, size = _OLD_BLOCK.unpack_from(octets, position)
        if size < _OLD_BLOCK.size:
            raise IndexError
        added = int.from_bytes(octets[position + 7 : position + 11], "little") if flags & 0x8000 else 0
        if kind == _OLD_END:
            return
        if kind == _OLD_MAIN and flags & 0x80:
            findings.missed(Unscannable.ARCHIVE_ENCRYPTED)
            return
        if kind == _OLD_FILE_HEADER:
            added, unpacked, _, _, _, _, method, length, _ = _OLD_FILE.unpack_from(octets, position + _OLD_BLOCK.size)
            name_at = position + _OLD_BLOCK.size + _OLD_FILE.size
            if flags & 0x100:
                added |= int.from_bytes(octets[name_at : name_at + 4], "little") << 32
                name_at += 8
            name = guessed(octets[name_at : name_at + min(length, 4 * limits.MAX_NAME)].split(b"\0", 1)[0])
            if flags & 0xE0 != 0xE0:
                start = position + size
                encrypted, packed, continues = bool(flags & 4), method != 0x30, bool(flags & 3)
                yield _Entry(name, unpacked, start, start + added, encrypted, packed, continues)
        position += size + added
