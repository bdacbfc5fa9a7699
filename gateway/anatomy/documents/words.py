"""The text that people read in Office documents: runs of Word, cells of Excel, slides of PowerPoint, OpenDocument, the
old binary formats and rich text. By patterns and bounded; lays nothing out, and sees no picture."""

from __future__ import annotations

import html
import re
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.charsets import decode_as
from gateway.anatomy.findings import Findings

PLACE: Final = "office"

_RUN: Final = re.compile(
    rb"<(?:w:|a:)?t(?:\s[^<>]{0,200})?>([^<]{0,20000})|<(?:w:tab|w:br|w:cr)\b|</(?:w:p|a:p|si|row)>"
)
_TAG: Final = re.compile(rb"<[^<>]{0,4000}>")
_NARROW: Final = re.compile(rb"[\t\r\n\x20-\x7e\xa0-\xff]{12,}")
_WIDE: Final = re.compile(rb"(?:[\t\r\n\x20-\x7e]\0|[\x00-\xff][\x01-\x06]){8,}")
_MOSTLY_LETTERS: Final = 0.6

_RICH: Final = re.compile(
    rb"\\u(-?\d{1,6}) ?\??|\\'([0-9a-fA-F]{2})|\\([a-z]{1,32})(-?\d{1,10})? ?|\\(.)|([{}])|([^\\{}\r\n]+)", re.DOTALL
)
_UNSEEN: Final = frozenset(
    {b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"objdata", b"themedata", b"datastore", b"listtable"}
)
_BREAKS: Final = frozenset({b"par", b"line", b"tab", b"cell", b"row", b"sect", b"page"})


def of_markup(markup: bytes, findings: Findings) -> None:
    """Word's runs, Excel's shared strings, PowerPoint's slides."""
    pieces = [match[1] if match[1] is not None else b"\n" for match in _RUN.finditer(markup)]
    findings.read(html.unescape(b"".join(pieces).decode("utf-8", "replace")), PLACE)


def of_open_document(markup: bytes, findings: Findings) -> None:
    """The content of an OpenDocument file."""
    findings.read(html.unescape(_TAG.sub(b" ", markup).decode("utf-8", "replace")), PLACE)


def of_stream(octets: bytes, findings: Findings) -> None:
    """What looks like text in a stream of an old document, narrow and wide."""
    octets = octets[: limits.MAX_DOCUMENT_OCTETS]
    found = [match[0].decode("cp1252", "replace") for match in _NARROW.finditer(octets)]
    found += [match[0].decode("utf-16-le", "replace") for match in _WIDE.finditer(octets)]
    findings.read("\n".join(each for each in found if _is_text(each)), PLACE)


def _is_text(run: str) -> bool:
    return sum(map(str.isalpha, run)) + run.count(" ") >= len(run) * _MOSTLY_LETTERS


def of_rich_text(octets: bytes, findings: Findings) -> None:
    """Rich text without its control words; groups that hold no text are passed over."""
    pieces: list[str] = []
    depth = room = 0
    hidden: int | None = None
    for match in _RICH.finditer(octets, 0, limits.MAX_DOCUMENT_OCTETS):
        if room > limits.MAX_DOCUMENT_TEXT:
            break
        code, octet, word, _, sign, brace, plain = match.groups()
        if brace:
            depth += 1 if brace == b"{" else -1
            hidden = None if hidden is not None and depth < hidden else hidden
        elif hidden is None and (word in _UNSEEN or sign == b"*"):
            hidden = depth
        elif hidden is not None:
            continue
        elif word in _BREAKS:
            pieces.append("\n")
        elif code is not None:
            pieces.append(chr(int(code) % 0x10000))
        elif octet is not None:
            pieces.append(decode_as(bytes.fromhex(octet.decode("ascii")), "windows-1252"))
        elif plain is not None:
            pieces.append(plain.decode("latin-1"))
        elif sign is not None and sign in b"\\{}":
            pieces.append(sign.decode("latin-1"))
        room += 1
    text = "".join(pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    findings.read(text, PLACE)
