"""Transfer encodings to octets (RFC 2045 section 6), by whatever name they go. Tolerant as clients are, never raising;
what clients disagree about is given back as further readings."""

from __future__ import annotations

import re
from typing import Final

from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.mime import quads, quoted
from gateway.anatomy.mime.embedded import embedded, from_uuencode

_BARE_BASE64: Final = 64
"""Characters of base64 that an undeclared reading wants: a word or a key is none."""
_QUOTED: Final = re.compile(rb"=(?:[0-9A-Fa-f]{2}|\r?\n)")

_IDENTITY: Final = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit"})
_UUENCODE: Final = frozenset({"x-uuencode", "uuencode", "x-uue", "uue", "x-uu"})
_YENC: Final = frozenset({"x-yencode", "x-yenc", "yenc"})
_BINHEX: Final = frozenset({"binhex", "binhex40", "mac-binhex", "mac-binhex40", "x-binhex", "x-binhex40"})
_OLD: Final = _UUENCODE | _YENC | _BINHEX


def decoded(raw: bytes, encoding: str, findings: Findings) -> list[bytes]:
    """The octets behind a transfer encoding, the likeliest reading first; never empty."""
    if encoding in _IDENTITY:
        return [raw, *_undeclared(raw)]
    if encoding == "base64":
        return quads.readings(raw, findings)
    if encoding == "quoted-printable":
        return quoted.readings(raw)
    if encoding in _OLD:
        found = next(embedded(raw), None)
        if found is not None:
            if found.is_damaged:
                findings.missed(Unscannable.ENCODING_UNKNOWN)
            return [found.content]
        if encoding in _UUENCODE and (content := from_uuencode(raw)):
            return [raw, content]  # without its first line it is still opened by some
        findings.missed(Unscannable.ENCODING_UNKNOWN)
    findings.note(Defect.ENCODING_UNKNOWN)
    # An unknown encoding is read as none (RFC 2045 section 6.4 wants octets); some clients guess all the same.
    readings = [raw]
    if not raw.translate(None, quads.ALPHABET_AND_BLANKS) and raw.strip():
        readings += quads.readings(raw, findings)
    if _QUOTED.search(raw):
        readings += quoted.readings(raw)
    return readings


def _undeclared(raw: bytes) -> list[bytes]:
    """The other reading of a body that says it is not encoded and is nothing but base64."""
    if b" " in raw[:200] or len(raw) < _BARE_BASE64 or raw.translate(None, quads.ALPHABET_AND_BLANKS):
        return []
    return [quads.joined(raw)]
