"""Transfer encodings to octets: base64 and quoted-printable (RFC 2045 section 6.7 and 6.8), and the older uuencode and
yEnc that clients still open. Tolerant as clients are, never raising; what clients disagree about is given back as a
second reading."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy.findings import Defect, Findings, Unscannable

_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BASE64_AND_BLANKS: Final = _BASE64 + b"= \t\r\n"
_NOT_BASE64: Final = bytes(set(range(256)) - set(_BASE64))
_NOT_BASE64_OR_PADDING: Final = bytes(set(_NOT_BASE64) - {ord("=")})
_BASE64_LINE: Final = re.compile(rb"^[ \t]*[A-Za-z0-9+/]+={0,3}[ \t]*\r?$", re.MULTILINE)
_BARE_BASE64: Final = 64
"""Characters of base64 that an undeclared reading wants: a word or a key is none."""
_BLANK_BEFORE_SOFT_BREAK: Final = re.compile(rb"=[ \t]+(?=\r?\n)")
_BARE_SOFT_BREAK: Final = re.compile(rb"=\r(?!\n)")
_NOT_QUOTED: Final = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*\r?(?:\n|\Z)|\r)")
_EMPTY_LINE: Final = re.compile(rb"\n[ \t]*\r?\n")
_QUOTED: Final = re.compile(rb"=(?:[0-9A-Fa-f]{2}|\r?\n)")

_IDENTITY: Final = frozenset({"", "7bit", "8bit", "binary", "7-bit", "8-bit"})
_UUENCODE: Final = frozenset({"x-uuencode", "uuencode", "x-uue", "uue", "x-uu"})
_YENC: Final = frozenset({"x-yencode", "x-yenc", "yenc"})

_UU_BEGIN: Final = re.compile(rb"^begin(?:-base64)?[ \t]{1,8}[0-7]{3,7}[ \t]{1,8}([^\r\n]{1,255})\r?$", re.MULTILINE)
_UU_END: Final = re.compile(rb"^(?:end|====)[ \t]*\r?$", re.MULTILINE)
_YENC_BEGIN: Final = re.compile(rb"^=ybegin [^\r\n]*?name=([^\r\n]{1,255})\r?\n(?:=ypart [^\r\n]*\r?\n)?", re.MULTILINE)
_YENC_END: Final = re.compile(rb"^=y(?:end|begin) ", re.MULTILINE)
_YENC_ESCAPE: Final = re.compile(rb"=(.)", re.DOTALL)
_YENC_SHIFT: Final = bytes((octet - 42) % 256 for octet in range(256))


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file that stands in text by itself, uuencoded or yEncoded."""

    name: str
    content: bytes


def decoded(raw: bytes, encoding: str, findings: Findings) -> list[bytes]:
    """The octets behind a transfer encoding, the likeliest reading first; never empty."""
    if encoding in _IDENTITY:
        return [raw, *_undeclared(raw)]
    if encoding == "base64":
        return _from_base64(raw, findings)
    if encoding == "quoted-printable":
        if _NOT_QUOTED.search(raw):
            findings.note(Defect.ENCODING_GARBAGE)
        return [_from_quoted_printable(raw)]
    if encoding in _UUENCODE or encoding in _YENC:
        found = next(embedded(raw), None)
        if found is not None:
            return [found.content]
        if encoding in _UUENCODE and (content := _from_uuencode(raw)):
            return [raw, content]  # without its first line it is still opened by some
    findings.note(Defect.ENCODING_UNKNOWN)
    if encoding in _UUENCODE or encoding in _YENC:
        findings.missed(Unscannable.ENCODING_UNKNOWN)
    # An unknown encoding is read as none (RFC 2045 section 6.4 wants octets); some clients guess all the same.
    readings = [raw]
    if not raw.translate(None, _BASE64_AND_BLANKS) and raw.strip():
        readings += _from_base64(raw, findings)
    if _QUOTED.search(raw):
        readings.append(_from_quoted_printable(raw))
    return readings


def _undeclared(raw: bytes) -> list[bytes]:
    """The other reading of a body that says it is not encoded and is nothing but base64."""
    if b" " in raw[:200] or len(raw) < _BARE_BASE64 or raw.translate(None, _BASE64_AND_BLANKS):
        return []
    return [_quads(raw.translate(None, _NOT_BASE64))]


def embedded(text: bytes) -> Iterator[Embedded]:
    """The uuencoded files in a text, in order, then the yEncoded ones."""
    if b"begin" in text:
        position = 0
        while begin := _UU_BEGIN.search(text, position):
            end = _UU_END.search(text, begin.end())
            lines = text[begin.end() : end.start() if end else len(text)]
            position = end.end() if end else len(text)
            if begin[0].startswith(b"begin-base64"):
                content = _from_base64(lines, Findings())[0]
            else:
                content = _from_uuencode(lines)
            if content:
                yield Embedded(begin[1].decode("utf-8", "replace").strip(), content)
    if b"=ybegin " in text:
        position = 0
        while begin := _YENC_BEGIN.search(text, position):
            end = _YENC_END.search(text, begin.end())
            position = end.start() if end else len(text)
            lines = text[begin.end() : position]
            yield Embedded(begin[1].decode("utf-8", "replace").strip(), _from_yenc(lines))


def _from_base64(raw: bytes, findings: Findings) -> list[bytes]:
    if not raw.translate(None, _BASE64_AND_BLANKS):
        return [*_quanta(raw, findings), *_by_lines(raw)]
    # Some skip single characters that do not belong, others whole lines, and some give up and show what stands there.
    findings.note(Defect.ENCODING_GARBAGE)
    lines = b"".join(_BASE64_LINE.findall(raw))
    readings = [*_quanta(raw, findings), *(_quanta(lines, findings) if lines else ()), raw]
    return list(dict.fromkeys(readings))


def _by_lines(raw: bytes) -> list[bytes]:
    """Readings of those who take each line, or each paragraph, for itself: lines of odd length, empty lines between."""
    stripped = raw.strip()
    first, _, rest = stripped.partition(b"\n")
    readings: list[bytes] = []
    if rest and len(first.strip()) % 4:
        lines = (line.translate(None, _NOT_BASE64_OR_PADDING) for line in stripped.splitlines())
        readings.append(_quads(b"".join(line[: len(line) // 4 * 4] for line in lines).replace(b"=", b"")))
    if _EMPTY_LINE.search(stripped):
        paragraphs = (each.translate(None, _NOT_BASE64) for each in _EMPTY_LINE.split(stripped))
        readings.append(_quads(max(paragraphs, key=len)))
    return readings


def _quanta(raw: bytes, findings: Findings) -> list[bytes]:
    padding = raw.find(b"=")
    if padding == -1 or not raw[padding:].translate(None, _NOT_BASE64):
        return [_quads(raw.translate(None, _NOT_BASE64))]
    # More characters after the padding: some readers stop there, others go on with the next quantum, others drop it.
    findings.note(Defect.ENCODING_PADDING)
    chunks = raw.translate(None, _NOT_BASE64_OR_PADDING).split(b"=")
    every_quantum = b"".join(_quads(chunk) for chunk in chunks)
    readings = [every_quantum, _quads(b"".join(chunks)), _quads(chunks[0])]
    return list(dict.fromkeys(readings))


def _quads(characters: bytes) -> bytes:
    """Base64 characters, with nothing else among them, to octets; a last incomplete quantum gives what it holds."""
    rest = len(characters) % 4
    if rest == 1:
        characters = characters[:-1]
    elif rest:
        characters += b"=" * (4 - rest)
    return binascii.a2b_base64(characters)


def _from_quoted_printable(raw: bytes) -> bytes:
    if b"= " in raw or b"=\t" in raw:
        raw = _BLANK_BEFORE_SOFT_BREAK.sub(b"=", raw)
    if b"=\r" in raw:
        raw = _BARE_SOFT_BREAK.sub(b"=\r\n", raw)
    return binascii.a2b_qp(raw)


def _from_uuencode(lines: bytes) -> bytes:
    octets: list[bytes] = []
    for line in lines.splitlines():
        if not line.strip():
            continue
        try:
            octets.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Broken encoders write a wrong length; the workaround of Python's own uu module.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                octets.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                continue
    return b"".join(octets)


def _from_yenc(lines: bytes) -> bytes:
    joined_lines = lines.replace(b"\r", b"").replace(b"\n", b"")
    unescaped = _YENC_ESCAPE.sub(lambda match: bytes([(match[1][0] - 64) % 256]), joined_lines)
    return unescaped.translate(_YENC_SHIFT)
