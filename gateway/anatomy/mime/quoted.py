"""Quoted-printable (RFC 2045 section 6.7) as readers decode it: where an escape is none, some keep it, others drop the
sign, or the sign and what should have been its digits. Never raises."""

from __future__ import annotations

import binascii
import re
from typing import Final

_BLANK_BEFORE_SOFT_BREAK: Final = re.compile(rb"=[ \t]+(?=\r?\n)")
_SOFT_BREAK: Final = re.compile(rb"=[ \t]*\r?\n")
_BARE_SOFT_BREAK: Final = re.compile(rb"=\r(?!\n)")
_ODD: Final = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?\n|[ \t]*\Z)")
_LOWER: Final = re.compile(rb"=(?=[0-9A-Fa-f]?[a-f])[0-9A-Fa-f]{2}")
_UPPER: Final = re.compile(rb"=(?=[0-9A-Fa-f]?[A-F])[0-9A-Fa-f]{2}")
_INVALID: Final = r"=(?![0-9A-F]{2}|[ \t]*\r?\n|[ \t]*\Z)"
_DROPPED: Final = tuple(
    re.compile(pattern.encode())
    for pattern in (
        _INVALID,  # the sign alone
        _INVALID + r"[^\r\n]",  # and one character, or two
        _INVALID + r"[^\r\n]{2}",
        r"(?<==)=[0-9A-Za-z]",  # an escape in the middle of an escape
    )
)


def readings(raw: bytes) -> list[bytes]:
    """The octets, the likeliest reading first; never empty."""
    usual = _decoded(raw)
    # Digits in lower case are common and forbidden; in both cases they are a way to be read in two ways.
    if _ODD.search(raw) is None and not (_LOWER.search(raw) and _UPPER.search(raw)):
        return [usual]
    # Some join the lines first, and find an escape that a soft break had cut in two.
    lines_joined = _decoded(_SOFT_BREAK.sub(b"", raw))
    return list(dict.fromkeys((usual, lines_joined, *(_decoded(dropped.sub(b"", raw)) for dropped in _DROPPED))))


def _decoded(raw: bytes) -> bytes:
    if b"= " in raw or b"=\t" in raw:
        raw = _BLANK_BEFORE_SOFT_BREAK.sub(b"=", raw)
    if b"=\r" in raw:
        raw = _BARE_SOFT_BREAK.sub(b"=\r\n", raw)
    return binascii.a2b_qp(raw)
