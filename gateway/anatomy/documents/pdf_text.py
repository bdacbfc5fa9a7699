"""The text that people read in a PDF (ISO 32000-1 section 9): strings shown by content streams, through the ToUnicode
maps of their fonts where there are any. Bounded; knows nothing of where on the page the text stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.documents.pdf_syntax import literal

PLACE: Final = "pdf"

_TOKEN: Final = re.compile(
    rb"\((?P<text>(?:[^()\\]|\\.|\((?:[^()\\]|\\.){0,2000}\)){0,8000})\)|<(?P<hex>[0-9A-Fa-f\s]{0,8000})>"
    rb"|/(?P<font>[^\s/<>\[\]()]{1,60})\s{1,20}[-\d.]+\s{1,20}Tf\b|(?P<number>-\d{3,6}(?:\.\d{0,6})?)(?=\s{0,4}[(<\]])"
    rb"|(?P<moved>[-\d.]{1,12}\s{1,20}[-\d.]{1,12}\s{1,20}T[dDm])\b|(?P<newline>\b(?:T\*|ET)(?![A-Za-z])|'(?=\s))",
    re.DOTALL,
)
_WIDE_GAP: Final = -180
"""Thousandths of the size of the font: what moves as far is a blank."""

_FONTS: Final = re.compile(rb"/([^\s/<>\[\]()]{1,60})\s{1,20}(\d{1,7})\s{1,20}\d{1,5}\s{1,20}R")
_RESOURCES: Final = re.compile(rb"/Font\s{0,20}<<([^<>]{1,8000})>>")
_TO_UNICODE: Final = re.compile(rb"/ToUnicode\s{1,20}(\d{1,7})\s{1,20}\d{1,5}\s{1,20}R")
_PAIR: Final = re.compile(rb"<([0-9A-Fa-f]{2,8})>\s{0,20}<([0-9A-Fa-f\s]{2,80})>")
_RANGE: Final = re.compile(
    rb"<([0-9A-Fa-f]{2,8})>\s{0,20}<([0-9A-Fa-f]{2,8})>\s{0,20}(?:<([0-9A-Fa-f]{2,8})>|\[([^\]]{0,2000})\])"
)
_WIDTH: Final = re.compile(rb"begincodespacerange\s{0,20}<([0-9A-Fa-f]{2,8})>")
_MAX_CODES: Final = 20_000
_MAX_MAP: Final = 48 * 1024
"""Octets of one map that are read; maps of thousands of characters take as much."""
_MAX_MAPS: Final = 16

_SHOWN: Final = bytes({9, 10, 13, *range(30, 256)} - {127})

Codes = tuple[int, dict[int, str]]
"""Octets of a code, and the text that each stands for."""


class Fonts:
    """Which map belongs to which name of a font, gathered object by object."""

    def __init__(self) -> None:
        self._object_by_name: dict[bytes, int] = {}
        self._map_by_object: dict[int, int] = {}
        self._maps: dict[int, Codes] = {}

    def take(self, number: int, described: bytes) -> None:
        """The dictionary of an object: a font, or resources that name fonts."""
        if b"/ToUnicode" in described and (found := _TO_UNICODE.search(described)):
            self._map_by_object[number] = int(found[1])
        if b"/Font" in described:
            for resources in _RESOURCES.findall(described):
                for name, font in _FONTS.findall(resources):
                    self._object_by_name.setdefault(name, int(font))

    def take_map(self, number: int, content: bytes) -> None:
        """A stream that maps codes to characters (Adobe Technical Note 5411)."""
        if len(self._maps) < _MAX_MAPS:
            self._maps[number] = _codes(content)

    def codes(self, name: bytes) -> Codes | None:
        """The map of the font that a page calls so."""
        return self._maps.get(self._map_by_object.get(self._object_by_name.get(name, -1), -1))


def shown_by(content: bytes, fonts: Fonts) -> str:
    """The text that one content stream shows."""
    return "".join(_pieces(content[: limits.MAX_DOCUMENT_OCTETS], fonts))


def _pieces(content: bytes, fonts: Fonts) -> Iterator[str]:
    codes: Codes | None = None
    line = b""
    for count, match in enumerate(_TOKEN.finditer(content)):
        if count > limits.MAX_PDF_TOKENS:
            return
        kind = match.lastgroup
        if kind == "text":
            yield _characters(literal(match[0][1:-1]), codes)
        elif kind == "hex":
            digits = b"".join(match["hex"].split()).decode("ascii")
            yield _characters(bytes.fromhex(digits + "0" * (len(digits) % 2)), codes)
        elif kind == "font":
            codes = fonts.codes(match["font"])
        elif kind == "newline":
            yield "\n"
        elif kind == "moved":
            # Up or down is another line; aside, it is the same one: some programs place every letter.
            height = match["moved"].split()[1]
            if height.strip(b"-0.") and height != line:
                yield "\n"
            line = height
        elif float(match["number"]) < _WIDE_GAP:
            yield " "


def _characters(octets: bytes, codes: Codes | None) -> str:
    if codes is None:
        if octets.startswith(b"\xfe\xff"):
            return octets[2:].decode("utf-16-be", "replace")
        # Numbers of glyphs look like control characters: without a map nobody can tell what they show.
        return "" if octets.translate(None, _SHOWN) else octets.decode("cp1252", "replace")
    width, known = codes
    numbers = (int.from_bytes(octets[at : at + width], "big") for at in range(0, len(octets), width))
    return "".join(known.get(number, "") for number in numbers)


def _codes(content: bytes) -> Codes:
    known: dict[int, str] = {}
    width = _WIDTH.search(content)
    for section in content[:_MAX_MAP].split(b"beginbf")[1:]:
        body = section.partition(b"endbf")[0]
        if section.startswith(b"char"):
            known.update((int(code, 16), _text(meant)) for code, meant in _PAIR.findall(body))
            continue
        for first, last, meant, listed in _RANGE.findall(body):
            start = int(first, 16)
            count = min(int(last, 16) - start + 1, _MAX_CODES - len(known))
            if listed:
                texts = re.findall(rb"<([0-9A-Fa-f\s]{2,80})>", listed)[: max(0, count)]
                known.update((start + index, _text(each)) for index, each in enumerate(texts))
            else:
                base = int(meant, 16)
                known.update((start + index, _character(base + index)) for index in range(count))
    return len(width[1]) // 2 if width else 1, known


def _character(number: int) -> str:
    return chr(number) if number < 0xD800 or 0xE000 <= number < 0x110000 else ""


def _text(digits: bytes) -> str:
    packed = b"".join(digits.split()).decode("ascii")
    return bytes.fromhex(packed + "0" * (len(packed) % 2)).decode("utf-16-be", "replace")
