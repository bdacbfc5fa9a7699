"""A message: immutable octets as they came over the wire, and where its header ends. Never decodes, never changes an
octet.

Bare CR and bare LF are refused here (RFC 5321 section 2.3.8): if two parties disagree about what ends a line they
disagree about where a message ends, which is how one message becomes two (SMTP smuggling).
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

Octets = bytes | mmap.mmap
"""Small messages are bytes; large ones are a read-only mapping of their spool file, so that nobody holds a copy."""

MAX_HEADER: Final = 256 * 1024
"""Octets that a header may have. Postfix allows 100 KiB a field section; long DKIM, ARC and References chains stay
far below."""

_FIELD_NAME = re.compile(rb"[\x21-\x39\x3b-\x7e]+\Z")
_BARE_CR = re.compile(rb"\r(?!\n)")
_HARMLESS: Final = bytes(octet for octet in range(256) if octet not in b"\r\n\0")
_PIECE: Final = 256 * 1024


class BadMessage(ValueError):
    """The octets cannot be a message for us. `kind` is one of the constants of `Fault`."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Fault:
    """What may be wrong with octets: the closed vocabulary of `BadMessage.kind`."""

    BARE_CR = "bare-cr"
    BARE_LF = "bare-lf"
    NUL = "nul"
    HEADER_TOO_LARGE = "header-too-large"


@dataclass(frozen=True, slots=True)
class HeaderField:
    """One header field as it stands in the message.

    `name` and `value` are octets; `value` begins right after the colon and keeps its folding, without the final CRLF.
    `start` and `end` are offsets into the message; `end` is past the final CRLF.
    """

    name: bytes
    value: bytes
    start: int
    end: int

    @property
    def key(self) -> bytes:
        """The name in lower case, for comparing."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Message:
    """Octets that are known to have CRLF line ends only. `body_offset` is where the body begins (equal to `size` if
    none)."""

    octets: Octets
    body_offset: int
    fields: tuple[HeaderField, ...] = field(repr=False)

    @classmethod
    def from_wire(cls, octets: Octets) -> Message:
        """Check the octets and find the header. Raises `BadMessage`; any octets give a Message or `BadMessage`,
        nothing else."""
        _refuse_bare_line_ends(octets)
        return cls.from_reader(octets)

    @classmethod
    def from_reader(cls, octets: Octets) -> Message:
        """Find the header of octets that a reader of the wire has checked already, as they came: no bare CR, no bare
        LF, no NUL. Raises `BadMessage` where the header is too large."""
        body_offset = _body_offset(octets)
        if body_offset > MAX_HEADER:
            raise BadMessage(Fault.HEADER_TOO_LARGE, "the header is too large")
        return cls(octets, body_offset, tuple(_fields(octets[:body_offset])))

    @property
    def size(self) -> int:
        """Length in octets."""
        return len(self.octets)

    @property
    def header(self) -> bytes:
        """The header's octets, with the empty line that ends it."""
        return self.octets[: self.body_offset]

    @property
    def body(self) -> bytes:
        """The body's octets. A copy: ask for it once."""
        return self.octets[self.body_offset :]

    def values(self, name: bytes) -> list[bytes]:
        """The values of all fields of that name, top to bottom, still folded."""
        key = name.lower()
        return [each.value for each in self.fields if each.key == key]

    def first(self, name: bytes) -> bytes | None:
        """The value of the topmost field of that name, or None."""
        key = name.lower()
        return next((each.value for each in self.fields if each.key == key), None)


def _refuse_bare_line_ends(octets: Octets) -> None:
    """Where every CR, LF and NUL is half of a CRLF, none stands alone. Counted in pieces, so that a mapping is never
    copied whole. The pairs are counted among the octets as they are: what stands between a CR and an LF must count."""
    ends = pairs = 0
    before = b""
    for start in range(0, len(octets), _PIECE):
        piece = octets[start : start + _PIECE]
        ends += len(piece.translate(None, _HARMLESS))
        pairs += piece.count(b"\r\n") + (before == b"\r" and piece[:1] == b"\n")
        before = piece[-1:]
    if pairs * 2 == ends:
        return
    if octets.find(b"\0") >= 0:
        raise BadMessage(Fault.NUL, "NUL received")
    if _BARE_CR.search(octets):
        raise BadMessage(Fault.BARE_CR, "bare CR received")
    raise BadMessage(Fault.BARE_LF, "bare LF received")


def _body_offset(octets: Octets) -> int:
    """Past the first empty line. A message whose first line is empty has no header at all."""
    if octets[:2] == b"\r\n":
        return 2
    end = octets.find(b"\r\n\r\n")
    return len(octets) if end == -1 else end + 4


def _fields(header: bytes) -> Iterator[HeaderField]:
    """Split a header into fields (RFC 5322 section 2.2). A line that is no field and no continuation is passed over: it
    stays in the octets, where anatomy notes it."""
    position = 0
    end_of_header = len(header)
    while position < end_of_header:
        end = header.find(b"\r\n", position)
        end = end_of_header if end == -1 else end + 2
        while end < end_of_header and header[end] in b" \t":
            following = header.find(b"\r\n", end)
            end = end_of_header if following == -1 else following + 2
        raw = header[position:end]
        name, colon, value = raw.partition(b":")
        name = name.rstrip(b" \t")
        if colon and _FIELD_NAME.match(name):
            yield HeaderField(name, value.removesuffix(b"\r\n"), position, end)
        position = end
