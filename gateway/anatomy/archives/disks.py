"""Images of disks: FAT12, FAT16 and FAT32 volumes (Microsoft FAT specification 1.03) alone, in a partition of an MBR or
GPT disk, or in a virtual disk (VHD 1.0, fixed and dynamic). Windows mounts VHD with a click. NTFS, exFAT, VHDX, VMDK,
qcow2 and DMG are named unsupported. Every chain of clusters is followed at most as far as the volume is large."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.images import image_member
from gateway.anatomy.archives.unpacking import OutOfBounds
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import guessed
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member

_SECTOR: Final = 512
_ENTRY: Final = 32
_FOLDER, _LABEL, _LONG_NAME = 0x10, 0x08, 0x0F
_DELETED: Final = 0xE5
_MAX_FOLDER: Final = limits.MAX_PARTS * 24 * _ENTRY
"""Octets of a folder that are read: long names take up to twenty entries each."""
_MAX_PARTITIONS: Final = 16
_MOST_OF_FAT12: Final = 4085
_CLUSTER: Final = 0x0FFFFFFF
"""The bits of a number in FAT32 that are not reserved."""
_VHD: Final = b"conectix"
_DYNAMIC: Final = 3
_ABSENT: Final = 0xFFFFFFFF


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The files of all volumes that we can read, deleted ones not. What stays closed is named."""
    try:
        disk = _flat(octets)
        if disk is None:
            findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
            return
        count = 0
        starts = list(_volumes(disk))
        if not starts:
            findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
        for start in starts:
            if not _is_fat(disk[start : start + _SECTOR]):
                findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
                continue
            volume = _Volume(disk[start:])
            for name, cluster, size in volume.files():
                count += 1
                if count > limits.MAX_PARTS:
                    findings.missed(Unscannable.ARCHIVE_PARTS)
                    return
                yield image_member(name, volume.chain(cluster, min(size, limits.MAX_MEMBER)), size, findings)
    except OutOfBounds as bound:
        findings.missed(bound.reason)
    except (struct.error, IndexError, ValueError):
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)


def _flat(octets: bytes) -> bytes | None:
    """The disk sector by sector, out of whatever wraps it; None for wrappers that we do not know."""
    footer = octets[-_SECTOR:]
    if octets[:8] == _VHD or footer[:8] == _VHD:
        head = octets[:_SECTOR] if octets[:8] == _VHD else footer
        return _dynamic(octets, head) if struct.unpack_from(">L", head, 60)[0] == _DYNAMIC else octets
    return octets if octets[510:512] == b"\x55\xaa" or octets[512:520] == b"EFI PART" else None


def _dynamic(octets: bytes, head: bytes) -> bytes | None:
    """The blocks of a dynamic disk in order. Raises OutOfBounds where they are too many, IndexError."""
    (at,) = struct.unpack_from(">Q", head, 16)
    if octets[at : at + 8] != b"cxsparse":
        return None  # one that differs from another file
    (table,) = struct.unpack_from(">Q", octets, at + 16)
    count, block = struct.unpack_from(">LL", octets, at + 28)
    if not 0 < block <= limits.MAX_MEMBER or count > limits.MAX_MEMBER // _SECTOR:
        raise OutOfBounds(Unscannable.ARCHIVE_SIZE)
    places = struct.unpack_from(f">{count}L", octets, table)
    used = max((index for index, place in enumerate(places) if place != _ABSENT), default=-1) + 1
    if used * block > limits.MAX_UNPACKED:
        raise OutOfBounds(Unscannable.ARCHIVE_SIZE)
    bitmap = (block // _SECTOR // 8 + _SECTOR - 1) // _SECTOR * _SECTOR
    nothing = bytes(block)
    starts = (place * _SECTOR + bitmap for place in places[:used])
    pieces = (octets[start : start + block].ljust(block, b"\0") for start in starts)
    return b"".join(nothing if place == _ABSENT else piece for place, piece in zip(places[:used], pieces, strict=True))


def _volumes(disk: bytes) -> Iterator[int]:
    """Where volumes begin: at the start, or where a table of partitions says."""
    if _is_fat(disk) or disk[3:11] in (b"NTFS    ", b"EXFAT   "):
        yield 0
        return
    if disk[_SECTOR : _SECTOR + 8] == b"EFI PART":
        (table,) = struct.unpack_from("<Q", disk, _SECTOR + 72)
        count, size = struct.unpack_from("<LL", disk, _SECTOR + 80)
        for number in range(min(count, _MAX_PARTITIONS)):
            at = table * _SECTOR + number * size
            if any(disk[at : at + 16]):
                yield int(struct.unpack_from("<Q", disk, at + 32)[0]) * _SECTOR
        return
    for at in range(446, 510, 16):
        if disk[at + 4]:
            yield int(struct.unpack_from("<L", disk, at + 8)[0]) * _SECTOR


def _is_fat(volume: bytes) -> bool:
    """By the numbers that a volume needs; the name in it is for people."""
    if len(volume) < _SECTOR or volume[510:512] != b"\x55\xaa":
        return False
    size, per_cluster, reserved, tables = struct.unpack_from("<HBHB", volume, 11)
    return (
        size in (512, 1024, 2048, 4096)
        and per_cluster in (1, 2, 4, 8, 16, 32, 64, 128)
        and 0 < tables <= 4
        and reserved > 0
    )


class _Volume:
    """The tables of one FAT volume. Raises struct.error, IndexError or ValueError where they make no sense."""

    def __init__(self, octets: bytes) -> None:
        sector, per_cluster, reserved, tables, self._root_entries, small = struct.unpack_from("<HBHBHH", octets, 11)
        (table_size,) = struct.unpack_from("<H", octets, 22)
        total = small or struct.unpack_from("<L", octets, 32)[0]
        self._is_wide = not table_size
        if self._is_wide:
            (table_size,) = struct.unpack_from("<L", octets, 36)
        self._octets = octets
        self._cluster = sector * per_cluster
        self._root = (reserved + tables * table_size) * sector
        self._content = self._root + (self._root_entries * _ENTRY + sector - 1) // sector * sector
        clusters = max(0, (min(total * sector, len(octets)) - self._content)) // self._cluster
        self._most = clusters + 2
        declared = max(0, total * sector - self._content) // self._cluster
        raw = octets[reserved * sector : (reserved + table_size) * sector]
        self._next = _table(raw, self._most, declared, is_wide=self._is_wide)
        self._first = struct.unpack_from("<L", octets, 44)[0] if self._is_wide else 0

    def files(self) -> Iterator[tuple[str, int, int]]:
        """Name, first cluster and size of each file, folder by folder."""
        if self._is_wide:
            pending = [self.chain(self._first, _MAX_FOLDER)]
        else:
            pending = [self._octets[self._root : self._root + self._root_entries * _ENTRY]]
        seen: set[int] = set()
        while pending:
            long_name: list[bytes] = []
            folder = pending.pop()
            for at in range(0, len(folder) - _ENTRY + 1, _ENTRY):
                entry = folder[at : at + _ENTRY]
                kind = entry[11]
                if not entry[0]:
                    break
                if entry[0] == _DELETED:
                    long_name = []
                elif kind & 0x3F == _LONG_NAME:
                    long_name.insert(0, entry[1:11] + entry[14:26] + entry[28:32])
                elif not kind & _LABEL:
                    high, low, size = (*struct.unpack_from("<H", entry, 20), *struct.unpack_from("<HL", entry, 26))
                    cluster = (high << 16 | low) if self._is_wide else low
                    name = _name(entry, b"".join(long_name))
                    long_name = []
                    if not kind & _FOLDER:
                        yield kept_name(name), cluster, size
                    elif entry[:1] != b"." and cluster not in seen and len(seen) < limits.MAX_PARTS:
                        seen.add(cluster)
                        pending.append(self.chain(cluster, _MAX_FOLDER))
                else:
                    long_name = []

    def chain(self, first: int, size: int) -> bytes:
        """The octets of a chain of clusters, so many at most."""
        pieces: list[bytes] = []
        number, taken = first, 0
        while 2 <= number < len(self._next) and taken < size and len(pieces) <= self._most:
            start = self._content + (number - 2) * self._cluster
            pieces.append(self._octets[start : start + self._cluster])
            taken += self._cluster
            number = self._next[number] & _CLUSTER
        return b"".join(pieces)[:size]


def _table(raw: bytes, most: int, declared: int, *, is_wide: bool) -> array[int]:
    """Which cluster follows which. How wide its numbers are, the count of clusters alone decides."""
    if not is_wide and declared < _MOST_OF_FAT12:
        numbers = array("I")
        for index in range(min(most, len(raw) * 2 // 3)):
            pair = int.from_bytes(raw[index * 3 // 2 : index * 3 // 2 + 2], "little")
            numbers.append(pair >> 4 if index % 2 else pair & 0xFFF)
        return numbers
    width = 4 if is_wide else 2
    numbers = array("I" if is_wide else "H", raw[: min(most, len(raw) // width) * width])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _name(entry: bytes, long_name: bytes) -> str:
    if long_name:
        return long_name.decode("utf-16-le", "replace").partition("\0")[0]
    stem, ending = guessed(entry[:8]).rstrip(), guessed(entry[8:11]).rstrip()
    return f"{stem}.{ending}" if ending else stem
