"""Files of disc and disk images: they stand there as they are, whole or cut off."""

from __future__ import annotations

from gateway.anatomy.archives.unpacking import OutOfBounds, stored
from gateway.anatomy.findings import Findings, Unscannable
from gateway.anatomy.members import Member


def image_member(name: str, octets: bytes, size: int, findings: Findings) -> Member:
    """A file of which these octets are there. `size` is what the image says that it has."""
    try:
        content = stored(octets, findings).content
    except OutOfBounds as bound:
        findings.missed(bound.reason)
        return Member(name, b"", size, str(bound.reason))
    if len(content) < size:
        findings.missed(Unscannable.ARCHIVE_DAMAGED)
    return Member(name, content, len(content))
