"""Compound files (MS-CFB): the streams of old Office documents, Outlook messages and VBA projects, by path. Every chain
is followed at most as far as the file is large, every entry visited once. Never raises."""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.findings import Defect, Findings, Unscannable

_HEAD: Final = struct.Struct("<8s16xHHHHH6xLLLLLLLLLL")
_ENTRY: Final = struct.Struct("<64sHBBLLL16xL8x8xLQ")
_LAST: Final = 0xFFFFFFFA
"""Sector numbers above this one mean something else than a sector."""
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_NOTHING: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream: the storages that it stands in, with its name last."""

    path: tuple[str, ...]
    content: bytes

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path[-1]


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: int
    left: int
    right: int
    child: int
    start: int
    size: int


def streams(octets: bytes, findings: Findings) -> Iterator[Stream]:
    """All streams, storage by storage; those that no storage lists come last, under their bare name."""
    try:
        yield from _File(octets).streams(findings)
    except (struct.error, ValueError, IndexError):
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)


class _File:
    """The tables of one file. Raises struct.error, ValueError or IndexError where they make no sense."""

    def __init__(self, octets: bytes) -> None:
        fields = _HEAD.unpack_from(octets)
        shift, mini_shift = fields[4], fields[5]
        if shift not in (9, 12) or mini_shift != 6:
            raise ValueError
        self._octets = octets
        self._sector = 1 << shift
        self._most = len(octets) // self._sector + 1
        directory, self._cutoff, mini_table, difat = fields[8], fields[10], fields[11], fields[13]
        self._table = self._allocation(fields[7], difat)
        self._mini_table = _numbers(self._chain(mini_table))
        self._entries = self._directory(self._chain(directory))
        root = self._entries[0]
        self._mini = self._chain(root.start)[: root.size] if root.kind == _ROOT else b""

    def streams(self, findings: Findings) -> Iterator[Stream]:
        seen = {0}
        pending: list[tuple[int, tuple[str, ...]]] = [(self._entries[0].child, ())]
        left_over = iter(range(1, len(self._entries)))
        room = 2 * len(self._octets)
        while True:
            if not pending:
                rest = next((each for each in left_over if each not in seen), None)
                if rest is None:
                    return
                pending.append((rest, ()))
            index, path = pending.pop()
            if index >= len(self._entries) or index in seen:
                continue
            seen.add(index)
            entry = self._entries[index]
            pending += [(entry.right, path), (entry.left, path)]
            if entry.kind == _STORAGE:
                pending.append((entry.child, (*path, entry.name)))
            elif entry.kind == _STREAM:
                content = self._content(entry)
                room -= len(content)
                if room < 0:  # streams that share their sectors
                    findings.missed(Unscannable.ARCHIVE_RATIO)
                    return
                yield Stream((*path, entry.name), content)

    def _at(self, number: int) -> bytes:
        start = (number + 1) * self._sector
        return self._octets[start : start + self._sector]

    def _allocation(self, count: int, difat: int) -> array[int]:
        """The table of which sector follows which: its own sectors are listed in the head, and on from there."""
        listed = list(struct.unpack_from("<109L", self._octets, 76))
        for _ in range(self._most):
            if difat >= _LAST or len(listed) >= count:
                break
            more = _numbers(self._at(difat))
            listed += more[:-1]
            difat = more[-1]
        own = [number for number in listed[: min(count, self._most)] if number < _LAST]
        return _numbers(b"".join(self._at(number) for number in own))

    def _chain(self, first: int) -> bytes:
        pieces: list[bytes] = []
        number = first
        while number < _LAST and len(pieces) < self._most:
            pieces.append(self._at(number))
            if number >= len(self._table):
                break
            number = self._table[number]
        return b"".join(pieces)

    def _directory(self, octets: bytes) -> list[_Entry]:
        entries = []
        for at in range(0, min(len(octets), limits.MAX_STREAMS * _ENTRY.size) - _ENTRY.size + 1, _ENTRY.size):
            raw, length, kind, _, left, right, child, _, start, size = _ENTRY.unpack_from(octets, at)
            name = raw[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            entries.append(_Entry(name, kind, left, right, child, start, size & 0xFFFFFFFF))
        return entries

    def _content(self, entry: _Entry) -> bytes:
        if entry.size >= self._cutoff:
            return self._chain(entry.start)[: entry.size]
        pieces: list[bytes] = []
        number = entry.start
        while number < _LAST and len(pieces) * 64 < entry.size:
            pieces.append(self._mini[number * 64 : number * 64 + 64])
            if number >= len(self._mini_table):
                break
            number = self._mini_table[number]
        return b"".join(pieces)[: entry.size]


def _numbers(octets: bytes) -> array[int]:
    numbers = array("I", octets[: len(octets) // 4 * 4])
    if struct.pack("=H", 1) != b"\x01\x00":
        numbers.byteswap()
    return numbers
