"""7z archives (7zFormat.txt of the LZMA SDK): names always where the header is open, contents of the usual methods
(LZMA, LZMA2, bzip2, deflate, stored, with their filters) by the standard library's decoders. AES is named encrypted;
PPMd and BCJ2 are named unsupported."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.unpacking import OutOfBounds, Unpacked, bunzip2, inflate, stored, unfiltered, unlzma
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member, is_traversal

_START: Final = struct.Struct("<6sBBLQQL")
_MAX_HEADER: Final = 8 * 1024 * 1024
"""Octets of the header that lists the members. A thousand names of 255 characters take a sixteenth of it."""
_MAX_CODERS: Final = 8
_MAX_FOLDERS: Final = limits.MAX_PARTS

# Property ids.
_END, _HEADER, _MAIN_STREAMS, _FILES = 0x00, 0x01, 0x04, 0x05
_PACK, _UNPACK, _SUBSTREAMS, _SIZE, _CRC, _FOLDER, _CODERS_SIZE, _NUMBER = (
    0x06,
    0x07,
    0x08,
    0x09,
    0x0A,
    0x0B,
    0x0C,
    0x0D,
)
_EMPTY_STREAM, _NAMES, _ENCODED_HEADER = 0x0E, 0x11, 0x17

_AES: Final = b"\x06\xf1\x07\x01"
_FILTERS: Final = {
    b"\x04": lzma.FILTER_X86,
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x07": lzma.FILTER_ARM,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x09": lzma.FILTER_SPARC,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
}


class _Damaged(Exception):
    """The header makes no sense."""


@dataclass(frozen=True, slots=True)
class _Coder:
    method: bytes
    properties: bytes


@dataclass(slots=True)
class _Folder:
    """Octets packed together. `order` are the coders by index, the one that gives the files first; empty where they are
    no chain. `sizes` say how much each coder gives."""

    coders: list[_Coder]
    order: list[int]
    packed_streams: int
    sizes: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    @property
    def size(self) -> int:
        return self.sizes[self.order[0] if self.order else 0] if self.sizes else 0

    @property
    def is_encrypted(self) -> bool:
        return any(coder.method == _AES for coder in self.coders)


@dataclass(slots=True)
class _Streams:
    """Where packed octets stand, and how they are packed."""

    position: int = 0
    packed_sizes: list[int] = field(default_factory=list)
    folders: list[_Folder] = field(default_factory=list)


class _Reader:
    """The header, octet by octet; running out of it is `_Damaged`."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def octet(self) -> int:
        if self._at >= len(self._octets):
            raise _Damaged
        self._at += 1
        return self._octets[self._at - 1]

    def take(self, count: int) -> bytes:
        if count > len(self._octets) - self._at:
            raise _Damaged
        self._at += count
        return self._octets[self._at - count : self._at]

    def rest(self) -> bytes:
        return self.take(len(self._octets) - self._at)

    def number(self) -> int:
        """The ones before the first zero bit of the first octet say how many octets follow."""
        first = self.octet()
        value = 0
        for index in range(8):
            mask = 0x80 >> index
            if not first & mask:
                return value | (first & (mask - 1)) << (8 * index)
            value |= self.octet() << (8 * index)
        return value

    def count(self, most: int) -> int:
        """A number of things that follow; each takes an octet or a bit, so more than that is a lie."""
        value = self.number()
        if value > most:
            raise _Damaged
        return value

    def bits(self, count: int) -> list[bool]:
        octets = self.take((count + 7) // 8)
        return [bool(octets[index // 8] & 0x80 >> index % 8) for index in range(count)]

    def skip_digests(self, count: int) -> list[bool]:
        """Checksums: nothing is trusted to them here. Says which streams have one."""
        defined = [True] * count if self.octet() else self.bits(count)
        self.take(4 * sum(defined))
        return defined


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The files, in order. What stays closed is named."""
    try:
        header = _header(octets, findings)
        if header is None:
            return
        streams, names = _catalogue(header)
        if len(names) > limits.MAX_PARTS:
            findings.missed(Unscannable.ARCHIVE_PARTS)
        yield from _files(octets, streams, names[: limits.MAX_PARTS], findings)
    except OutOfBounds as bound:
        findings.missed(bound.reason)
    except (_Damaged, struct.error):
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)


def _header(octets: bytes, findings: Findings) -> bytes | None:
    """The header, unpacked; None where it is encrypted. Raises _Damaged, OutOfBounds."""
    offset, size = _START.unpack_from(octets)[4:6]
    header = octets[_START.size + offset : _START.size + offset + min(size, _MAX_HEADER)]
    for _ in range(4):
        if not header:
            raise _Damaged
        if header[0] == _HEADER:
            return header
        reader = _Reader(header)
        if reader.octet() != _ENCODED_HEADER:
            raise _Damaged
        streams = _streams(reader)
        if not streams.folders or streams.folders[0].size > _MAX_HEADER:
            raise _Damaged
        if streams.folders[0].is_encrypted:
            findings.missed(Unscannable.ARCHIVE_ENCRYPTED)
            return None
        unpacked = _unpacked(octets, _START.size + streams.position, streams.packed_sizes, streams.folders[0], findings)
        if unpacked is None or unpacked.damaged:
            raise _Damaged
        header = unpacked.content
    raise _Damaged


def _catalogue(header: bytes) -> tuple[_Streams, list[tuple[str, bool]]]:
    """Streams, and each file's name and whether it has octets."""
    reader = _Reader(header[1:])
    streams = _Streams()
    files: list[tuple[str, bool]] = []
    while kind := reader.octet():
        if kind == _MAIN_STREAMS:
            streams = _streams(reader)
        elif kind == _FILES:
            files = _names(reader, len(header))
        else:
            raise _Damaged
    return streams, files


def _names(reader: _Reader, most: int) -> list[tuple[str, bool]]:
    count = reader.count(most)
    names = [""] * count
    empty = [False] * count
    while kind := reader.octet():
        body = _Reader(reader.take(reader.count(most)))
        if kind == _EMPTY_STREAM:
            empty = body.bits(count)
        elif kind == _NAMES and body.octet() == 0:
            text = body.rest().decode("utf-16-le", "replace").split("\0")
            names = [*text[:count], *[""] * (count - len(text))]
    return list(zip(names, (not each for each in empty), strict=True))


def _streams(reader: _Reader) -> _Streams:
    streams = _Streams()
    with_substreams = False
    has_digest: list[bool] = []
    while kind := reader.octet():
        if kind == _PACK:
            streams.position = reader.number()
            count = reader.count(_MAX_FOLDERS * 4)
            while inner := reader.octet():
                if inner == _SIZE:
                    streams.packed_sizes = [reader.number() for _ in range(count)]
                elif inner == _CRC:
                    reader.skip_digests(count)
                else:
                    raise _Damaged
        elif kind == _UNPACK:
            streams.folders, has_digest = _folders(reader)
        elif kind == _SUBSTREAMS:
            with_substreams = True
            _substreams(reader, streams.folders, has_digest)
        else:
            raise _Damaged
    if not with_substreams:
        for folder in streams.folders:
            folder.files = [folder.size]
    return streams


def _folders(reader: _Reader) -> tuple[list[_Folder], list[bool]]:
    if reader.octet() != _FOLDER:
        raise _Damaged
    count = reader.count(_MAX_FOLDERS)
    if reader.octet():
        raise _Damaged  # the folders stand elsewhere: no program writes that
    folders = [_folder(reader) for _ in range(count)]
    has_digest = [False] * count
    while kind := reader.octet():
        if kind == _CODERS_SIZE:
            for folder in folders:
                folder.sizes = [reader.number() for _ in folder.coders]
        elif kind == _CRC:
            has_digest = reader.skip_digests(count)
        else:
            raise _Damaged
    return folders, has_digest


def _folder(reader: _Reader) -> _Folder:
    coders: list[_Coder] = []
    inputs = outputs = 0
    for _ in range(reader.count(_MAX_CODERS)):
        flags = reader.octet()
        method = reader.take(flags & 0x0F)
        ins, outs = (reader.count(_MAX_CODERS), reader.count(_MAX_CODERS)) if flags & 0x10 else (1, 1)
        coders.append(_Coder(method, reader.take(reader.count(_MAX_HEADER)) if flags & 0x20 else b""))
        inputs += ins
        outputs += outs
    if not coders or not outputs:
        raise _Damaged
    pairs = [(reader.number(), reader.number()) for _ in range(outputs - 1)]
    packed = inputs - len(pairs)
    if packed > 1:
        for _ in range(packed):
            reader.number()
    is_simple = inputs == outputs == len(coders)
    return _Folder(coders, _chain(dict(pairs), len(coders)) if is_simple else [], max(packed, 1))


def _chain(sources: dict[int, int], count: int) -> list[int]:
    """The coders from the one whose output nobody takes back to the one that reads the file; empty if no chain."""
    last = next((index for index in range(count) if index not in sources.values()), None)
    order: list[int] = []
    while last is not None and last < count and last not in order:
        order.append(last)
        last = sources.get(last)
    return order if len(order) == count else []


def _substreams(reader: _Reader, folders: list[_Folder], has_digest: list[bool]) -> None:
    counts = [1] * len(folders)
    kind = reader.octet()
    if kind == _NUMBER:
        counts = [reader.count(_MAX_HEADER) for _ in folders]
        kind = reader.octet()
    sized = kind == _SIZE
    for folder, count in zip(folders, counts, strict=True):
        sizes = [reader.number() for _ in range(count - 1)] if sized else []
        folder.files = [*sizes, folder.size - sum(sizes)] if count else []
    if sized:
        kind = reader.octet()
    if kind == _CRC:
        pairs = zip(counts, has_digest, strict=True)
        reader.skip_digests(sum(count for count, known in pairs if not (count == 1 and known)))
        kind = reader.octet()
    if kind != _END:
        raise _Damaged


def _files(octets: bytes, streams: _Streams, names: list[tuple[str, bool]], findings: Findings) -> Iterator[Member]:
    """Folder by folder: the files in one are packed as a whole."""
    full = iter([name for name, has_octets in names if has_octets])
    position = _START.size + streams.position
    sizes = list(streams.packed_sizes)
    if any(is_traversal(name) for name, _ in names):
        findings.note(Defect.ARCHIVE_TRAVERSAL)
    for folder in streams.folders:
        taken, sizes = sizes[: folder.packed_streams], sizes[folder.packed_streams :]
        content, note = _content(octets, position, taken, folder, findings)
        position += sum(taken)
        start = 0
        for size in folder.files:
            name = next(full, None)
            if name is None:
                return
            piece = content[start : start + size] if size >= 0 else b""
            start += max(size, 0)
            yield Member(name[: limits.MAX_NAME], piece, len(piece) or max(size, 0), note)


def _content(octets: bytes, position: int, sizes: list[int], folder: _Folder, findings: Findings) -> tuple[bytes, str]:
    """What a folder holds, and why not."""
    if folder.is_encrypted:
        findings.missed(Unscannable.ARCHIVE_ENCRYPTED)
        return b"", "encrypted"
    try:
        unpacked = _unpacked(octets, position, sizes, folder, findings)
    except OutOfBounds as bound:
        findings.missed(bound.reason)
        return b"", str(bound.reason)
    if unpacked is None:
        findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
        return b"", str(Unscannable.ARCHIVE_UNSUPPORTED)
    if unpacked.damaged:
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)
        return unpacked.content, str(Unscannable.ARCHIVE_DAMAGED)
    return unpacked.content, ""


def _unpacked(octets: bytes, position: int, sizes: list[int], folder: _Folder, findings: Findings) -> Unpacked | None:
    """A folder's octets; None where a method is not ours. Raises OutOfBounds."""
    if not folder.order or not sizes or len(folder.sizes) != len(folder.coders):
        return None
    result = Unpacked(octets[position : position + sizes[0]], sizes[0])
    for index in reversed(folder.order):
        step = _decoded(result.content, folder.coders[index], folder.sizes[index], findings)
        if step is None or step.damaged:
            return step
        result = step
    return result


def _decoded(packed: bytes, coder: _Coder, size: int, findings: Findings) -> Unpacked | None:
    method, properties = coder.method, coder.properties
    if method == b"\0":
        return stored(packed, findings)
    if method == b"\x21" and len(properties) == 1:
        bits = properties[0]
        dictionary = 0xFFFFFFFF if bits >= 40 else (2 | bits & 1) << (bits // 2 + 11)
        return unlzma(packed, {"id": lzma.FILTER_LZMA2, "dict_size": dictionary}, size, findings)
    if method == b"\x03\x01\x01" and len(properties) == 5:
        rest, lc = divmod(properties[0], 9)
        pb, lp = divmod(rest, 5)
        dictionary = int.from_bytes(properties[1:5], "little")
        chosen = {"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": lc, "lp": lp, "pb": pb}
        return unlzma(packed, chosen, size, findings)
    if method == b"\x04\x01\x08":
        return inflate(packed, findings)
    if method == b"\x04\x02\x02":
        return bunzip2(packed, findings)
    if method == b"\x03":
        return unfiltered(packed, {"id": lzma.FILTER_DELTA, "dist": (properties or b"\0")[0] + 1})
    if method in _FILTERS:
        return unfiltered(packed, {"id": _FILTERS[method]})
    return None
