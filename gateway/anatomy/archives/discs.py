"""Images of discs: ISO 9660 (ECMA-119) with Joliet names, and plain UDF (ECMA-167, OSTA UDF 1.02). Windows mounts them
with a click, and what they hold carries no mark of the web. Both trees of a bridge disc are read. Every extent is
looked up in memory; a directory is read once."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.images import image_member
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import guessed
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member

_SECTOR: Final = 2048
_FIRST_DESCRIPTOR: Final = 16
_MAX_DESCRIPTORS: Final = 64
_PRIMARY, _SUPPLEMENTARY, _TERMINATOR = 1, 2, 255
_JOLIET: Final = (b"%/@", b"%/C", b"%/E")
_DIRECTORY: Final = 0x02

_Extent = tuple[int, int]
"""Where octets begin, and how many they are."""


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The files of all trees, each once."""
    seen: set[_Extent] = set()
    trees = [*_udf_trees(octets), *_iso_trees(octets)]
    if not trees:
        findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
        return
    try:
        for tree in trees:
            for name, extent in tree:
                if extent in seen:
                    continue
                seen.add(extent)
                if len(seen) > limits.MAX_PARTS:
                    findings.missed(Unscannable.ARCHIVE_PARTS)
                    return
                yield _member(octets, kept_name(name), extent, findings)
    except (struct.error, IndexError):
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)


def _member(octets: bytes, name: str, extent: _Extent, findings: Findings) -> Member:
    start, size = extent
    return image_member(name, octets[start : start + min(size, limits.MAX_MEMBER)], size, findings)


# ------------------------------------------------------------------ ISO 9660


def _iso_trees(octets: bytes) -> list[Iterator[tuple[str, _Extent]]]:
    """A tree for each volume descriptor that has one; the Joliet one first, its names are the real ones."""
    plain: list[Iterator[tuple[str, _Extent]]] = []
    joliet: list[Iterator[tuple[str, _Extent]]] = []
    for number in range(_MAX_DESCRIPTORS):
        sector = octets[(_FIRST_DESCRIPTOR + number) * _SECTOR :][:_SECTOR]
        if sector[1:6] != b"CD001" or sector[0] == _TERMINATOR:
            break
        root = _extent(sector, 156)
        if sector[0] == _PRIMARY:
            plain.append(_iso_files(octets, root, "latin-1"))
        elif sector[0] == _SUPPLEMENTARY and sector[88:91] in _JOLIET:
            joliet.append(_iso_files(octets, root, "utf-16-be"))
    return joliet + plain


def _extent(octets: bytes, at: int) -> _Extent:
    sector, size = struct.unpack_from("<L4xL", octets, at + 2)
    return sector * _SECTOR, size


def _iso_files(octets: bytes, root: _Extent, charset: str) -> Iterator[tuple[str, _Extent]]:
    pending = [root]
    seen = {root[0]}
    while pending:
        start, size = pending.pop()
        directory = octets[start : start + min(size, limits.MAX_PARTS * 256)]
        at = 0
        while at < len(directory):
            length = directory[at]
            if not length:  # records do not cross sectors
                at = (at // _SECTOR + 1) * _SECTOR
                continue
            record = directory[at : at + length]
            at += length
            if len(record) < 34:
                continue
            raw = record[33 : 33 + record[32]]
            extent = _extent(record, 0)
            if not record[25] & _DIRECTORY:
                yield raw.decode(charset, "replace").partition(";")[0].rstrip("."), extent
            elif raw not in (b"\0", b"\1") and extent[0] not in seen and len(seen) < limits.MAX_PARTS:
                seen.add(extent[0])
                pending.append(extent)


# ------------------------------------------------------------------ UDF

_TAG_ANCHOR, _TAG_PARTITION, _TAG_LOGICAL, _TAG_TERMINATOR = 2, 5, 6, 8
_TAG_FILE_SET, _TAG_NAME, _TAG_FILE, _TAG_EXTENDED_FILE = 256, 257, 261, 266
_ANCHOR_SECTOR: Final = 256
_IS_DIRECTORY, _IS_PARENT = 0x02, 0x08


def _udf_trees(octets: bytes) -> list[Iterator[tuple[str, _Extent]]]:
    anchor = octets[_ANCHOR_SECTOR * _SECTOR :][:512]
    if len(anchor) < 512 or _tag(anchor) != _TAG_ANCHOR:
        return []
    size, sector = struct.unpack_from("<LL", anchor, 16)
    partition, file_set = -1, -1
    for number in range(min(size // _SECTOR, _MAX_DESCRIPTORS)):
        descriptor = octets[(sector + number) * _SECTOR :][:512]
        match _tag(descriptor):
            case 5:
                partition = int.from_bytes(descriptor[188:192], "little") * _SECTOR
            case 6:
                file_set = int.from_bytes(descriptor[252:256], "little")
            case 8 | 0:
                break
    if partition < 0 or file_set < 0:
        return []
    described = octets[partition + file_set * _SECTOR :][:512]
    if _tag(described) != _TAG_FILE_SET:
        return []
    return [_udf_files(octets, partition, int.from_bytes(described[404:408], "little"))]


def _tag(descriptor: bytes) -> int:
    return int.from_bytes(descriptor[:2], "little")


def _udf_files(octets: bytes, partition: int, root: int) -> Iterator[tuple[str, _Extent]]:
    pending = [root]
    seen = {root}
    while pending:
        found = _udf_extent(octets, partition, pending.pop())
        if found is None:
            continue
        start, size = found
        directory = octets[start : start + min(size, limits.MAX_PARTS * 256)]
        at = 0
        while at + 38 <= len(directory) and _tag(directory[at : at + 2]) == _TAG_NAME:
            flags, name_length = directory[at + 18], directory[at + 19]
            block = int.from_bytes(directory[at + 24 : at + 28], "little")
            own = int.from_bytes(directory[at + 36 : at + 38], "little")
            raw = directory[at + 38 + own : at + 38 + own + name_length]
            at += (38 + own + name_length + 3) // 4 * 4
            if flags & _IS_PARENT:
                continue
            if not flags & _IS_DIRECTORY:
                extent = _udf_extent(octets, partition, block)
                if extent is not None:
                    yield _udf_name(raw), extent
            elif block not in seen and len(seen) < limits.MAX_PARTS:
                seen.add(block)
                pending.append(block)


def _udf_name(raw: bytes) -> str:
    """Compressed Unicode (OSTA): the first octet says how wide the characters are."""
    return raw[1:].decode("utf-16-be", "replace") if raw[:1] == b"\x10" else guessed(raw[1:])


def _udf_extent(octets: bytes, partition: int, block: int) -> _Extent | None:
    """Where a file's octets stand by its entry: inside of it, or in its first extent."""
    at = partition + block * _SECTOR
    entry = octets[at : at + _SECTOR]
    kind = _tag(entry)
    if kind not in (_TAG_FILE, _TAG_EXTENDED_FILE) or len(entry) < 216:
        return None
    fixed, sizes_at = (176, 168) if kind == _TAG_FILE else (216, 208)
    (size,) = struct.unpack_from("<Q", entry, 56)
    extra, allocated = struct.unpack_from("<LL", entry, sizes_at)
    where = struct.unpack_from("<H", entry, 34)[0] & 7
    start = fixed + extra
    if where == 3:
        return at + start, min(size, allocated)
    if start + 8 > len(entry):
        return None
    return partition + struct.unpack_from("<L", entry, start + 4)[0] * _SECTOR, size
