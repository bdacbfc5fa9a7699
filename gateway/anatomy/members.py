"""What a container gives: its members, each with its name and octets, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.anatomy.locks import Lock

ENCRYPTED: Final = "encrypted"
"""The note of a member that wants a password."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a container. `size` is what the container claims where the content could not be had; `note` says why
    ("encrypted", "archive.ratio"); `declared_type` is set by formats that wrap MIME; `lock` where a password may
    help."""

    name: str
    content: bytes
    size: int
    note: str = ""
    declared_type: str = ""
    lock: Lock | None = None


def is_traversal(name: str) -> bool:
    """Whether a name points out of the folder that it is unpacked into."""
    return ".." in name.replace("\\", "/").split("/") or name[:1] in ("/", "\\") or name[1:2] == ":"
