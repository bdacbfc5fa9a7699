"""Files that other things carry: data: URIs and base64 in pages and pictures that a script would make a file of (HTML
smuggling), base64 in invitations (RFC 5545 section 3.8.1.1), octets in OneNote sections (MS-ONESTORE 2.6.13)."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.anatomy import limits, types
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member
from gateway.anatomy.mime.quads import ALPHABET_AND_BLANKS

_SCRIPTED: Final = tuple(map(re.compile, (rb"<script", rb"javascript:", rb"on(?:load|error|click|mouse|focus)")))
_DECODES: Final = re.compile(
    rb"\batob\b|fromCharCode|charCodeAt|Uint8Array|unescape\s*\(|decodeURIComponent|fromBase64|ArrayBuffer|parseInt\s*\("
)
_MAKES_A_FILE: Final = re.compile(
    rb"msSaveOrOpenBlob|msSaveBlob|createObjectURL|new\s+Blob\b|new\s+File\b|\.download\s*=|setAttribute\s*\(\s*[\"']download"
    rb"|\[\s*[\"']download|data:application/|\bsaveAs\s*\("
)
_WRITES_A_PAGE: Final = re.compile(
    rb"document\.write|\.innerHTML\s*=|\.srcdoc\b|\beval\s*\(|insertAdjacentHTML|location\s*[.=]"
)
# Each begins where a run begins, so that a run that is too short costs its length and no more.
_BASE64: Final = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{%d,}={0,2}" % limits.MIN_CARRIED)
_NUMBERS: Final = re.compile(rb"[\[(=]\s{0,20}(?>(?:0x[0-9a-f]{1,2}|\d{1,3}),\s{0,4}){200}", re.IGNORECASE)
_HEX: Final = re.compile(rb"(?<![0-9a-fA-F])(?>[0-9a-fA-F]{2}){400,}+|[\"'(](?>(?:%|\\x)[0-9a-fA-F]{2}){200,}+")
_JOINED: Final = re.compile(rb"[\"']\s{0,20}\+\s{0,20}[\"']")
_CARRIED: Final = re.compile(
    rb"(?P<numbers>[\[(](?>\s{0,20}(?:0x[0-9a-f]{1,2}|\d{1,3})\s{0,4},?){24,})"
    rb"|(?P<escapes>(?>(?:%|\\x)[0-9a-f]{2}){24,})"
    rb"|[\"'`>]\s*+={0,2}[a-z0-9+/_\-\r\n]{48,}={0,2}\s*+[\"'`<]",
    re.IGNORECASE,
)
"""What may be a file in a script that makes files: a name or an address is shorter."""
_ELEMENT: Final = re.compile(rb">\s*+((?:[A-Za-z0-9+/]\s*+){64,}+(?:=\s*+){0,2})</")
_REFERENCE: Final = re.compile(rb"&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?", re.IGNORECASE)
_UNICODE: Final = re.compile(rb"\\u00([0-9a-f]{2})", re.IGNORECASE)
_LISTED: Final = re.compile(rb"[\"']\s{0,20},\s{0,20}[\"']")
_DATA_BLANKS: Final = re.compile(rb"(?<=[\"'])data:[^\"'<>]{20,}", re.IGNORECASE)
_ESCAPES: Final = re.compile(rb"(?>(?:%|\\x)[0-9a-fA-F]{2}){24,}")
_LAYERS: Final = 3
"""How often base64 may stand in base64."""
_NUMBER: Final = re.compile(rb"0x[0-9a-fA-F]{1,2}|[1-9]\d{0,2}|0")
_DATA: Final = re.compile(rb"data:([a-z0-9.+/-]{0,80})((?:;[a-z0-9=.\-]{1,60}){0,4}),([^\"'<>\s)]{20,})", re.IGNORECASE)
_SHOWN: Final = ("image/", "font/", "text/css", "audio/", "video/", "application/font", "application/x-font")
_ACTIVE_SVG: Final = re.compile(
    rb"<foreignObject\b|<(?:\w{1,10}:)?script\b|\son[a-z]{3,20}\s*=|javascript:", re.IGNORECASE
)

_ATTACH: Final = re.compile(rb"^ATTACH((?:;[^:\r\n]{0,500})?;ENCODING=BASE64(?:;[^:\r\n]{0,500})?):", re.I | re.M)
_FOLD: Final = re.compile(rb"\r?\n[ \t]")
_FILENAME: Final = re.compile(rb"(?:X-FILENAME|FILENAME|X-APPLE-FILENAME)=\"?([^\";:]{1,255})", re.IGNORECASE)

_FROM_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")

_DATA_STORE: Final = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")


def in_page(markup: bytes, findings: Findings) -> Iterator[Member]:
    """The files that a page carries, and whether it would hand one to its reader."""
    markup = _in_octets(markup)
    lower = markup.lower()
    if b"<hta:application" in lower:
        findings.note(Defect.HTML_HTA)
    scripted = any(sign.search(lower) for sign in _SCRIPTED)
    decodes = scripted and _DECODES.search(markup) is not None
    if decodes:
        payload = _BASE64.search(markup) or _NUMBERS.search(markup) or _HEX.search(markup)
        if payload and (_MAKES_A_FILE.search(markup) or (len(payload[0]) >= 2000 and _WRITES_A_PAGE.search(markup))):
            findings.note(Defect.HTML_SMUGGLING)
    if b"&#" in markup:
        yield from _of_data_uris(_REFERENCE.sub(_referred, markup), findings)
    elif b"data:" in lower:
        yield from _of_data_uris(markup, findings)
    if scripted:
        if decodes and _MAKES_A_FILE.search(markup):
            yield from _of_script(_put_together(markup), findings)
        else:
            yield from _of_base64(markup, findings)
            if _WRITES_A_PAGE.search(markup):
                yield from _of_escapes(markup, findings)


def in_markup(markup: bytes, findings: Findings) -> Iterator[Member]:
    """The same for XML, in which documents carry files as the text of an element (Word 2003, Flat OPC, consoles)."""
    markup = _in_octets(markup)
    yield from in_page(markup, findings)
    for match in _ELEMENT.finditer(markup):
        content = _decoded(match[1])
        if content:
            yield Member("", content, len(content))


def in_script(text: bytes, findings: Findings) -> Iterator[Member]:
    """Files that a script carries in base64, as far as they are of a kind that we know."""
    text = _in_octets(text)
    yield from _of_base64(text, findings)


def in_picture(markup: bytes, findings: Findings) -> Iterator[Member]:
    """The same for SVG, in which nothing honest has a script."""
    if _ACTIVE_SVG.search(markup):
        findings.note(Defect.SVG_SCRIPT)
    yield from in_page(markup, findings)


def in_invitation(text: bytes, findings: Findings) -> Iterator[Member]:
    """Files attached inline to an event."""
    for number, match in enumerate(_ATTACH.finditer(_FOLD.sub(b"", text))):
        if number >= limits.MAX_CARRIED:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        end = match.string.find(b"\n", match.end())
        content = _decoded(match.string[match.end() : end if end != -1 else None])
        name = _FILENAME.search(match[1])
        findings.note(Defect.CALENDAR_FILE)
        yield Member(name[1].decode("utf-8", "replace") if name else "", content, len(content))


def in_section(octets: bytes, findings: Findings) -> Iterator[Member]:
    """Files in a OneNote section: each stands behind its mark and its length."""
    position = count = 0
    while (position := octets.find(_DATA_STORE, position)) != -1:
        position += len(_DATA_STORE)
        if position + 20 > len(octets):
            return
        (size,) = struct.unpack_from("<Q", octets, position)
        if not 0 < size <= len(octets) - position - 20:
            continue
        content = octets[position + 20 : position + 20 + size]
        count += 1
        if count > limits.MAX_PARTS:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        position += 20 + len(content)
        findings.note(Defect.OFFICE_EMBEDDED)
        yield Member("", content, len(content))


def _of_data_uris(markup: bytes, findings: Findings) -> Iterator[Member]:
    taken = 0
    markup = _DATA_BLANKS.sub(lambda match: b"".join(match[0].split()), markup)  # readers take them out as well
    for match in _DATA.finditer(markup):
        kind = match[1].decode("ascii").lower()
        if kind.startswith(_SHOWN):
            if kind != types.SVG:
                continue
        elif taken < limits.MAX_CARRIED:
            findings.note(Defect.HTML_DATA_FILE)
        taken += 1
        if taken > limits.MAX_CARRIED:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        is_base64 = b"base64" in match[2].lower()
        content = _decoded(unquote_to_bytes(match[3])) if is_base64 else unquote_to_bytes(match[3])
        yield Member("", content, len(content), declared_type=kind)


def _of_base64(markup: bytes, findings: Findings) -> Iterator[Member]:
    """Long base64 in a script, where it is of a kind that we know: anything at all decodes to something."""
    taken = 0
    for match in _BASE64.finditer(markup):
        if markup[max(0, match.start() - 7) : match.start()] == b"base64,":
            continue
        content = _decoded(match[0])
        if types.true_type(content) in (types.UNKNOWN, types.TEXT):
            continue
        taken += 1
        if taken > limits.MAX_CARRIED:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        yield Member("", content, len(content))


def _of_script(markup: bytes, findings: Findings) -> Iterator[Member]:
    """All that a script which makes files could make one of: base64, hexadecimal digits, lists of numbers."""
    for number, match in enumerate(_CARRIED.finditer(markup)):
        if number >= limits.MAX_CARRIED:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        written = match[0]
        if match["numbers"]:
            values = [int(each, 0) for each in _NUMBER.findall(written)]
            content = bytes(value & 0xFF for value in values)
        elif match["escapes"]:
            content = bytes.fromhex(written.translate(None, b"%\\xX").decode("ascii"))
        else:
            digits = written.strip(b"\"'`<> \t\r\n")
            is_hex = not digits.strip(b"0123456789abcdefABCDEF") and len(digits) % 2 == 0
            content = bytes.fromhex(digits.decode("ascii")) if is_hex else _decoded(digits)
            if b"reverse" in markup:
                turned = _decoded(digits[::-1])
                yield Member("", turned, len(turned))
        for _ in range(_LAYERS):
            if len(content) < limits.MIN_CARRIED // 8 or content.strip().translate(None, ALPHABET_AND_BLANKS):
                break
            content = _decoded(content)
        yield Member("", content, len(content))


def _of_escapes(markup: bytes, findings: Findings) -> Iterator[Member]:
    """Octets that a script writes into the page, each as %xx or \\xxx."""
    for number, match in enumerate(_ESCAPES.finditer(markup)):
        if number >= limits.MAX_CARRIED:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        content = bytes.fromhex(match[0].translate(None, b"%\\xX").decode("ascii"))
        yield Member("", content, len(content))


def _in_octets(markup: bytes) -> bytes:
    """Markup in UTF-16, as browsers tell it by its mark or its zeros, in UTF-8."""
    if markup.startswith((b"\xff\xfe", b"\xfe\xff")):
        return markup.decode("utf-16", "replace").encode()
    if b"\0" in markup[:4]:
        return markup.replace(b"\0", b"")
    return markup


def _put_together(script: bytes) -> bytes:
    """A script whose texts stand in one piece: without joints between them, and without escapes."""
    script = _JOINED.sub(b"", script)
    if b"join" in script:
        script = _LISTED.sub(b"", script)
    if b"\\u00" in script:
        script = _UNICODE.sub(lambda match: bytes([int(match[1], 16)]), script)
    return script


def _referred(match: re.Match[bytes]) -> bytes:
    number = int(match[1], 16) if match[1] else int(match[2])
    return bytes([number]) if number < 128 else match[0]


def _decoded(characters: bytes) -> bytes:
    characters = b"".join(characters.split()).strip(b"=").translate(_FROM_URL_SAFE)
    try:
        return base64.b64decode(
            characters[: len(characters) - (len(characters) % 4 == 1)] + b"=" * (-len(characters) % 4)
        )
    except ValueError:
        return b""
