"""Files that other things carry: data: URIs and what a script would make a file of, in pages and pictures (HTML
smuggling), base64 in invitations and cards (RFC 5545 section 3.8.1.1, RFC 2426 section 3.1.4), octets in OneNote
sections (MS-ONESTORE 2.6.13)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from gateway.anatomy import limits, types
from gateway.anatomy.charsets import in_utf_8
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member
from gateway.anatomy.wrappings.scripts import Made, from_base64, made_by, put_together

_SCRIPTED: Final = tuple(
    map(re.compile, (rb"<script", rb":script", rb"javascript:", rb"on(?:load|error|click|mouse|focus)"))
)
_DECODES: Final = re.compile(
    rb"\batob\b|fromCharCode|charCodeAt|Uint8Array|unescape\s*\(|decodeURIComponent|fromBase64|ArrayBuffer|parseInt\s*\("
)
_MAKES_A_FILE: Final = re.compile(
    rb"msSaveOrOpenBlob|msSaveBlob|createObjectURL|new\s+Blob\b|new\s+File\b|\.download\s*=|setAttribute\s*\(\s*[\"']download"
    rb"|\[\s*[\"']download|data:application/|\bsaveAs\s*\("
)
_LARGE: Final = 2000
"""Characters that a page writes of itself before that is a file."""
_HTML_REACH: Final = 1024
_WRITES_A_PAGE: Final = re.compile(
    rb"document\.write|\.innerHTML\s*=|\.srcdoc\b|\beval\s*\(|insertAdjacentHTML|location\s*[.=]"
)
# Each begins where a run begins, so that a run that is too short costs its length and no more.
_BASE64: Final = re.compile(rb"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{%d,}={0,2}" % limits.MIN_CARRIED)
_NUMBERS: Final = re.compile(rb"[\[(=]\s{0,20}(?>(?:0x[0-9a-f]{1,2}|\d{1,3}),\s{0,4}){200}", re.IGNORECASE)
_HEX: Final = re.compile(rb"(?<![0-9a-fA-F])(?>[0-9a-fA-F]{2}){400,}+|[\"'(](?>(?:%|\\x)[0-9a-fA-F]{2}){200,}+")
_ELEMENT: Final = re.compile(rb">\s*+((?:[A-Za-z0-9+/]\s*+){64,}+(?:=\s*+){0,2})</")
_REFERENCE: Final = re.compile(rb"&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?", re.IGNORECASE)
_DATA_BLANKS: Final = re.compile(rb"(?<=[\"'])data:[^\"'<>]{20,}", re.IGNORECASE)
_DATA: Final = re.compile(rb"data:([a-z0-9.+/-]{0,80})((?:;[a-z0-9=.\-]{1,60}){0,4}),([^\"'<>\s)]{20,})", re.IGNORECASE)
_SHOWN: Final = ("image/", "font/", "text/css", "audio/", "video/", "application/font", "application/x-font")
_ACTIVE_SVG: Final = re.compile(
    rb"<foreignObject\b|<(?:\w{1,10}:)?script\b|\son[a-z]{3,20}\s*=|javascript:", re.IGNORECASE
)

_PROPERTY: Final = re.compile(rb"^[A-Za-z0-9.\-]{1,80}((?>;(?:[^:;\"\r\n]|\"[^\"\r\n]*\"){1,2000}){1,20}):", re.M)
_IN_BASE64: Final = re.compile(rb";(?:ENCODING=\"?(?:BASE64|B)\b|VALUE=\"?BINARY\b|BASE64(?=;|\Z))", re.IGNORECASE)
_FOLD: Final = re.compile(rb"\r?\n[ \t]")
_FILENAME: Final = re.compile(rb"FILENAME=(?:\"([^\"]{1,255})|([^\";:]{1,255}))", re.IGNORECASE)

_DATA_STORE: Final = bytes.fromhex("e716e3bd65261145a4c48d4d0b7a9eac")


def in_page(markup: bytes, findings: Findings) -> Iterator[Member]:
    """The files that a page carries, and whether it would hand one to its reader."""
    markup = in_utf_8(markup)
    lower = markup.lower()
    if b"<hta:application" in lower:
        findings.note(Defect.HTML_HTA)
    scripted = any(sign.search(lower) for sign in _SCRIPTED)
    shown = put_together(markup) if scripted else markup
    if b"&#" in markup:
        yield from _of_data_uris(_REFERENCE.sub(_referred, shown), findings)
    elif b"data:" in lower:
        yield from _of_data_uris(shown, findings)
    if scripted:
        yield from _of_scripts(shown, findings)


def _of_scripts(page: bytes, findings: Findings) -> Iterator[Member]:
    decodes, writes = _DECODES.search(page), _WRITES_A_PAGE.search(page)
    makes = _MAKES_A_FILE.search(page)
    made = made_by(page, findings) if makes or (writes and decodes) else Made()
    payload = _BASE64.search(page) or _NUMBERS.search(page) or _HEX.search(page)
    if decodes and (
        (makes and (payload or made.files or made.riddles)) or (writes and payload and len(payload[0]) >= _LARGE)
    ):
        findings.note(Defect.HTML_SMUGGLING)
    if not made.files:
        yield from _of_base64(page, findings)
    for content in made.files:
        yield Member("", content, len(content), declared_type=_kind_of_text(content) if writes else "")


def _kind_of_text(content: bytes) -> str:
    """What a page would take for its own what it decodes: markup that it writes, or a script that it runs."""
    if types.true_type(content) != types.TEXT:
        return ""
    return types.HTML if b"<" in content[:_HTML_REACH] and b"</" in content else types.SCRIPT


def in_markup(markup: bytes, findings: Findings) -> Iterator[Member]:
    """The same for XML, in which documents carry files as the text of an element (Word 2003, Flat OPC, consoles)."""
    markup = in_utf_8(markup)
    yield from in_page(markup, findings)
    for match in _ELEMENT.finditer(markup):
        content = from_base64(match[1])
        if content:
            yield Member("", content, len(content))


def in_script(text: bytes, findings: Findings) -> Iterator[Member]:
    """Files that a script carries, as far as they make sense."""
    script = put_together(in_utf_8(text))
    made = made_by(script, findings)
    if made.files and _MAKES_A_FILE.search(script):
        findings.note(Defect.HTML_SMUGGLING)
    for content in made.files:
        kind = _kind_of_text(content) if _DECODES.search(content) else ""
        yield Member("", content, len(content), declared_type=kind)


def in_picture(markup: bytes, findings: Findings) -> Iterator[Member]:
    """The same for SVG, in which nothing honest has a script."""
    if _ACTIVE_SVG.search(markup):
        findings.note(Defect.SVG_SCRIPT)
    yield from in_page(markup, findings)


def in_invitation(text: bytes, findings: Findings) -> Iterator[Member]:
    """Files attached inline to an event."""
    for member in in_card(text, findings):
        findings.note(Defect.CALENDAR_FILE)
        yield member


def in_card(text: bytes, findings: Findings) -> Iterator[Member]:
    """Octets inside the properties of a card or an event: pictures, sounds, keys, files."""
    text = _FOLD.sub(b"", text)
    yield from _of_data_uris(text, findings)
    taken = 0
    for match in _PROPERTY.finditer(text):
        if _IN_BASE64.search(match[1]) is None:
            continue
        taken += 1
        if taken > limits.MAX_CARRIED:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        end = text.find(b"\n", match.end())
        content = from_base64(text[match.end() : end if end != -1 else None])
        name = _FILENAME.search(match[1])
        yield Member((name[1] or name[2]).decode("utf-8", "replace") if name else "", content, len(content))


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
        content = from_base64(unquote_to_bytes(match[3])) if is_base64 else unquote_to_bytes(match[3])
        yield Member("", content, len(content), declared_type=kind)


def _of_base64(markup: bytes, findings: Findings) -> Iterator[Member]:
    """Long base64 in a script, where it is of a kind that we know: anything at all decodes to something."""
    taken = 0
    for match in _BASE64.finditer(markup):
        if markup[max(0, match.start() - 7) : match.start()] == b"base64,":
            continue
        content = from_base64(match[0])
        if types.true_type(content) in (types.UNKNOWN, types.TEXT):
            continue
        taken += 1
        if taken > limits.MAX_CARRIED:
            findings.missed(Unscannable.ARCHIVE_PARTS)
            return
        yield Member("", content, len(content))


def _referred(match: re.Match[bytes]) -> bytes:
    number = int(match[1], 16) if match[1] else int(match[2])
    return bytes([number]) if number < 128 else match[0]
