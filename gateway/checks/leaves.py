"""What the anatomist hands on of a message for others to look at: the decoded octets of its parts and members. Words
only: who chooses them is `anatomist/craft.py`, who looks at them is the malware engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

MAX_LEAVES: Final = 256
"""Leaves of one message that are handed on."""
MAX_LEAF_OCTETS: Final = 64 * 1024 * 1024
"""Octets of all of them together. What is beyond either bound is said to be left out, and never forgotten."""


class Wanted(IntEnum):
    """Which leaves are wanted. `RISKY`: all but pictures, sounds and films in messages whose names and types say what
    they are; text is among the risky ones, for a script is text."""

    NONE = 0
    RISKY = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Leaf:
    """The decoded octets of one part or member, and where it stands ("1.2", "1.2/0"; empty where that is not
    known)."""

    path: str
    octets: bytes = field(repr=False)
