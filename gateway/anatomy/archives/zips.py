"""ZIP archives (PKWARE APPNOTE 6.3): members by the directory at the end, and those that the directory does not name.

The standard library trusts the directory alone, and unpacks without bound; readers that stream see the local headers.
Both views are kept. Deflate, bzip2, LZMA and stored members are unpacked; encrypted ones are listed by name.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.libarchive import Kind
from gateway.anatomy.archives.second import CLOSED, completed
from gateway.anatomy.archives.unpacking import OutOfBounds, Unpacked, bunzip2, inflate, stored, unlzma_member
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import fits
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.locks import Lock, OldCipher, WinZipCipher
from gateway.anatomy.members import Member, is_traversal
from gateway.anatomy.names import extension

_LOCAL: Final = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL: Final = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END: Final = struct.Struct("<4sHHHHLLH")
_END_REACH: Final = 65_557  # the longest comment and the record itself
_RECORD: Final = re.compile(rb"PK(?:\x01\x02|\x03\x04|\x05\x06|\x07\x08)")
_AES_EXTRA: Final = re.compile(rb"\x01\x99\x07\0..AE([\1\2\3])(..)", re.DOTALL)
_UNICODE_NAME: Final = re.compile(rb"up(..)\x01.{4}", re.DOTALL)
_START: Final = 512
_MAX_EXTRA_FIELDS: Final = 16
_MAX_LOOKALIKES: Final = 10_000
"""Local headers that turn out to be none. Packed octets look so once in four thousand million."""
_WIDE: Final = 0xFFFFFFFF

_STORED, _DEFLATED, _BZIP2, _LZMA, _AES = 0, 8, 12, 14, 99
_FLAG_ENCRYPTED, _FLAG_STREAMED, _FLAG_STRONG, _FLAG_UTF8 = 0x1, 0x8, 0x40, 0x800


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as a header describes it. `start` and `end` bound its packed octets."""

    name: str
    flags: int
    method: int
    size: int
    local: int
    start: int
    end: int
    crc: int = 0
    time: int = 0

    @property
    def is_encrypted(self) -> bool:
        """By the flags or by the method of WinZip's AES."""
        return bool(self.flags & (_FLAG_ENCRYPTED | _FLAG_STRONG)) or self.method == _AES


def has_directory(octets: bytes) -> bool:
    """Whether a reader that begins at the end, as all do, would find an archive."""
    if b"\5" not in octets:
        return False  # as in all text, and found out twenty times as fast
    at = octets.rfind(b"PK\x05\x06", max(0, len(octets) - _END_REACH))
    return at != -1 and octets.rfind(b"PK\x01\x02", 0, at) != -1


def ends_here(octets: bytes) -> bool:
    """Whether the end of an archive is the very end of the octets: one that is merely contained ends before."""
    at = octets.rfind(b"PK\x05\x06", max(0, len(octets) - _END_REACH))
    return at != -1 and at + _END.size + int.from_bytes(octets[at + 20 : at + 22], "little") == len(octets)


def entries(octets: bytes, findings: Findings) -> list[Entry]:
    """All members that a reader may find: those of the directory, then those that only have a local header."""
    listed = _listed(octets, findings)
    if listed is None:
        findings.note(Defect.ARCHIVE_DAMAGED)
        listed = []
    hidden = [*_otherwise(octets, listed), *_unlisted(octets, listed, findings)]
    if hidden and listed:
        findings.note(Defect.ARCHIVE_HIDDEN)
    if not listed and not hidden and len(octets) > _END.size:
        findings.missed(Unscannable.ARCHIVE_DAMAGED)
    return listed + hidden


def members(octets: bytes, chosen: list[Entry], findings: Findings) -> Iterator[Member]:
    """Unpack those entries, one at a time. Folders are left out. Entries that share their octets are a bomb."""
    return completed(_chosen(octets, chosen, findings), octets, Kind.ZIP, findings)


def _chosen(octets: bytes, chosen: list[Entry], findings: Findings) -> Iterator[Member]:
    taken = 0
    for entry in chosen:
        taken += max(0, entry.end - entry.start)
        if taken > len(octets):
            findings.missed(Unscannable.ARCHIVE_RATIO)
            return
        if entry.name.endswith("/") and entry.start == entry.end:
            continue
        if is_traversal(entry.name):
            findings.note(Defect.ARCHIVE_TRAVERSAL)
        if entry.is_encrypted and not _only_says_so(octets, entry, findings):
            lock = _lock(octets, entry)
            if lock is None:
                findings.missed(Unscannable.ARCHIVE_ENCRYPTED)
            yield Member(entry.name, b"", entry.size, "encrypted", lock=lock)
            continue
        try:
            unpacked = _unpack(octets[entry.start : entry.end], entry.method, findings)
        except OutOfBounds as bound:
            findings.missed(bound.reason)
            yield Member(entry.name, b"", entry.size, str(bound.reason))
            continue
        if unpacked is None:
            yield Member(entry.name, b"", entry.size, CLOSED)
            continue
        if unpacked.damaged:
            findings.note(Defect.ARCHIVE_DAMAGED)
            findings.missed(Unscannable.ARCHIVE_DAMAGED)
        note = str(Unscannable.ARCHIVE_DAMAGED) if unpacked.damaged else ""
        yield Member(entry.name, unpacked.content, len(unpacked.content), note)


def _only_says_so(octets: bytes, entry: Entry, findings: Findings) -> bool:
    """Whether a member is marked encrypted and is not: its plain content has the checksum."""
    if entry.method not in (_STORED, _DEFLATED) or not entry.crc:
        return False
    try:
        unpacked = _unpack(octets[entry.start : entry.end], entry.method, findings)
    except OutOfBounds:
        return False
    return unpacked is not None and zlib.crc32(unpacked.content) == entry.crc


def start_of(octets: bytes, entry: Entry) -> bytes:
    """The first octets of a member that is stored or deflated; empty for others, and where they make no sense."""
    packed = octets[entry.start : min(entry.end, entry.start + _START)]
    if entry.method == _STORED:
        return packed
    if entry.method != _DEFLATED:
        return b""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, _START)
    except zlib.error:
        return b""


def _lock(octets: bytes, entry: Entry) -> Lock | None:
    """The lock of a member, or None for ciphers that we do not know."""
    if entry.flags & _FLAG_STRONG:
        return None
    packed = octets[entry.start : entry.end]
    if entry.method != _AES:
        checks = frozenset({entry.crc >> 24, entry.time >> 8})
        return _lock_of(OldCipher(packed, checks), entry.method, entry.crc)
    name_length, extra_length = _LOCAL.unpack_from(octets, entry.local)[9:11]
    extra_at = entry.local + _LOCAL.size + name_length
    described = _AES_EXTRA.search(octets[extra_at : extra_at + extra_length])
    if described is None:
        return None
    return _lock_of(WinZipCipher(packed, 8 + 8 * described[1][0]), int.from_bytes(described[2], "little"), None)


def _lock_of(cipher: OldCipher | WinZipCipher, method: int, crc: int | None) -> Lock:
    """The lock of a member that is packed by that method behind its cipher. `crc` is None where the cipher proves
    more."""

    def content(password: bytes, findings: Findings) -> bytes | None:
        packed = cipher.opened_by(password)
        if packed is None:
            return None
        try:
            unpacked = _unpack(packed, method, findings)
        except OutOfBounds:
            return None
        if unpacked is None or unpacked.damaged or crc not in (None, zlib.crc32(unpacked.content)):
            return None
        return unpacked.content

    return Lock(content, Unscannable.ARCHIVE_ENCRYPTED, tries=limits.MAX_PASSWORDS, weight=len(cipher.packed))


def _unpack(packed: bytes, method: int, findings: Findings) -> Unpacked | None:
    match method:
        case 0:
            return stored(packed, findings)
        case 8:
            return inflate(packed, findings)
        case 12:
            return bunzip2(packed, findings)
        case 14:
            return unlzma_member(packed, findings)
    return None


def _listed(octets: bytes, findings: Findings) -> list[Entry] | None:
    """The entries of the directory; None where there is no directory."""
    at = octets.rfind(b"PK\x05\x06", max(0, len(octets) - _END_REACH))
    if at == -1 or at + _END.size > len(octets):
        return None
    _, _, _, _, count, size, offset, _ = _END.unpack_from(octets, at)
    start = at - size
    shift = start - offset  # octets in front of the archive, as in a self-extracting one
    if start < 0 or octets[start : start + 4] not in (b"PK\x01\x02", b"PK\x05\x06"):
        start, shift = offset, 0  # a ZIP64 directory stands further away, or the sizes lie
    found: list[Entry] = []
    position = start
    while octets[position : position + 4] == b"PK\x01\x02" and position + _CENTRAL.size <= len(octets):
        if len(found) >= limits.MAX_PARTS:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            break
        fields = _CENTRAL.unpack_from(octets, position)
        flags, method, time, crc = fields[3], fields[4], fields[5], fields[7]
        packed, unpacked, name_length, extra_length, comment_length = fields[8:13]
        name_at = position + _CENTRAL.size
        raw_name = octets[name_at : name_at + name_length]
        extra = octets[name_at + name_length : name_at + name_length + extra_length]
        unpacked, packed, local = _widened(extra, unpacked, packed, fields[16])
        entry = _located(octets, local + shift, _name(raw_name, flags), flags, method, packed, unpacked)
        entry = replace(entry, crc=crc, time=time) if entry else None
        if entry is None:
            findings.note(Defect.ARCHIVE_DAMAGED)
            findings.missed(Unscannable.ARCHIVE_DAMAGED)
        else:
            found.append(entry)
        position = name_at + name_length + extra_length + comment_length
    if count and not found:
        return None
    return found


def _located(octets: bytes, local: int, name: str, flags: int, method: int, packed: int, unpacked: int) -> Entry | None:
    """The entry with the place of its octets, which only its local header tells."""
    if local < 0 or octets[local : local + 4] != b"PK\x03\x04" or local + _LOCAL.size > len(octets):
        return None
    name_length, extra_length = _LOCAL.unpack_from(octets, local)[9:11]
    start = local + _LOCAL.size + name_length + extra_length
    return Entry(name, flags, method, unpacked, local, start, min(len(octets), start + packed))


def _otherwise(octets: bytes, listed: list[Entry]) -> list[Entry]:
    """Listed members as their local headers have them, where those say another method, size or kind of name: readers
    that stream believe these. And under the name of an extra field (APPNOTE 4.6.9), which half of all readers show."""
    found: list[Entry] = []
    for entry in listed:
        fields = _LOCAL.unpack_from(octets, entry.local)
        flags, method, packed = fields[2], fields[3], fields[7]
        end = min(len(octets), entry.start + packed)
        if (flags & _FLAG_STREAMED and not packed) or packed == _WIDE:
            end = entry.end
        name_at = entry.local + _LOCAL.size
        local_name = octets[name_at : name_at + fields[9]]
        if (method, end) != (entry.method, entry.end) and method in (_STORED, _DEFLATED, _BZIP2, _LZMA):
            found.append(replace(entry, name=_name(local_name, flags), flags=flags, method=method, end=end))
            continue
        names = {_name(local_name, flags)} if local_name != entry.name.encode() else set()
        other = _UNICODE_NAME.search(octets, name_at + fields[9], entry.start) if fields[10] else None
        if other:
            length = int.from_bytes(other[1], "little") - len(other[0]) + 4
            names.add(_name(octets[other.end() : other.end() + max(0, length)], _FLAG_UTF8))
        found += [replace(entry, name=name) for name in sorted(names) if extension(name) != extension(entry.name)]
    return found


def _unlisted(octets: bytes, listed: list[Entry], findings: Findings) -> list[Entry]:
    """Local headers outside of every listed member."""
    covered = sorted((entry.local, entry.end) for entry in listed)
    found: list[Entry] = []
    index = lookalikes = 0
    position = octets.find(b"PK\x03\x04")
    while position != -1 and position + _LOCAL.size <= len(octets):
        while index < len(covered) and covered[index][1] <= position:
            index += 1
        if index < len(covered) and covered[index][0] <= position:
            position = octets.find(b"PK\x03\x04", max(position + 4, covered[index][1]))
            continue
        if len(found) + len(listed) >= limits.MAX_PARTS:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            break
        fields = _LOCAL.unpack_from(octets, position)
        flags, method, packed, unpacked, name_length, extra_length = fields[2], fields[3], *fields[7:11]
        start = position + _LOCAL.size + name_length + extra_length
        if method not in (_STORED, _DEFLATED, _BZIP2, _LZMA, _AES) or start > len(octets) or not name_length:
            lookalikes += 1
            if lookalikes > _MAX_LOOKALIKES:
                findings.missed(Unscannable.ARCHIVE_PARTS)
                break
            position = octets.find(b"PK\x03\x04", position + 4)
            continue
        end = start + packed if packed and packed != _WIDE else _next_record(octets, start)
        name = _name(octets[position + _LOCAL.size : position + _LOCAL.size + name_length], flags)
        end = min(end, len(octets))
        found.append(Entry(name, flags, method, unpacked, position, start, end, crc=fields[6], time=fields[4]))
        position = octets.find(b"PK\x03\x04", max(position + 4, end))
    return found


def _next_record(octets: bytes, start: int) -> int:
    record = _RECORD.search(octets, start)
    return record.start() if record else len(octets)


def _widened(extra: bytes, unpacked: int, packed: int, local: int) -> tuple[int, int, int]:
    """Sizes and offset with the ZIP64 extra field applied (APPNOTE 4.5.3)."""
    position = 0
    for _ in range(_MAX_EXTRA_FIELDS):
        if position + 4 > len(extra):
            break
        kind, length = struct.unpack_from("<HH", extra, position)
        if kind == 1:
            wide = [
                int.from_bytes(extra[at : at + 8], "little") for at in range(position + 4, position + 4 + length, 8)
            ]
            values = [unpacked, packed, local]
            for index, value in enumerate(values):
                if value == _WIDE and wide:
                    values[index] = wide.pop(0)
            return values[0], values[1], values[2]
        position += 4 + length
    return unpacked, packed, local


def _name(raw: bytes, flags: int) -> str:
    """The name: UTF-8 where the flag says so or the octets fit, else code page 437 (APPNOTE D.1)."""
    is_utf8 = flags & _FLAG_UTF8 or fits(raw, "utf-8")
    return kept_name(raw.decode("utf-8" if is_utf8 else "cp437", "replace"))
