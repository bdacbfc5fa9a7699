"""What a container gives: its members, each with its name and octets, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """One file in a container. `size` is what the container claims where the content could not be had; `note` says why
    ("encrypted", "archive.ratio"); `declared_type` is set by formats that wrap MIME."""

    name: str
    content: bytes
    size: int
    note: str = ""
    declared_type: str = ""
