"""The small syntax of PDF (ISO 32000-1 section 7.3): strings in either way of writing, and where a stream ends.
Bounded, and never raising."""

from __future__ import annotations

import re
from typing import Final

LENGTH: Final = re.compile(rb"/Length\s{1,20}(\d{1,9})(?:\s{1,20}\d{1,5}\s{1,20}R\b)?")
_END: Final = b"endstream"
_STRING_MARK: Final = re.compile(rb"[()\\]")
_MAX_STRING: Final = 64 * 1024
_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.DOTALL)
_ESCAPES: Final = {
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"b": b"\b",
    b"f": b"\f",
    b"\n": b"",
    b"\r": b"",
    b"\r\n": b"",
}


def literal(text: bytes) -> bytes:
    """The octets of a string between its parentheses."""
    return _ESCAPE.sub(_unescaped, text)


def string_at(text: bytes, at: int) -> bytes:
    """The octets of the string that begins there, in either way of writing."""
    if text[at : at + 1] == b"(":
        return literal(text[at + 1 : literal_end(text, at) - 1])
    digits = b"".join(text[at + 1 : text.find(b">", at, at + _MAX_STRING)].split()).decode("ascii", "replace")
    try:
        return bytes.fromhex(digits + "0" * (len(digits) % 2))
    except ValueError:
        return b""


def literal_end(text: bytes, start: int) -> int:
    """Where the parenthesis closes that opens at `start`; parentheses in it may be in pairs."""
    depth, position = 0, start
    stop = min(len(text), start + _MAX_STRING)
    while (match := _STRING_MARK.search(text, position, stop)) is not None:
        position = match.end()
        if match[0] == b"\\":
            position += 1
        else:
            depth += 1 if match[0] == b"(" else -1
            if not depth:
                return position
    return stop


def stream_end(octets: bytes, start: int, described: bytes) -> int:
    """Where the stream ends that begins at `start`: where its dictionary says, if the mark of the end stands there, for
    a file may have that mark in it; else at the mark."""
    told = LENGTH.search(described)
    if told and octets[start + int(told[1]) : start + int(told[1]) + 16].lstrip().startswith(_END):
        return start + int(told[1])
    end = octets.find(_END, start)
    if end == -1:
        return len(octets)
    # A line end in front of the mark is no part of the stream.
    return end - 2 if octets[end - 2 : end] == b"\r\n" else end - 1 if octets[end - 1 : end] in b"\r\n" else end


def _unescaped(match: re.Match[bytes]) -> bytes:
    what = match[1]
    if not what.strip(b"01234567"):
        return bytes([int(what, 8) & 0xFF])
    return _ESCAPES.get(what, what)
