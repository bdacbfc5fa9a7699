"""Two readers of one archive: ours first, which knows names, locks and hidden members; what it cannot unpack,
libarchive does. What neither opens is named unsupported."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gateway.anatomy.archives import libarchive
from gateway.anatomy.archives.libarchive import Kind
from gateway.anatomy.findings import Findings, Unscannable
from gateway.anatomy.members import ENCRYPTED, Member

CLOSED: Final = str(Unscannable.ARCHIVE_UNSUPPORTED)
"""The note of a member whose method our reader does not know; the second reader is asked for it."""


def completed(own: Iterator[Member], octets: bytes, kind: Kind, findings: Findings) -> Iterator[Member]:
    """The members of our own reader, those that it noted `CLOSED` as libarchive reads them."""
    closed: list[Member] = []
    known: set[str] = set()
    for member in own:
        if member.note == CLOSED and not member.content:
            closed.append(member)
        else:
            known.add(_plain(member.name))
            yield member
    if not closed:
        return
    opened = 0
    if libarchive.is_there():
        for member in libarchive.members(octets, kind, findings):
            if _plain(member.name) not in known and not (member.note and not member.content):
                opened += not member.note
                yield member
    if opened < len(closed):
        findings.missed(Unscannable.ARCHIVE_UNSUPPORTED)
        yield from closed[opened:]


def foreign(octets: bytes, kind: Kind, findings: Findings) -> Iterator[Member]:
    """The members of an archive that no reader of ours knows."""
    count = 0
    for member in libarchive.members(octets, kind, findings):
        count += 1
        if member.note == ENCRYPTED:
            findings.missed(Unscannable.ARCHIVE_ENCRYPTED)
        yield member
    if not count and not findings.unscannable:
        findings.missed(Unscannable.ARCHIVE_DAMAGED)


def stream(octets: bytes, kind: Kind, name: str, findings: Findings) -> Iterator[Member]:
    """What one packed stream holds, under the name without the packer's ending."""
    for member in foreign(octets, kind, findings):
        yield replace(member, name=name)


def _plain(name: str) -> str:
    return name.replace("\\", "/")
