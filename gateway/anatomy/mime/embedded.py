"""Files that stand in text by themselves, in the codings from before MIME: uuencode, yEnc (yEnc draft 1.3) and BinHex 4
(RFC 1741). Tolerant as the programs that open them, and never raising."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy.findings import Findings
from gateway.anatomy.mime import quads

_UU_BEGIN: Final = re.compile(rb"^begin(?:-base64)?[ \t]{1,8}[0-7]{3,7}[ \t]{1,8}([^\r\n]{1,255})\r?$", re.MULTILINE)
_UU_END: Final = re.compile(rb"^(?:end|====)[ \t]*\r?$", re.MULTILINE)
_YENC_BEGIN: Final = re.compile(rb"^=ybegin [^\r\n]*?name=([^\r\n]{1,255})\r?\n(?:=ypart [^\r\n]*\r?\n)?", re.MULTILINE)
_YENC_END: Final = re.compile(rb"^=y(?:end|begin) ", re.MULTILINE)
_YENC_ESCAPE: Final = re.compile(rb"=(.)", re.DOTALL)
_YENC_SHIFT: Final = bytes((octet - 42) % 256 for octet in range(256))

_BINHEX_MARK: Final = b"(This file must be converted with BinHex"
_BINHEX: Final = re.compile(rb"^[ \t]*:([^:]{1,67108864}):", re.MULTILINE)
_BINHEX_ALPHABET: Final = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64: Final = bytes.maketrans(_BINHEX_ALPHABET, _BASE64_ALPHABET)
_NOT_BINHEX: Final = bytes(set(range(256)) - set(_BINHEX_ALPHABET))
_BINHEX_LENGTH: Final = 11
"""Octets between the name and the length of the data: a NUL, type, creator, flags."""
_BINHEX_DATA: Final = 21
"""Octets between the name and the data: those, two lengths of four octets, a check sum of two."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file that stands in text by itself. `is_damaged` where the coding has a check sum and it is wrong."""

    name: str
    content: bytes
    is_damaged: bool = False


def embedded(text: bytes) -> Iterator[Embedded]:
    """The uuencoded files in a text, in order, then those in yEnc, then those in BinHex."""
    if b"begin" in text:
        yield from _uuencoded(text)
        if b"=ybegin " in text:
            yield from _in_yenc(text)
    if _BINHEX_MARK in text:
        yield from _in_binhex(text)


def from_uuencode(lines: bytes) -> bytes:
    """The octets of uuencoded lines without their first one."""
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


def _uuencoded(text: bytes) -> Iterator[Embedded]:
    position = 0
    while begin := _UU_BEGIN.search(text, position):
        end = _UU_END.search(text, begin.end())
        lines = text[begin.end() : end.start() if end else len(text)]
        position = end.end() if end else len(text)
        is_base64 = begin[0].startswith(b"begin-base64")
        content = quads.readings(lines, Findings())[0] if is_base64 else from_uuencode(lines)
        if content:
            yield Embedded(_name(begin[1]), content)


def _in_yenc(text: bytes) -> Iterator[Embedded]:
    position = 0
    while begin := _YENC_BEGIN.search(text, position):
        end = _YENC_END.search(text, begin.end())
        position = end.start() if end else len(text)
        lines = text[begin.end() : position].replace(b"\r", b"").replace(b"\n", b"")
        unescaped = _YENC_ESCAPE.sub(lambda match: bytes([(match[1][0] - 64) % 256]), lines)
        yield Embedded(_name(begin[1]), unescaped.translate(_YENC_SHIFT))


def _in_binhex(text: bytes) -> Iterator[Embedded]:
    """RFC 1741 appendix A: six bits a character, then runs, then name, header, data fork and resource fork."""
    for match in _BINHEX.finditer(text, text.index(_BINHEX_MARK)):
        characters = match[1].translate(_TO_BASE64, _NOT_BINHEX)
        octets = _without_runs(binascii.a2b_base64(characters[: len(characters) // 4 * 4] + _rest(characters)))
        if not octets:
            continue
        head = 1 + octets[0]
        length = int.from_bytes(octets[head + _BINHEX_LENGTH : head + _BINHEX_LENGTH + 4], "big")
        content = octets[head + _BINHEX_DATA : head + _BINHEX_DATA + length]
        after = octets[head + _BINHEX_DATA + length :][:2]
        if content:
            is_damaged = binascii.crc_hqx(content, 0) != int.from_bytes(after, "big")
            yield Embedded(_name(octets[1:head]), content, is_damaged)


def _rest(characters: bytes) -> bytes:
    rest = characters[len(characters) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


def _without_runs(octets: bytes) -> bytes:
    """A 0x90 says how often the octet before it stands; 0x90 0x00 is that octet itself (RFC 1741 appendix A)."""
    written = bytearray()
    position = 0
    while (mark := octets.find(b"\x90", position)) != -1:
        written += octets[position:mark]
        count = octets[mark + 1] if mark + 1 < len(octets) else 0
        if count == 0:
            written.append(0x90)
        elif written:
            written += written[-1:] * (count - 1)
        position = mark + 2
    return bytes(written + octets[position:])


def _name(octets: bytes) -> str:
    return octets.decode("utf-8", "replace").strip()
