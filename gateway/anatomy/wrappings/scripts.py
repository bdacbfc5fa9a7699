"""What a script would put together: texts that it joins, unescapes and decodes, lists of numbers, files in its own
text. Reads by patterns; runs nothing. A run or a list is read once, so that work grows with the text alone."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import limits, types
from gateway.anatomy.charsets import fits
from gateway.anatomy.findings import Findings, Unscannable
from gateway.anatomy.mime.quads import ALPHABET_AND_BLANKS

# ------------------------------------------------------------------ texts that are cut, escaped or padded

_JOINT: Final = re.compile(rb"[\"'`]\s{0,20}[+&.]\s{0,20}(?:_\s{0,20})?[\"'`]")
_LISTED: Final = re.compile(rb"[\"']\s{0,20},\s{0,20}[\"']")
_UNICODE: Final = re.compile(rb"(?:\\u(?:00[0-9a-f]{2}|\{[0-9a-f]{1,2}\}))+", re.IGNORECASE)
_UNICODE_DIGITS: Final = re.compile(rb"u(?:00|\{)([0-9a-f]{1,2})", re.IGNORECASE)
_CHARACTER: Final = re.compile(rb"(?:\bchrw?\$?\s{0,4}\(|\[char\]\s{0,4}\(?)\s{0,4}((?:0x|&h)?[0-9a-f]{1,3})\)?", re.I)
_REPLACED: Final = re.compile(
    rb"(?:split\(\s{0,4}([\"'])(.{1,8}?)\1\s{0,4}\)\s{0,4}\.\s{0,4}join\(\s{0,4}([\"'])(.{0,8}?)\3"
    rb"|replace\s{0,4}\(?\s{0,4}(?:\w{1,20}\s{0,4},\s{0,4})?(?:/\\?([^/\\]{1,8})/g|([\"'])(.{1,8}?)\6)\s{0,4},\s{0,4}([\"'])(.{0,8}?)\8)",
    re.IGNORECASE,
)
_MAX_REPLACED: Final = 4
"""Texts that one script puts in the place of others, as far as this follows it."""

# ------------------------------------------------------------------ codings

_RUN: Final = re.compile(
    rb"(?<![A-Za-z0-9+/=_\-])={0,2}"
    rb"(?>(?:[A-Za-z0-9+/_\-]{16,}(?:\s{0,4}\r?\n[ \t]{0,20})?)+)[A-Za-z0-9+/_\-]{0,15}={0,2}"
)
_PIECE: Final = re.compile(
    rb"(?:[\"'`]|^[ \t]{0,20}@?echo[ .])([A-Za-z0-9+/_\-]{8,}={0,2})(?=[\"'`]|[ \t]{0,4}>)", re.M
)
_NUMBERS: Final = re.compile(
    rb"(?<![\w.\-])(?>(?:-?(?:(?:0x|&h)[0-9a-f]{1,8}|\d{1,10})(?:[\s,;+()\[\]]|&(?!h)){1,8}+){16,})(?:-?\d{1,10}\b)?",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(rb"-?(?:(?:0x|&h)[0-9a-f]{1,8}|\d{1,10})", re.IGNORECASE)
_ESCAPES: Final = re.compile(rb"(?>(?:(?:%|\\x)[0-9a-fA-F]{2}){24,})|(?>(?:\\[0-3][0-7]{2}){24,})")
_HEREDOC: Final = re.compile(rb"<<-?[ \t]{0,4}[\"'\\]?(\w{1,40})")

_SHORTEST: Final = 48
"""Characters of base64 that may be a file in a script that makes files: a name or an address is shorter."""
_FEWEST: Final = 24
"""Numbers or escapes that may be a file: dates and colours are shorter."""
_LAYERS: Final = 3
"""How often base64 may stand in base64."""
_FROM_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def put_together(script: bytes) -> bytes:
    """A script whose texts stand in one piece: without joints between them, and without escapes."""
    script = _JOINT.sub(b"", script)
    if b"join" in script or b"map" in script:
        script = _LISTED.sub(b"", script)
    if b"\\u" in script:
        script = _UNICODE.sub(_unescaped, script)
    return script


@dataclass(frozen=True, slots=True)
class Made:
    """What a script could make: files that make sense, and whether there was something that does not, as what is
    enciphered does not."""

    files: tuple[bytes, ...] = ()
    riddles: bool = False


def made_by(script: bytes, findings: Findings) -> Made:
    """All that a script, put together, could make a file of; the same octets once."""
    files: dict[bytes, None] = {}
    riddles = False
    for content in filter(None, _decoded_texts(script)):
        if not makes_sense(content):
            riddles = True
            continue
        files[content] = None
        if len(files) > limits.MAX_CARRIED:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            break
    return Made(tuple(files)[: limits.MAX_CARRIED], riddles)


def makes_sense(content: bytes) -> bool:
    """Whether octets are of a kind that we know, or text: anything at all decodes to something."""
    kind = types.true_type(content)
    return fits(content, "utf-8") if kind == types.TEXT else kind != types.UNKNOWN


def from_base64(characters: bytes) -> bytes:
    """Base64 in either alphabet, without regard to blanks and padding; empty where it is none."""
    characters = b"".join(characters.split()).strip(b"=").translate(_FROM_URL_SAFE)
    try:
        return base64.b64decode(
            characters[: len(characters) - (len(characters) % 4 == 1)] + b"=" * (-len(characters) % 4)
        )
    except ValueError:
        return b""


def _unescaped(match: re.Match[bytes]) -> bytes:
    """A few characters as themselves; many, which may be any octets, in the shorter kind of escape."""
    octets = [int(each, 16) for each in _UNICODE_DIGITS.findall(match[0])]
    return bytes(octets) if len(octets) < _FEWEST else b"".join(b"\\x%02x" % octet for octet in octets)


def _decoded_texts(script: bytes) -> Iterator[bytes]:
    yield from _of_numbers(_CHARACTER.sub(rb" \1 ", script))
    for match in _ESCAPES.finditer(script):
        content = _of_escapes(match[0])
        yield content
        if not content.translate(None, ALPHABET_AND_BLANKS):
            yield from _of_run(content, packed=False)
    yield from _of_heredocs(script)
    backwards = b"reverse" in script.lower()
    packed = b"eflate" in script
    written = script
    for old, new in [(b"", b""), *_replaced(script)]:
        written = written.replace(old, new) if old else written
        runs = [match[0] for match in _RUN.finditer(written)]
        pieces = _PIECE.findall(written)
        if len(pieces) > 1:
            runs.append(b"".join(pieces))
        for run in runs:
            if len(run) >= _SHORTEST:
                yield from _of_run(run, packed=packed)
                if backwards:
                    yield from _of_run(run[::-1], packed=packed)


def _replaced(script: bytes) -> list[tuple[bytes, bytes]]:
    """What the script says it puts in the place of what. Nothing may grow by it."""
    found = (
        (match[2] or match[5] or match[7], match[4] or match[9] or b"")
        for match, _ in zip(_REPLACED.finditer(script), range(_MAX_REPLACED), strict=False)
    )
    return [(old, new) for old, new in found if old and len(new) <= len(old)]


def _of_run(run: bytes, *, packed: bool) -> Iterator[bytes]:
    digits = b"".join(run.split()).lstrip(b"-")
    if len(digits) % 2 == 0 and not digits.strip(b"0123456789abcdefABCDEF"):
        yield bytes.fromhex(digits.decode("ascii"))
        return
    content = from_base64(digits)
    for _ in range(_LAYERS):
        if len(content) < _SHORTEST or content.strip().translate(None, ALPHABET_AND_BLANKS):
            break
        content = from_base64(content)
    yield content
    if packed:
        yield _inflated(content)


def _inflated(content: bytes) -> bytes:
    """A stream of raw deflate has no mark: it is tried."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, limits.RATIO_FLOOR)
    except zlib.error:
        return b""


def _of_numbers(script: bytes) -> Iterator[bytes]:
    for match in _NUMBERS.finditer(script):
        written = _NUMBER.findall(match[0])
        if all(len(each) == 8 and not each.strip(b"01") for each in written):
            yield bytes(int(each, 2) for each in written)
            continue
        values = [_value(each) for each in written]
        if max(values) > 0xFF:
            yield struct.pack(f"<{len(values)}L", *(value & 0xFFFFFFFF for value in values))
        elif len(values) >= _FEWEST:
            yield bytes(value & 0xFF for value in values)


def _value(written: bytes) -> int:
    digits = written.lower().replace(b"0x", b"&h")
    sign = -1 if digits.startswith(b"-") else 1
    hexadecimal = digits.partition(b"&h")[2]
    return sign * (int(hexadecimal, 16) if hexadecimal else int(digits.lstrip(b"-")))


def _of_escapes(escapes: bytes) -> bytes:
    if escapes.startswith((b"%", b"\\x")):
        return bytes.fromhex(escapes.translate(None, b"%\\xX").decode("ascii"))
    return bytes(int(each, 8) for each in escapes.split(b"\\")[1:])


def _of_heredocs(script: bytes) -> Iterator[bytes]:
    """Files that a shell script writes out of its own text; in archives of the shell each line has an X in front."""
    position = 0
    for _ in range(limits.MAX_CARRIED):
        begun = _HEREDOC.search(script, position)
        if begun is None:
            return
        start = script.find(b"\n", begun.end()) + 1
        end = script.find(b"\n" + begun[1], start - 1) if start else -1
        position = begun.end() if end == -1 else end
        if end > start:
            text = script[start:end]
            yield text
            lines = text.split(b"\n")
            if all(line.startswith(b"X") for line in lines):
                yield b"\n".join(line[1:] for line in lines)
