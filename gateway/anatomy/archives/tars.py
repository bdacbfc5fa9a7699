"""Tar archives (POSIX ustar, GNU long names, pax paths), read in place from memory. Headers are 512 octets each, so the
walk is linear; sparse files and devices have no content here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gateway.anatomy import limits
from gateway.anatomy.characters import kept_name
from gateway.anatomy.charsets import guessed
from gateway.anatomy.findings import Defect, Findings, Unscannable
from gateway.anatomy.members import Member

_BLOCK: Final = 512
_PAX_PATH: Final = re.compile(rb"(?:^|\n)\d{1,8} path=([^\n]{1,1024})\n")
_PAX_SIZE: Final = re.compile(rb"(?:^|\n)\d{1,8} size=(\d{1,12})\n")
_NO_FILES: Final = frozenset(b"123456DVKMN")
"""Links, devices, folders, volume labels. What is of no known kind is a file (POSIX pax)."""
_SPARSE: Final = ord("S")


def members(octets: bytes, findings: Findings) -> Iterator[Member]:
    """The files of the archive, in order."""
    position = 0
    long_name = ""
    real_size: int | None = None
    count = 0
    while position + _BLOCK <= len(octets):
        header = octets[position : position + _BLOCK]
        if not header.strip(b"\0"):
            position += _BLOCK  # the end, but not for readers that go on
            continue
        size = _number(header[124:136])
        if size is None or size < 0:
            findings.note(Defect.ARCHIVE_DAMAGED)
            findings.missed(Unscannable.ARCHIVE_DAMAGED)
            return
        content_at = position + _BLOCK
        kind = header[156]
        if kind in b"Lxg":
            described = octets[content_at : content_at + min(size, 64 * 1024)]
            found = _PAX_PATH.search(described) if kind != ord("L") else None
            if kind == ord("L"):
                long_name = guessed(described.rstrip(b"\0"))
            elif found:
                long_name = guessed(found[1])
            told = _PAX_SIZE.search(described) if kind != ord("L") else None
            real_size = int(told[1]) if told else None
        elif kind not in _NO_FILES:
            if kind == _SPARSE:
                findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)  # its holes are left out here
            if real_size is not None:
                size, real_size = real_size or size, None
            count += 1
            if count > limits.MAX_PARTS:
                findings.missed(Unscannable.ARCHIVE_PARTS)
                return
            if content_at + size > len(octets):
                findings.note(Defect.ARCHIVE_DAMAGED)
            name = kept_name(long_name or _name(header))
            if ".." in name.split("/") or name.startswith("/"):
                findings.note(Defect.ARCHIVE_TRAVERSAL)
            content = octets[content_at : content_at + size]
            yield Member(name, content, len(content))
            long_name = ""
        position = content_at + (size + _BLOCK - 1) // _BLOCK * _BLOCK


def _number(field: bytes) -> int | None:
    """An octal number, or the base-256 form of GNU; None where it is neither."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits.strip(b"01234567"):
        return None
    return int(digits or b"0", 8)


def _name(header: bytes) -> str:
    name = guessed(header[:100].split(b"\0", 1)[0])
    prefix = guessed(header[345:500].split(b"\0", 1)[0]) if header[257:262] == b"ustar" else ""
    return f"{prefix}/{name}" if prefix else name
