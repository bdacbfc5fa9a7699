"""Files that stand in text by themselves: in the codings from before MIME, uuencode, yEnc (yEnc draft 1.3) and BinHex 4
(RFC 1741); between the lines of PEM (RFC 7468), which `certutil -decode` takes off whatever is there; and behind MIME
fields that stand in the middle of a text. Tolerant as the programs that open them, and never raising."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import types
from gateway.anatomy.findings import Findings
from gateway.anatomy.mime import quads

_UU_BEGIN: Final = re.compile(
    rb"^begin(?:-base64(?:-encoded)?)?[ \t]{1,8}(?:[0-7]{1,11}(?:[ \t]{1,8}|(?=\r?$)))?([^\r\n]{0,1000})\r?$",
    re.MULTILINE,
)
_UU_LINE: Final = re.compile(rb"\s{1,8}[!-`][ -`]{1,90}\s")
_UU_END: Final = re.compile(rb"^(?:(?:end|====)[ \t]*\r?$|(?=begin[ -]))", re.MULTILINE)
_YENC_BEGIN: Final = re.compile(
    rb"^=ybegin (?:[^\r\n]*?name=([^\r\n]{1,255})|[^\r\n]*)\r?\n(?:=ypart [^\r\n]*\r?\n)?", re.MULTILINE
)
_YENC_END: Final = re.compile(rb"^=y(?:end|begin) ", re.MULTILINE)
_YENC_ESCAPE: Final = re.compile(rb"=(.)", re.DOTALL)
_YENC_SHIFT: Final = bytes((octet - 42) % 256 for octet in range(256))

_BINHEX_MARK: Final = re.compile(rb"his file must be (?<=\(This file must be )")
_BINHEX: Final = re.compile(rb"^[ \t]*:([^:]{1,67108864}):", re.MULTILINE)
_BINHEX_ALPHABET: Final = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64: Final = bytes.maketrans(_BINHEX_ALPHABET, _BASE64_ALPHABET)
_NOT_BINHEX: Final = bytes(set(range(256)) - set(_BINHEX_ALPHABET))
_BINHEX_LENGTH: Final = 11
"""Octets between the name and the length of the data: a NUL, type, creator, flags."""
_BINHEX_DATA: Final = 21
"""Octets between the name and the data: those, two lengths of four octets, a check sum of two."""


_PEM_MARK: Final = re.compile(rb"BEGIN (?<=-----BEGIN )")
_PEM: Final = re.compile(rb"-----BEGIN (?!PGP)[^\r\n-]{0,60}-----[ \t]*\r?\n([A-Za-z0-9+/=\s]{20,})(?=-----END|\Z)")
_DER: Final = b"\x30"
"""How everything begins that stands between such lines honestly (X.690)."""
_ENCODED_MARK: Final = re.compile(rb"ransfer-[Ee]ncoding")
"""Both begin with a letter, by which a pattern is found fastest."""
_ENCODED_FIELD: Final = re.compile(
    rb"^[ \t]{0,8}content-transfer-encoding[ \t]{0,8}:\s{0,8}[\"']?(?:base64|quoted-printable|x-uu|uuencode)",
    re.IGNORECASE | re.MULTILINE,
)
_FIELD_LINE: Final = re.compile(rb"[ \t]|[!-9;-~]{1,80}[ \t]{0,8}:")
_LETTERS: Final = 256
"""Characters that tell whether a text is nothing but letters of a coding."""
_FEWEST_LETTERS: Final = 64
_HEXADECIMAL: Final = b"0123456789abcdefABCDEF"
_HEADER_REACH: Final = 4096
_END_OF_HEADER: Final = re.compile(rb"\n[ \t]{0,8}\r?\n")
_MAX_HEADED: Final = 20
"""Headers in one text that are taken for those of a part."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file that stands in text by itself. `is_damaged` where the coding has a check sum and it is wrong; `is_message`
    where it has a header of its own."""

    name: str
    content: bytes
    is_damaged: bool = False
    is_message: bool = False


def embedded(text: bytes) -> Iterator[Embedded]:
    """The uuencoded files in a text, in order, then those in yEnc, then those in BinHex."""
    if b"begin" in text:
        yield from _uuencoded(text)
        if b"=ybegin " in text:
            yield from _in_yenc(text)
    if mark := _BINHEX_MARK.search(text):
        yield from _in_binhex(text, mark.start())


def embedded_in_plain(text: bytes) -> Iterator[Embedded]:
    """What stands in text that is no markup: files in PEM, parts of messages, a file in the letters of a coding."""
    if _PEM_MARK.search(text):
        yield from _in_pem(text)
    if _ENCODED_MARK.search(text):
        yield from _headed(text)
    yield from _of_letters(text)


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
        is_base64 = begin[0].startswith(b"begin-base64")
        if not is_base64 and _UU_LINE.match(text, begin.end()) is None:
            position = begin.end()  # a sentence that begins so
            continue
        end = _UU_END.search(text, begin.end())
        lines = text[begin.end() : end.start() if end else len(text)]
        position = end.end() if end else len(text)
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
        yield Embedded(_name(begin[1] or b""), unescaped.translate(_YENC_SHIFT))


def _in_binhex(text: bytes, start: int) -> Iterator[Embedded]:
    """RFC 1741 appendix A: six bits a character, then runs, then name, header, data fork and resource fork."""
    for match in _BINHEX.finditer(text, start):
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


def _in_pem(text: bytes) -> Iterator[Embedded]:
    for match in _PEM.finditer(text):
        content = quads.joined(match[1])
        if content and not content.startswith(_DER):
            yield Embedded("", content)


def _of_letters(text: bytes) -> Iterator[Embedded]:
    """A file that is nothing but base64 or hexadecimal digits: `certutil` and others decode either."""
    start = text[:_LETTERS].strip()
    if len(start) < _FEWEST_LETTERS or b" " in start or start.translate(None, quads.ALPHABET_AND_BLANKS):
        return
    if text.translate(None, quads.ALPHABET_AND_BLANKS):
        return
    digits = b"".join(text.split())
    content = quads.joined(digits)
    if not digits.strip(_HEXADECIMAL) and len(digits) % 2 == 0:
        content = binascii.unhexlify(digits)
    if types.true_type(content) != types.UNKNOWN:
        yield Embedded("", content)


def _headed(text: bytes) -> Iterator[Embedded]:
    """Parts with their headers, up to the next delimiter: in bounces, digests and mailboxes, and where delimiters are
    written in ways that no reader of ours takes for any."""
    position = 0
    for _ in range(_MAX_HEADED):
        field = _ENCODED_FIELD.search(text, position)
        body = _END_OF_HEADER.search(text, field.end(), field.end() + _HEADER_REACH) if field else None
        if field is None or body is None:
            return
        end = text.find(b"\n--", body.end() - 1)
        position = end = len(text) if end == -1 else end
        if text[body.end() : end].strip():
            yield Embedded("", text[_header_start(text, field.start()) : end], is_message=True)


def _header_start(text: bytes, position: int) -> int:
    """Where the header begins that has a field at `position`: lines above it that are fields, too."""
    floor = max(0, position - _HEADER_REACH)
    while position > floor:
        above = text.rfind(b"\n", floor, position - 1) + 1 or floor
        if text.startswith(b"--", above) or _FIELD_LINE.match(text, above) is None:
            break
        position = above
    return position


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
