"""The XML inside what arrives as a report: a message, gzip, zip, or XML itself (RFC 9990, "Email"). Bounded, since a
report comes from anybody, and unpacking it is where it would hurt (RFC 9990, "Report Contents as an Attack").
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Final

from gateway.anatomy.findings import Findings
from gateway.anatomy.mime.parts import Shape, walk

MAX_OCTETS: Final = 25 * 1024 * 1024
"""Octets of a report as it arrives."""

MAX_XML: Final = 32 * 1024 * 1024
"""Octets of its XML. A row takes less than 2 KiB, so this is a large sender's day."""

MAX_PARTS: Final = 50

MAX_ENTRIES: Final = 16
"""Of a zip: entries that are looked at to find that there is one."""

_FOR_PEOPLE: Final = frozenset({"text/plain", "text/html"})
_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_ZIP_ENTRY: Final = b"PK\x01\x02"
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
"""The others may ask for gigabytes of memory, whatever they hold."""
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError)
"""What the standard library raises for an archive that it cannot read."""
_ANY_WRAPPER: Final = 15 + 16
"""For zlib: the largest window, and the wrapper of gzip."""


class BadReport(ValueError):
    """It is no report that we can read. Says why."""


def xml_of(octets: bytes) -> bytes:
    """The XML document in any of its wrappers. Raises `BadReport`."""
    if len(octets) > MAX_OCTETS:
        raise BadReport(f"larger than {MAX_OCTETS} octets")
    found = _document(octets)
    if found is None:
        found = next((found for part in _attachments(octets) if (found := _document(part)) is not None), None)
    if found is None:
        raise BadReport("there is no XML, gzip or zip in it")
    return found


def _document(octets: bytes) -> bytes | None:
    if octets.startswith(_GZIP):
        return _gunzipped(octets)
    if octets.startswith(_ZIP):
        return _unzipped(octets)
    return octets if octets.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else None


def _gunzipped(octets: bytes) -> bytes:
    unpacker = zlib.decompressobj(_ANY_WRAPPER)
    try:
        document = unpacker.decompress(octets, MAX_XML + 1)
    except zlib.error as error:
        raise BadReport(f"not gzip: {error}") from None
    return _bounded(document)


def _unzipped(octets: bytes) -> bytes:
    if octets.count(_ZIP_ENTRY) > MAX_ENTRIES:  # before zipfile makes an object of each
        raise BadReport("the archive holds too many files")
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            members = archive.infolist()
            document = _first_of(archive, members) if len(members) == 1 else b""
    except _BROKEN as error:
        raise BadReport(f"not a readable archive: {error}") from None
    if len(members) != 1:
        raise BadReport(f"the archive holds {len(members)} files instead of one")
    return _bounded(document)


def _first_of(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> bytes:
    if members[0].compress_type not in _METHODS:
        raise zipfile.BadZipFile("packed with a method that no reporter uses")
    with archive.open(members[0]) as member:
        return member.read(MAX_XML + 1)


def _bounded(document: bytes) -> bytes:
    if len(document) > MAX_XML:
        raise BadReport(f"its XML is larger than {MAX_XML} octets")
    return document


def _attachments(octets: bytes) -> Iterator[bytes]:
    """The decoded parts of a message that may hold a report."""
    leaves = (part for part in walk(octets, Findings()) if part.shape is Shape.LEAF)
    for part in islice(leaves, MAX_PARTS):
        if part.media_type.declared not in _FOR_PEOPLE:
            yield part.content
