"""Cryptographic messages (CMS, RFC 5652; S/MIME, RFC 8551): what an opaque signature wraps, and whether it is encrypted
instead. Reads the outermost structure only, in DER and in BER with indefinite lengths; verifies nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.anatomy import types
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member

_PKCS7: Final = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07"
_SIGNED_DATA: Final = _PKCS7 + b"\x02"
_ENVELOPED_DATA: Final = _PKCS7 + b"\x03"
_SMIME_CONTENT: Final = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01"
_AUTH_ENVELOPED_DATA: Final = _SMIME_CONTENT + b"\x17"

_OID, _OCTETS, _OCTETS_IN_PARTS, _SEQUENCE, _TAGGED, _END = 0x06, 0x04, 0x24, 0x30, 0xA0, 0x00
_MAX_CHUNKS: Final = 100_000
"""Pieces of one octet string. Encoders cut at 1,000 octets or more: enough for 100 MB."""


@dataclass(frozen=True, slots=True)
class _Value:
    """One element: its tag and the bounds of its value. `end` is the end of its surroundings where the length is
    indefinite: its own end is then marked by two zeros."""

    tag: int
    start: int
    end: int
    indefinite: bool


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """What the signature wraps, or nothing, with the reason in `findings`."""
    kind, content = _opened(octets)
    if kind in (_ENVELOPED_DATA, _AUTH_ENVELOPED_DATA):
        findings.missed(Unscannable.MIME_ENCRYPTED)
    elif kind != _SIGNED_DATA:
        findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
    elif content is None:
        findings.note(Defect.ARCHIVE_DAMAGED)
        findings.missed(Unscannable.ARCHIVE_DAMAGED)
    elif content:
        yield Member("", content, len(content), declared_type=types.MESSAGE)


def _opened(octets: bytes) -> tuple[bytes, bytes | None]:
    """The type of the content and, of signed data, the octets wrapped: empty if detached, None if damaged."""
    outer = _expect(octets, 0, len(octets), _SEQUENCE)
    oid = _expect(octets, outer.start, outer.end, _OID) if outer else None
    if outer is None or oid is None:
        return b"", None
    kind = octets[oid.start : oid.end]
    if kind != _SIGNED_DATA:
        return kind, None
    tagged = _expect(octets, oid.end, outer.end, _TAGGED)
    signed = _expect(octets, tagged.start, tagged.end, _SEQUENCE) if tagged else None
    if signed is None:
        return kind, None
    position = signed.start
    for _ in range(2):  # the version and the digest algorithms
        passed = _value(octets, position, signed.end)
        if passed is None or passed.indefinite:
            return kind, None
        position = passed.end
    wrapped = _expect(octets, position, signed.end, _SEQUENCE)
    oid = _expect(octets, wrapped.start, wrapped.end, _OID) if wrapped else None
    if wrapped is None or oid is None:
        return kind, None
    tagged = _expect(octets, oid.end, wrapped.end, _TAGGED)
    if tagged is None:
        return kind, b""
    return kind, _octet_string(octets, tagged.start, tagged.end)


def _octet_string(octets: bytes, start: int, end: int) -> bytes | None:
    value = _value(octets, start, end)
    if value is None or value.tag not in (_OCTETS, _OCTETS_IN_PARTS):
        return None
    if value.tag == _OCTETS:
        return octets[value.start : value.end]
    chunks: list[bytes] = []
    position = value.start
    while position < value.end and len(chunks) < _MAX_CHUNKS:
        chunk = _value(octets, position, value.end)
        if chunk is None or chunk.tag != _OCTETS:
            break
        chunks.append(octets[chunk.start : chunk.end])
        position = chunk.end
    return b"".join(chunks)


def _expect(octets: bytes, position: int, end: int, tag: int) -> _Value | None:
    value = _value(octets, position, end)
    return value if value is not None and value.tag == tag else None


def _value(octets: bytes, position: int, end: int) -> _Value | None:
    """The element at a position (X.690 section 8.1), None where there is none; a value cut short ends with its
    surroundings."""
    if position + 2 > end or octets[position] == _END:
        return None
    tag, length = octets[position], octets[position + 1]
    start = position + 2
    if length == 0x80:
        return _Value(tag, start, end, indefinite=True)
    if length > 0x80:
        count = length & 0x7F
        if count > 8 or start + count > end:
            return None
        length = int.from_bytes(octets[start : start + count], "big")
        start += count
    return _Value(tag, start, min(end, start + length), indefinite=False)
