"""Cabinets (MS-CAB): names of all files, and the contents of folders that are stored or packed by MSZIP. LZX is the
second reader's; Quantum stays closed, and is named unsupported."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.libarchive import Kind
from gateway.anatomy.archives.second import CLOSED, completed
from gateway.anatomy.archives.unpacking import OutOfBounds, allowance
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import guessed
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member, is_traversal

_HEAD: Final = struct.Struct("<4sLLLLLBBHHHHH")
_FOLDER: Final = struct.Struct("<LHH")
_FILE: Final = struct.Struct("<LLHHHH")
_BLOCK: Final = struct.Struct("<LHH")
_STORED, _MSZIP = 0, 1
_PREVIOUS, _NEXT, _RESERVES = 1, 2, 4
_WINDOW: Final = 32 * 1024
_UTF8_NAME: Final = 0x80


@dataclass(frozen=True, slots=True)
class _Folder:
    start: int
    blocks: int
    method: int


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The files, in order. What stays closed is named."""
    return completed(_listed(octets, findings), octets, Kind.CABINET, findings)


def _listed(octets: bytes, findings: Findings) -> Iterator[Member]:
    try:
        folders, files_at, reserve, count = _head(octets)
        opened: dict[int, tuple[bytes, str]] = {}
        for size, offset, index, name in _files(octets, files_at, count):
            if is_traversal(name):
                findings.note(Defect.ARCHIVE_TRAVERSAL)
            if index not in opened:
                # One folder at a time: files come in the order of their folders.
                opened = {index: _opened(octets, folders, index, reserve, findings)}
            content, note = opened[index]
            piece = content[offset : offset + size]
            if len(piece) < size and not note:
                findings.missed(Unscannable.ARCHIVE_DAMAGED)
            yield Member(name, piece, len(piece) or size, note)
        if count > limits.MAX_PARTS:
            findings.missed(Unscannable.ARCHIVE_PARTS)
    except (struct.error, IndexError):
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)


def _head(octets: bytes) -> tuple[list[_Folder], int, int, int]:
    """The folders, where the files are listed, octets reserved in each block, how many files."""
    fields = _HEAD.unpack_from(octets)
    files_at, folder_count, file_count, flags = fields[4], *fields[8:11]
    at = _HEAD.size
    in_folder = in_block = 0
    if flags & _RESERVES:
        in_head, in_folder, in_block = struct.unpack_from("<HBB", octets, at)
        at += 4 + in_head
    for _ in range(2 * bool(flags & _PREVIOUS) + 2 * bool(flags & _NEXT)):
        at = octets.index(b"\0", at, at + 4 * limits.MAX_NAME) + 1 if b"\0" in octets[at : at + 1024] else len(octets)
    folders = []
    for _ in range(min(folder_count, limits.MAX_PARTS)):
        folders.append(_Folder(*_FOLDER.unpack_from(octets, at)))
        at += _FOLDER.size + in_folder
    return folders, files_at, in_block, file_count


def _files(octets: bytes, at: int, count: int) -> Iterator[tuple[int, int, int, str]]:
    """Size, place in its folder, folder, name."""
    for _ in range(min(count, limits.MAX_PARTS)):
        size, offset, index, _, _, attributes = _FILE.unpack_from(octets, at)
        at += _FILE.size
        end = octets.find(b"\0", at, at + 4 * limits.MAX_NAME)
        if end == -1:
            raise IndexError
        raw = octets[at:end]
        name = raw.decode("utf-8", "replace") if attributes & _UTF8_NAME else guessed(raw)
        at = end + 1
        yield size, offset, index, kept_name(name)


def _opened(octets: bytes, folders: list[_Folder], index: int, reserve: int, findings: Findings) -> tuple[bytes, str]:
    """A folder's octets, and why not. An index beyond the folders says that a file goes on in another cabinet."""
    if index >= len(folders) or folders[index].method & 0xF not in (_STORED, _MSZIP):
        return b"", CLOSED
    try:
        return _unpacked(octets, folders[index], reserve, findings), ""
    except OutOfBounds as bound:
        findings.missed(bound.reason)
        return b"", str(bound.reason)
    except zlib.error:
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)
        return b"", str(Unscannable.ARCHIVE_DAMAGED)


def _unpacked(octets: bytes, folder: _Folder, reserve: int, findings: Findings) -> bytes:
    """All blocks; each is deflated on its own, with the block before as its window. Raises OutOfBounds, zlib.error."""
    allowed, reason = allowance(len(octets) - folder.start, findings)
    pieces: list[bytes] = []
    at, taken = folder.start, 0
    before = b""
    for _ in range(folder.blocks):
        if at + _BLOCK.size > len(octets):
            break
        _, packed_size, size = _BLOCK.unpack_from(octets, at)
        at += _BLOCK.size + reserve
        packed = octets[at : at + packed_size]
        at += packed_size
        if folder.method & 0xF == _STORED:
            piece = packed
        else:
            piece = zlib.decompressobj(-zlib.MAX_WBITS, zdict=before).decompress(packed[2:], max(size, 1))
            before = piece[-_WINDOW:]
        taken += len(piece)
        if taken > allowed:
            raise OutOfBounds(reason)
        pieces.append(piece)
    findings.unpacked += taken
    return b"".join(pieces)
