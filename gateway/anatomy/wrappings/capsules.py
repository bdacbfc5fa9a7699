"""Formats that carry files through mail in their own wrapping: TNEF (MS-OXTNEF, "winmail.dat"), AppleSingle (RFC 1740),
BinHex 4.0 (RFC 1741) and ActiveMime. Read as far as they are whole; what breaks off is named."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.archives.unpacking import OutOfBounds, inflated
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import guessed
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member

_TNEF_TITLE: Final = 0x00018010
_TNEF_CONTENT: Final = 0x0006800F
_TNEF_NEXT: Final = 0x00069002  # attAttachRenddata begins an attachment
_MAX_ATTRIBUTES: Final = 10_000
"""Attributes of one TNEF stream; an attachment has about five."""
_TNEF_HEAD: Final = struct.Struct("<BLL")

_BINHEX_ALPHABET: Final = b"!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr"
_BASE64_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_TO_BASE64: Final = bytes.maketrans(_BINHEX_ALPHABET, _BASE64_ALPHABET)
_BLANKS: Final = b" \t\r\n"
_ZLIB: Final = b"\x78"
_ACTIVE_MIME_HEAD: Final = 1024
"""Octets in which the deflated ones begin."""


def tnef_members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The attachments of a TNEF stream: signature, key, then attributes with level, name, length, value, checksum."""
    position = 6
    title, content = "", None
    for _ in range(_MAX_ATTRIBUTES):
        if position + _TNEF_HEAD.size > len(octets):
            break
        _, attribute, length = _TNEF_HEAD.unpack_from(octets, position)
        value_at = position + _TNEF_HEAD.size
        value = octets[value_at : value_at + length]
        if len(value) < length:
            _broken(findings)
        if attribute == _TNEF_NEXT:
            if content is not None:
                yield Member(title, content, len(content))
            title, content = "", None
        elif attribute == _TNEF_TITLE:
            title = kept_name(guessed(value.rstrip(b"\0")))
        elif attribute == _TNEF_CONTENT:
            if content is not None:
                yield Member(title, content, len(content))
            content = value
        position = value_at + length + 2
    else:
        _broken(findings)
    if content is not None:
        yield Member(title, content, len(content))


def apple_members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The data fork of an AppleSingle file (entry 1), under its real name (entry 3)."""
    count = int.from_bytes(octets[24:26], "big")
    name, content = "", None
    for index in range(min(count, limits.MAX_PARTS)):
        at = 26 + index * 12
        if at + 12 > len(octets):
            _broken(findings)
            break
        kind, offset, length = struct.unpack_from(">LLL", octets, at)
        if offset + length > len(octets):
            _broken(findings)
        if kind == 1 and content is None:
            content = octets[offset : offset + length]
        elif kind == 3:
            name = guessed(octets[offset : offset + min(length, limits.MAX_NAME)])
    if content:
        yield Member(name, content, len(content))


def binhex_members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The data fork of a BinHex file: six bits a character, then runs, then name and lengths."""
    start = octets.find(b":")
    end = octets.find(b":", start + 1)
    characters = octets[start + 1 : end if end != -1 else len(octets)].translate(None, _BLANKS)
    if start == -1 or characters.translate(None, _BINHEX_ALPHABET):
        _broken(findings)
        return
    characters = characters.translate(_TO_BASE64)
    characters = characters[:-1] if len(characters) % 4 == 1 else characters
    packed = binascii.a2b_base64(characters + b"=" * (-len(characters) % 4))
    plain = _without_runs(packed, limit=min(limits.MAX_MEMBER, limits.MAX_UNPACKED - findings.unpacked))
    findings.unpacked += len(plain or b"")
    name_length = plain[0] if plain else 0
    lengths_at = 1 + name_length + 1 + 4 + 4 + 2
    if plain is None or lengths_at + 10 > len(plain):
        _broken(findings)
        return
    length = int.from_bytes(plain[lengths_at : lengths_at + 4], "big")
    content = plain[lengths_at + 10 : lengths_at + 10 + length]
    if len(content) < length:
        _broken(findings)
    yield Member(guessed(plain[1 : 1 + name_length]), content, len(content))


def active_mime_members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The compound file in what Office puts beside a page for its macros ("editdata.mso"): deflated, behind a head of
    some size or other."""
    position = octets.find(_ZLIB)
    while -1 < position < _ACTIVE_MIME_HEAD:
        try:
            content = inflated(octets[position:], findings).content
        except OutOfBounds as bound:
            findings.missed(bound.reason)
            return
        if content:
            yield Member("", content, len(content))
            return
        position = octets.find(_ZLIB, position + 1)
    _broken(findings)


def _without_runs(packed: bytes, *, limit: int) -> bytes | None:
    """Octet 0x90 and a count repeat the octet before; a count of zero is the octet 0x90 itself."""
    pieces = packed.split(b"\x90")
    plain = bytearray(pieces[0])
    for piece in pieces[1:]:
        if not piece:
            return None
        if piece[0] == 0:
            plain.append(0x90)
        elif plain:
            plain += plain[-1:] * (piece[0] - 1)
        plain += piece[1:]
        if len(plain) > limit:
            return None
    return bytes(plain)


def _broken(findings: Findings) -> None:
    findings.note(Defect.ARCHIVE_DAMAGED)
    findings.missed(Unscannable.ARCHIVE_DAMAGED)
