"""The header of a 7z archive (7zFormat.txt of the LZMA SDK): which files there are, and how their octets are packed.
Reads numbers and names alone; unpacks nothing, and raises `Damaged` alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from gateway.anatomy import limits

MAX_HEADER: Final = 8 * 1024 * 1024
"""Octets of the header that lists the members. A thousand names of 255 characters take a sixteenth of it."""
_MAX_CODERS: Final = 8
_MAX_FOLDERS: Final = limits.MAX_PARTS

# Property ids.
_END, HEADER, _MAIN_STREAMS, _FILES = 0x00, 0x01, 0x04, 0x05
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
_EMPTY_STREAM, _NAMES, ENCODED_HEADER = 0x0E, 0x11, 0x17

AES: Final = b"\x06\xf1\x07\x01"
"""The method of encryption: AES-256 under a key that SHA-256 makes of the password."""


class Damaged(Exception):
    """The header makes no sense."""


@dataclass(frozen=True, slots=True)
class Coder:
    method: bytes
    properties: bytes


@dataclass(slots=True)
class Folder:
    """Octets packed together. `order` are the coders by index, the one that gives the files first; empty where they are
    no chain. `sizes` say how much each coder gives."""

    coders: list[Coder]
    order: list[int]
    packed_streams: int
    sizes: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    checks: list[int | None] = field(default_factory=list)
    check: int | None = None

    @property
    def size(self) -> int:
        return self.sizes[self.order[0] if self.order else 0] if self.sizes else 0

    @property
    def is_encrypted(self) -> bool:
        return any(coder.method == AES for coder in self.coders)


@dataclass(slots=True)
class Streams:
    """Where packed octets stand, and how they are packed."""

    position: int = 0
    packed_sizes: list[int] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)


class Reader:
    """The header, octet by octet; running out of it is `Damaged`."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def octet(self) -> int:
        if self._at >= len(self._octets):
            raise Damaged
        self._at += 1
        return self._octets[self._at - 1]

    def take(self, count: int) -> bytes:
        if count > len(self._octets) - self._at:
            raise Damaged
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
            raise Damaged
        return value

    def bits(self, count: int) -> list[bool]:
        octets = self.take((count + 7) // 8)
        return [bool(octets[index // 8] & 0x80 >> index % 8) for index in range(count)]

    def digests(self, count: int) -> list[int | None]:
        """The CRC-32 of each stream, None where it has none."""
        defined = [True] * count if self.octet() else self.bits(count)
        return [int.from_bytes(self.take(4), "little") if each else None for each in defined]


def catalogue(header: bytes) -> tuple[Streams, list[tuple[str, bool]]]:
    """Streams, and each file's name and whether it has octets."""
    reader = Reader(header[1:])
    streams = Streams()
    files: list[tuple[str, bool]] = []
    while kind := reader.octet():
        if kind == _MAIN_STREAMS:
            streams = streams_of(reader)
        elif kind == _FILES:
            files = _names(reader, len(header))
        else:
            raise Damaged
    return streams, files


def _names(reader: Reader, most: int) -> list[tuple[str, bool]]:
    count = reader.count(most)
    names = [""] * count
    empty = [False] * count
    while kind := reader.octet():
        body = Reader(reader.take(reader.count(most)))
        if kind == _EMPTY_STREAM:
            empty = body.bits(count)
        elif kind == _NAMES and body.octet() == 0:
            text = body.rest().decode("utf-16-le", "replace").split("\0")
            names = [*text[:count], *[""] * (count - len(text))]
    return list(zip(names, (not each for each in empty), strict=True))


def streams_of(reader: Reader) -> Streams:
    streams = Streams()
    with_substreams = False
    while kind := reader.octet():
        if kind == _PACK:
            streams.position = reader.number()
            count = reader.count(_MAX_FOLDERS * 4)
            while inner := reader.octet():
                if inner == _SIZE:
                    streams.packed_sizes = [reader.number() for _ in range(count)]
                elif inner == _CRC:
                    reader.digests(count)
                else:
                    raise Damaged
        elif kind == _UNPACK:
            streams.folders = _folders(reader)
        elif kind == _SUBSTREAMS:
            with_substreams = True
            _substreams(reader, streams.folders)
        else:
            raise Damaged
    if not with_substreams:
        for folder in streams.folders:
            folder.files, folder.checks = [folder.size], [folder.check]
    return streams


def _folders(reader: Reader) -> list[Folder]:
    if reader.octet() != _FOLDER:
        raise Damaged
    count = reader.count(_MAX_FOLDERS)
    if reader.octet():
        raise Damaged  # the folders stand elsewhere: no program writes that
    folders = [_folder(reader) for _ in range(count)]
    while kind := reader.octet():
        if kind == _CODERS_SIZE:
            for folder in folders:
                folder.sizes = [reader.number() for _ in folder.coders]
        elif kind == _CRC:
            for folder, check in zip(folders, reader.digests(count), strict=True):
                folder.check = check
        else:
            raise Damaged
    return folders


def _folder(reader: Reader) -> Folder:
    coders: list[Coder] = []
    inputs = outputs = 0
    for _ in range(reader.count(_MAX_CODERS)):
        flags = reader.octet()
        method = reader.take(flags & 0x0F)
        ins, outs = (reader.count(_MAX_CODERS), reader.count(_MAX_CODERS)) if flags & 0x10 else (1, 1)
        coders.append(Coder(method, reader.take(reader.count(MAX_HEADER)) if flags & 0x20 else b""))
        inputs += ins
        outputs += outs
    if not coders or not outputs:
        raise Damaged
    pairs = [(reader.number(), reader.number()) for _ in range(outputs - 1)]
    packed = inputs - len(pairs)
    if packed > 1:
        for _ in range(packed):
            reader.number()
    is_simple = inputs == outputs == len(coders)
    return Folder(coders, _chain(dict(pairs), len(coders)) if is_simple else [], max(packed, 1))


def _chain(sources: dict[int, int], count: int) -> list[int]:
    """The coders from the one whose output nobody takes back to the one that reads the file; empty if no chain."""
    last = next((index for index in range(count) if index not in sources.values()), None)
    order: list[int] = []
    while last is not None and last < count and last not in order:
        order.append(last)
        last = sources.get(last)
    return order if len(order) == count else []


def _substreams(reader: Reader, folders: list[Folder]) -> None:
    counts = [1] * len(folders)
    kind = reader.octet()
    if kind == _NUMBER:
        counts = [reader.count(MAX_HEADER) for _ in folders]
        kind = reader.octet()
    sized = kind == _SIZE
    for folder, count in zip(folders, counts, strict=True):
        sizes = [reader.number() for _ in range(count - 1)] if sized else []
        folder.files = [*sizes, folder.size - sum(sizes)] if count else []
    if sized:
        kind = reader.octet()
    if kind == _CRC:
        unknown = [folder for folder in folders if len(folder.files) != 1 or folder.check is None]
        told = iter(reader.digests(sum(len(folder.files) for folder in unknown)))
        for folder in folders:
            is_known = len(folder.files) == 1 and folder.check is not None
            folder.checks = [folder.check] if is_known else list(islice(told, len(folder.files)))
        kind = reader.octet()
    if kind != _END:
        raise Damaged
