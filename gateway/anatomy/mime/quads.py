"""Base64 (RFC 2045 section 6.8) as readers decode it. By the letter there is one reading; where characters stand that
do not belong, padding stands in the middle, or lines end inside of a quantum, readers part ways, and each way is taken.
Never raises. The one door to pybase64: most octets of mail are attachments, and come through here."""

from __future__ import annotations

import binascii
import re
from typing import Final

import pybase64

from gateway.anatomy.findings import Defect, Findings, Unscannable

_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
ALPHABET_AND_BLANKS: Final = _ALPHABET + b"= \t\r\n"
_FOREIGN: Final = bytes(set(range(256)) - set(_ALPHABET))
_FOREIGN_OR_BLANK: Final = bytes(set(_FOREIGN) - {ord("=")})
_WHOLE_LINE: Final = re.compile(rb"^[ \t]*[A-Za-z0-9+/]+={0,3}[ \t]*\r?$", re.MULTILINE)
_FROM_FOREIGN_ON: Final = re.compile(rb"[^A-Za-z0-9+/=\s][^\n]*")
_MAX_PADDED: Final = 1024 * 1024
"""Characters of a text with padding all over it that are taken quantum by quantum, which is slow."""


def readings(raw: bytes, findings: Findings) -> list[bytes]:
    """The octets, the likeliest reading first; never empty."""
    plain = _by_the_letter(raw)
    if plain is not None:
        return [plain]
    if not raw.translate(None, ALPHABET_AND_BLANKS):
        return list(dict.fromkeys((*_with_padding(raw, findings), *_line_by_line(raw))))
    # Some skip single characters that do not belong, others whole lines, others what follows in the line, and some give
    # up and show what stands there.
    findings.note(Defect.ENCODING_GARBAGE)
    whole_lines = b"\n".join(_WHOLE_LINE.findall(raw))
    begun_lines = _FROM_FOREIGN_ON.sub(b"", raw)
    found = [*_with_padding(raw, findings)]
    for lines in (whole_lines, begun_lines):
        if lines.strip():
            found += (*_with_padding(lines, findings), *_line_by_line(lines))
    return list(dict.fromkeys((*found, raw)))


def _by_the_letter(raw: bytes) -> bytes | None:
    """The octets of whole quanta in every line, with nothing odd among them, as nearly all are; None of others."""
    lines = raw.split()
    if any(length & 3 for length in set(map(len, lines))) or b"\v" in raw or b"\f" in raw:
        return None
    try:
        return pybase64.b64decode(b"".join(lines), validate=True)
    except binascii.Error:
        return None


def joined(raw: bytes) -> bytes:
    """The one reading of characters among which nothing is odd."""
    return _octets(raw.translate(None, _FOREIGN))


def _with_padding(raw: bytes, findings: Findings) -> list[bytes]:
    padding = raw.find(b"=")
    if padding == -1 or not raw[padding:].translate(None, _FOREIGN):
        return [joined(raw)]
    # More characters after the padding: some readers stop there, others go on with the next quantum, others drop it,
    # or count it among the four of a quantum, or take it for the digit 0.
    findings.note(Defect.ENCODING_PADDING)
    characters = raw.translate(None, _FOREIGN_OR_BLANK)
    chunks = characters.split(b"=")
    found = [b"".join(map(_octets, chunks)), _octets(b"".join(chunks)), _octets(chunks[0])]
    found.append(_octets(characters.replace(b"=", b"A")))
    if len(characters) > _MAX_PADDED:
        findings.missed(Unscannable.ENCODING_UNKNOWN)
    else:
        fours = (characters[at : at + 4].replace(b"=", b"") for at in range(0, len(characters), 4))
        found.append(b"".join(map(_octets, fours)))
    return found


def _line_by_line(raw: bytes) -> list[bytes]:
    """The reading of those who decode each line by itself and drop what is left over at its end."""
    lines = raw.split()
    if not any(length & 3 for length in set(map(len, lines[:-1]))):
        return []
    whole = b"".join(line[: len(line) & ~3] for line in lines)
    return [joined(whole)] if whole else []


def _octets(characters: bytes) -> bytes:
    """Characters of the alphabet alone to octets; a last incomplete quantum gives what it holds."""
    rest = len(characters) % 4
    if rest == 1:
        characters = characters[:-1]
    elif rest:
        characters += b"=" * (4 - rest)
    return binascii.a2b_base64(characters)
