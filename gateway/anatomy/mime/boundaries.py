"""Where the parts of a multipart begin and end (RFC 2046 section 5.1.1). One pass for one boundary, at the speed of a
byte search; works in place on bytes and on a mapping. Never reads a header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.mail.message import Octets

_MAX_LINE: Final = 1_000
"""Octets of a delimiter line that are looked at; RFC 2046 allows a boundary of 70."""

_DECLARED_SEARCHES: Final = 20
"""How many longer lookalikes of a boundary are looked up; each costs a search of the message."""

_SNIFF: Final = 64 * 1024
"""Octets in which a delimiter is looked for when the type names none."""

_LIKE_DELIMITER: Final = re.compile(rb"--([^\r\n]{1,200})\r?\n(?=content-)", re.IGNORECASE)
_LATER_DELIMITER: Final = re.compile(rb"\n" + _LIKE_DELIMITER.pattern, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Split:
    """One reading of a multipart: the (start, end) of its parts, the end of the preamble, the start of the epilogue,
    and whether a delimiter closes it."""

    parts: tuple[tuple[int, int], ...]
    preamble_end: int
    epilogue_start: int
    is_closed: bool


@dataclass(frozen=True, slots=True)
class _Delimiter:
    start: int
    following: int
    closes: bool


def delimiter_of(boundary: str) -> bytes:
    """How the delimiter lines of a boundary begin (RFC 2046 section 5.1.1)."""
    return b"--" + boundary.rstrip().encode("utf-8", "surrogateescape")


def split(octets: Octets, start: int, end: int, boundary: str, findings: Findings) -> list[Split]:
    """The readings of octets[start:end] under a boundary, the likeliest first; empty if the boundary never comes.

    A line that begins with the boundary and goes on is a delimiter by the letter of RFC 2046, and none to most clients:
    a second reading, unless the longer line is a boundary of its own.
    """
    exact: list[_Delimiter] = []
    longer: list[_Delimiter] = []
    searches = 0
    marker = delimiter_of(boundary)
    position = octets.find(marker, start, end)
    while position != -1:
        after = position + len(marker)
        if position == start or octets[position - 1] in b"\r\n":
            line_end = octets.find(b"\n", after, end)
            following = end if line_end == -1 else line_end + 1
            rest = octets[after : min(following, after + _MAX_LINE)]
            bare = rest.find(b"\r")
            if -1 < bare < len(rest) - 2:  # for readers to whom that alone ends a line
                following = after + bare + 1
                rest = rest[:bare]
            rest = rest.strip()
            if rest in (b"", b"--"):
                exact.append(_Delimiter(position, following, closes=rest == b"--"))
            elif rest.startswith(b"--") and not rest.strip(b"-"):
                exact.append(_Delimiter(position, following, closes=True))
            elif len(longer) < limits.MAX_PARTS and searches < _DECLARED_SEARCHES:
                searches += 1
                if not _is_declared(octets, position, marker[2:] + rest):
                    longer.append(_Delimiter(position, following, closes=rest.startswith(b"--")))
            if len(exact) > limits.MAX_PARTS:
                findings.missed(Unscannable.MIME_PARTS)
                break
            after = following
        position = octets.find(marker, after, end)
    readings = [_cut(octets, start, end, exact, findings)] if exact else []
    if longer:
        findings.note(Defect.MIME_AMBIGUOUS)
        both = sorted([*exact, *longer], key=lambda delimiter: delimiter.start)
        readings.append(_cut(octets, start, end, both, findings))
    return readings


def sniffed(octets: Octets, start: int, end: int) -> str | None:
    """The boundary that a body seems to use: a line of "--" and a word, right before a Content- field."""
    stop = min(end, start + _SNIFF)
    if octets.find(b"-", start, stop) == -1:
        return None  # as in base64, and found out at once
    match = _LIKE_DELIMITER.match(octets, start, stop) or _LATER_DELIMITER.search(octets, start, stop)
    return match[1].rstrip().decode("utf-8", "surrogateescape") if match else None


def _is_declared(octets: Octets, position: int, line: bytes) -> bool:
    """Whether the longer line is a boundary that some header above it declares."""
    first = octets.find(line.removesuffix(b"--") or line)
    return first < position and octets[max(0, first - 2) : first] != b"--"


def _cut(octets: Octets, start: int, end: int, delimiters: list[_Delimiter], findings: Findings) -> Split:
    parts: list[tuple[int, int]] = []
    open_since = -1
    closed_at = -1
    for delimiter in delimiters:
        if open_since != -1:
            parts.append((open_since, max(open_since, _without_line_end(octets, open_since, delimiter.start))))
        elif closed_at != -1:
            findings.note(Defect.MIME_AMBIGUOUS)  # delimiters after the closing one: some readers go on
        if delimiter.closes:
            closed_at = delimiter.following if open_since != -1 or closed_at == -1 else closed_at
            open_since = -1
        else:
            open_since, closed_at = delimiter.following, -1
    if open_since != -1:
        findings.note(Defect.MIME_UNTERMINATED)
        if open_since < end:
            parts.append((open_since, end))
    return Split(
        tuple(parts),
        preamble_end=delimiters[0].start if delimiters else start,
        epilogue_start=end if closed_at == -1 else closed_at,
        is_closed=closed_at != -1,
    )


def _without_line_end(octets: Octets, floor: int, position: int) -> int:
    """The line end before a delimiter belongs to the delimiter."""
    if position > floor and octets[position - 1] in b"\r\n":
        position -= 1
        if position > floor and octets[position] == 0x0A and octets[position - 1] == 0x0D:
            position -= 1
    return position
