"""Compressed octets to plain ones, never more than is allowed: the one place where something small may become large.

Sources: RFC 1950 to 1952 (zlib, deflate, gzip), bzip2, XZ. All modules are loaded here, at import: inside the jail
nothing can be loaded any more.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.anatomy import limits
from gateway.anatomy.findings import Findings, Unscannable

_LZMA_MEMORY: Final = 64 * 1024 * 1024
"""Octets of dictionary that XZ may ask for; its highest preset needs 65 MB to unpack, hostile streams ask for 4 GB."""

_PIECE: Final = 64 * 1024

_STEP, _TAIL = 1024, 64
"""Octets fed at a time to a damaged stream, and how many at its end are fed one by one."""

_MAX_STREAMS: Final = 100
"""Streams one after the other in one file; each costs a copy of what follows it."""


class _Stream(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out. `consumed` counts packed octets; `damaged` says that the stream broke off or made no sense."""

    content: bytes
    consumed: int
    damaged: bool = False


class OutOfBounds(Exception):
    """The stream holds more than may be unpacked."""

    def __init__(self, reason: Unscannable) -> None:
        super().__init__(reason)
        self.reason = reason


def inflate(packed: bytes, findings: Findings) -> Unpacked:
    """Raw deflate, as in a ZIP member. Raises OutOfBounds."""
    return _one(zlib.decompressobj(-zlib.MAX_WBITS), packed, allowance(len(packed), findings), findings)


def inflated(packed: bytes, findings: Findings) -> Unpacked:
    """A zlib stream, as PDF has them; as much of it as makes sense. Raises OutOfBounds."""
    allowed, reason = allowance(len(packed), findings)
    stream = zlib.decompressobj()
    pieces: list[bytes] = []
    size = 0
    try:
        # In pieces: what stands before the damage is kept, as readers keep it.
        for at in range(0, len(packed), _PIECE):
            piece = stream.decompress(packed[at : at + _PIECE], allowed + 1 - size)
            pieces.append(piece)
            size += len(piece)
            if size > allowed:
                findings.unpacked += allowed
                raise OutOfBounds(reason)
            if stream.eof:
                break
    except zlib.error:
        pass  # `damaged` says so
    findings.unpacked += size
    return Unpacked(b"".join(pieces), len(packed) - len(stream.unused_data), damaged=not stream.eof)


def glimpse(packed: bytes, most: int) -> bytes:
    """The first octets of a zlib stream, for what is only looked at: counts against no bound, and misses nothing."""
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""


def gunzip(packed: bytes, findings: Findings) -> Unpacked:
    """All members of a gzip file. Raises OutOfBounds."""
    return _all(lambda: zlib.decompressobj(16 + zlib.MAX_WBITS), packed, findings)


def bunzip2(packed: bytes, findings: Findings) -> Unpacked:
    """All streams of a bzip2 file. Raises OutOfBounds."""
    return _all(bz2.BZ2Decompressor, packed, findings)


def unxz(packed: bytes, findings: Findings) -> Unpacked:
    """All streams of an XZ or LZMA file. Raises OutOfBounds."""
    return _all(lambda: lzma.LZMADecompressor(memlimit=_LZMA_MEMORY), packed, findings)


def stored(octets: bytes, findings: Findings) -> Unpacked:
    """What is not packed at all counts too: a thousand members may share their octets. Raises OutOfBounds."""
    if findings.unpacked + len(octets) > limits.MAX_UNPACKED:
        raise OutOfBounds(Unscannable.ARCHIVE_SIZE)
    findings.unpacked += len(octets)
    return Unpacked(octets, len(octets))


def unlzma(packed: bytes, chosen: dict[str, int], size: int, findings: Findings) -> Unpacked:
    """A raw LZMA stream of known size, without an end mark. Raises OutOfBounds."""
    allowed, reason = allowance(len(packed), findings)
    if size > allowed:
        raise OutOfBounds(reason)
    # No distance reaches back further than the beginning: what is larger than the content is never used.
    dictionary = max(4096, min(chosen["dict_size"], size))
    try:
        stream = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[{**chosen, "dict_size": dictionary}])
        content = stream.decompress(packed, size) if size else b""
    except (lzma.LZMAError, ValueError, EOFError, MemoryError):
        return Unpacked(b"", 0, damaged=True)
    findings.unpacked += len(content)
    return Unpacked(content, len(packed), damaged=len(content) < size)


def unfiltered(octets: bytes, chosen: dict[str, int]) -> Unpacked:
    """Octets with a filter for machine code or for samples undone. The decoder wants a packed stream behind it: it gets
    one that is stored (LZMA2 chunks without compression), whose end it can see."""
    chunks = [octets[at : at + 65_536] for at in range(0, len(octets), 65_536)]
    marks = [1 if not index else 2 for index in range(len(chunks))]
    framed = b"".join(
        bytes([mark]) + (len(chunk) - 1).to_bytes(2, "big") + chunk for mark, chunk in zip(marks, chunks, strict=True)
    )
    chain = [chosen, {"id": lzma.FILTER_LZMA2, "dict_size": 4096}]
    try:
        content = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain).decompress(framed + b"\0", len(octets) + 1)
    except (lzma.LZMAError, ValueError, EOFError, MemoryError):
        return Unpacked(b"", 0, damaged=True)
    return Unpacked(content, len(octets), damaged=len(content) < len(octets))


def unlzma_member(packed: bytes, findings: Findings) -> Unpacked:
    """LZMA as in a ZIP member (APPNOTE 5.8.8): version, length, properties, stream. Raises OutOfBounds."""
    length = int.from_bytes(packed[2:4], "little")
    properties = packed[4 : 4 + length]
    dictionary = int.from_bytes(properties[1:5], "little")
    if length != 5 or len(properties) < 5 or dictionary > _LZMA_MEMORY:
        return Unpacked(b"", 0, damaged=True)
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    chosen = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": dictionary,
        "lc": lc,
        "lp": lp,
        "pb": pb,
    }
    try:
        stream = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[chosen])
    except (lzma.LZMAError, ValueError):
        return Unpacked(b"", 0, damaged=True)
    return _one(stream, packed[4 + length :], allowance(len(packed), findings), findings)


def allowance(packed: int, findings: Findings) -> tuple[int, Unscannable]:
    """How many octets may come out, and the reason to give if there are more."""
    by_ratio = max(limits.RATIO_FLOOR, packed * limits.MAX_RATIO)
    left = limits.MAX_UNPACKED - findings.unpacked
    if by_ratio <= min(limits.MAX_MEMBER, left):
        return by_ratio, Unscannable.ARCHIVE_RATIO
    return min(limits.MAX_MEMBER, left), Unscannable.ARCHIVE_SIZE


def _one(stream: _Stream, packed: bytes, allowance: tuple[int, Unscannable], findings: Findings) -> Unpacked:
    allowed, reason = allowance
    try:
        content = stream.decompress(packed, allowed + 1)
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError):
        return Unpacked(b"", 0, damaged=True)
    findings.unpacked += min(len(content), allowed)
    if len(content) > allowed:
        raise OutOfBounds(reason)
    return Unpacked(content, len(packed) - len(stream.unused_data), damaged=not stream.eof)


def _salvaged(stream: _Stream, packed: bytes, allowed: int, findings: Findings) -> Unpacked:
    """What a damaged stream gives before it breaks off; a wrong checksum at the end leaves all of it."""
    pieces: list[bytes] = []
    size = 0
    steps = [*range(0, max(0, len(packed) - _TAIL), _STEP), *range(max(0, len(packed) - _TAIL), len(packed))]
    try:
        for at, following in zip(steps, [*steps[1:], len(packed)], strict=False):
            piece = stream.decompress(packed[at:following], max(1, allowed - size))
            pieces.append(piece)
            size += len(piece)
            if size >= allowed:
                break
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError):
        pass  # `damaged` says so
    findings.unpacked += size
    return Unpacked(b"".join(pieces), len(packed), damaged=True)


def _all(start: Callable[[], _Stream], packed: bytes, findings: Findings) -> Unpacked:
    """Streams one after the other; what follows the last one and is none itself does not count."""
    allowed, reason = allowance(len(packed), findings)
    contents: list[bytes] = []
    position = 0
    for _ in range(_MAX_STREAMS):
        unpacked = _one(start(), packed[position:], (allowed, reason), findings)
        if unpacked.damaged and not unpacked.content:
            unpacked = _salvaged(start(), packed[position:], allowed, findings)
        if unpacked.damaged and contents and not unpacked.content:
            break
        contents.append(unpacked.content)
        allowed -= len(unpacked.content)
        position += unpacked.consumed
        position += len(packed) - position - len(packed[position:].lstrip(b"\0"))  # tapes are filled up with zeros
        if unpacked.damaged or position >= len(packed):
            return Unpacked(b"".join(contents), position, unpacked.damaged)
    else:
        findings.missed(Unscannable.ARCHIVE_PARTS)
    return Unpacked(b"".join(contents), position)
