"""Header values for people and for DMARC: unfolding, encoded words (RFC 2047), the author addresses of From (RFC 5322
section 3.6.2). Bounded, and total: any octets give text, nothing raises. Never used to change a message.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
from dataclasses import dataclass
from typing import Final

MAX_VALUE: Final = 64 * 1024
MAX_AUTHORS: Final = 16

_FOLD = re.compile(rb"\r\n(?=[ \t])")
_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9!#$%&'+\-^_`{}~.*]+)\?([BbQq])\?([^?\r\n]*)\?=")
# Codecs that are no charset of mail: they would give a meaning to backslashes, or take long.
_PYTHONS_OWN: Final = frozenset(
    {"unicode_escape", "unicode-escape", "raw_unicode_escape", "raw-unicode-escape", "idna", "punycode"}
)
_SIGN_OR_TEXT = re.compile(r'[^\\"()<>,;:]+|.', re.DOTALL)
_QUOTED_OR_BREAK = re.compile(r'"(?:[^"\\]|\\.?)*+(?:"|\Z)|[< ]', re.DOTALL)
_AROUND_SIGNS = re.compile(r" ?([@.]) ?")
_BETWEEN_WORDS = re.compile(r"(=\?[^?\s]+\?[BbQq]\?[^?\s]*\?=)[ \t]+(?==\?[^?\s]+\?[BbQq]\?)")


@dataclass(frozen=True, slots=True)
class Author:
    """One mailbox of a From field: the display name decoded, the address as written, its domain in lower case."""

    name: str
    address: str
    domain: str


def unfold(value: bytes) -> str:
    """The value on one line, octets as UTF-8 where they are and as Latin-1 where they are not."""
    raw = _FOLD.sub(b"", value[:MAX_VALUE])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r", " ").replace("\n", " ").strip()


def decode(value: bytes | None) -> str:
    """Unfold and decode encoded words (RFC 2047 section 5). What cannot be decoded stays as written."""
    if value is None:
        return ""
    text = unfold(value)
    return _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1", text)) if "=?" in text else text


def _decode_word(match: re.Match[str]) -> str:
    charset, encoding, payload = match.groups()
    try:
        if encoding in "Bb":
            octets = base64.b64decode(payload + "=" * (-len(payload) % 4))
        else:
            octets = quopri.decodestring(payload.replace("_", " ").encode("latin-1", "replace"))
        codec = codecs.lookup(charset.split("*")[0]).name
        if codec in _PYTHONS_OWN:
            return match.group(0)
        text = octets.decode(codec, "replace").replace("\r", " ").replace("\n", " ")
        # Some codecs give halves of surrogate pairs, which nobody could write down again.
        return text.encode("utf-8", "replace").decode("utf-8")
    except (LookupError, binascii.Error, ValueError):
        return match.group(0)


def authors(value: bytes | None) -> list[Author]:
    """The mailboxes of a From field, in order.

    Reads what mail clients read: comments, quoted names, groups and encoded words. An encoded word is decoded *after*
    the address was found, so that an address hidden in a display name is never taken for the author's. A field that
    is too long or has more than `MAX_AUTHORS` ends in an author without address and domain: nobody may take the list
    for whole, or a forger would write the name that he forges behind its end.
    """
    if value is None:
        return []
    found: list[Author] = []
    for chunk in _split_mailboxes(unfold(value)):
        name, address = _name_and_address(chunk)
        _, at, domain = address.rpartition("@")
        if not (at and domain):
            continue
        if len(found) == MAX_AUTHORS:
            return [*found, Author("", "", "")]
        found.append(Author(decode(name.encode()), address, domain.removesuffix(".").lower()))
    return [*found, Author("", "", "")] if len(value) > MAX_VALUE else found


def _split_mailboxes(text: str) -> list[str]:
    """Cut a mailbox list at its commas and semicolons, and take group names off, outside quotes, comments and
    brackets."""
    chunks: list[str] = []
    current: list[str] = []
    depth, quoted, bracketed, escaped = 0, False, False, False
    for token in _SIGN_OR_TEXT.findall(text):
        if escaped:
            escaped = False
        elif token == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = token != '"'
        elif token == '"' and not depth:
            quoted = True
        elif token == "(":
            depth += 1
        elif token == ")" and depth:
            depth -= 1
            if not depth:
                continue
        elif not depth and token == "<":
            bracketed = True
        elif not depth and bracketed and token == ">":
            # Where brackets follow each other without a comma, clients differ in which one they show: all are authors.
            bracketed = False
            chunks.append("".join(current))
            current = []
            continue
        elif not depth and not bracketed and token in ",;":
            chunks.append("".join(current))
            current = []
            continue
        elif not depth and not bracketed and token == ":":
            current = []
            continue
        if not depth:
            current.append(token)
    chunks.append("".join(current))
    return [chunk.strip() for chunk in chunks if chunk.strip()]


def _name_and_address(chunk: str) -> tuple[str, str]:
    brackets = _unquoted(chunk, "<")
    if not brackets:
        # No brackets: the address is the last word that looks like one, white space around its @ and dots apart (RFC
        # 5322 section 4.4). What follows it is no part of it, and hides it from nobody.
        words = _AROUND_SIGNS.sub(r"\1", " ".join(chunk.split()))
        ends = [*_unquoted(words, " "), len(words)]
        starts = [0, *(end + 1 for end in ends[:-1])]
        spans = [span for span in zip(starts, ends, strict=True) if "@" in words[slice(*span)]]
        start, end = spans[-1] if spans else (len(words), len(words))
        return words[:start].strip(), words[start:end]
    opening = brackets[-1]
    closing = chunk.find(">", opening)
    address = chunk[opening + 1 : closing if closing != -1 else len(chunk)]
    if address.startswith("@"):  # the obsolete source route of RFC 5322 section 4.4
        address = address.rpartition(":")[2]
    name = chunk[:opening].strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1])
    return name, re.sub(r"\s+", "", address)


def _unquoted(chunk: str, wanted: str) -> list[int]:
    """Where that character, a bracket or a blank, stands outside quotes."""
    return [match.start() for match in _QUOTED_OR_BREAK.finditer(chunk) if match[0] == wanted]
