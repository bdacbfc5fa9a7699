"""The canonical forms of DKIM (RFC 6376 section 3.4): what stays the same when mail systems touch a message.

Linear in time and flat in memory for any octets, also for a body of blanks only, where the usual regular expressions
take quadratic time. Expects CRLF line ends, as `Message` guarantees them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.mail.message import Octets

CHUNK: Final = 1024 * 1024


class Form(StrEnum):
    """The two canonicalisation algorithms."""

    SIMPLE = "simple"
    RELAXED = "relaxed"


@dataclass(frozen=True, slots=True)
class BodyHash:
    """The SHA-256 of the first `covered` octets of a canonical body of `length` octets."""

    digest: bytes
    covered: int
    length: int


def header_field(name: bytes, value: bytes, raw: bytes, form: Form) -> bytes:
    """One header field in canonical form, without the CRLF at its end; `raw` is the field as it stands, without it."""
    if form is Form.SIMPLE:
        return raw
    return name.lower() + b":" + _collapsed(value.replace(b"\r\n", b"")).strip(b" ")


def body_chunks(octets: Octets, start: int, form: Form) -> Iterator[bytes]:
    """The canonical body in pieces."""
    relaxed = form is Form.RELAXED
    held = b""  # what may yet turn out to be the end of a line or of the body
    something = False
    for position in range(start, len(octets), CHUNK):
        piece = held + octets[position : position + CHUNK]
        if relaxed:
            piece = _collapsed(piece).replace(b" \r\n", b"\r\n")
            solid = piece.rstrip(b" \r\n")
        else:
            solid = piece.rstrip(b"\r\n")
        held = piece[len(solid) :]
        if solid:
            something = True
            yield solid
    if something or not relaxed:
        yield b"\r\n"


def body_hash(octets: Octets, start: int, form: Form) -> BodyHash:
    """The hash over the whole canonical body."""
    return body_hashes(octets, start, form, limits=(None,))[None]


def body_hashes(
    octets: Octets, start: int, form: Form, *, limits: Collection[int | None]
) -> dict[int | None, BodyHash]:
    """The hash for each limit: over the first octets of the canonical body (l= of RFC 6376 section 3.5), or over all of
    it for None. The body is made canonical once."""
    hashers = [(limit, hashlib.sha256()) for limit in limits]
    length = 0
    for chunk in body_chunks(octets, start, form):
        for limit, hasher in hashers:
            hasher.update(chunk if limit is None else chunk[: max(0, limit - length)])
        length += len(chunk)
    return {
        limit: BodyHash(hasher.digest(), length if limit is None else min(limit, length), length)
        for limit, hasher in hashers
    }


def _collapsed(text: bytes) -> bytes:
    """Runs of white space as one space each. Every pass halves the runs, at a tenth of what an expression costs."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text
