"""One evasion: a message, and what must come of it. Found means that the watch of `examine` is handed the test file's
own octets; closed means that the message is named unscannable; clean means neither, and no defect of malware."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from gateway.anatomy.examine import examine
from gateway.anatomy.findings import Unscannable
from gateway.facts.content import Anatomy

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Fate(Enum):
    """What must come of a message."""

    FOUND = auto()
    CLEAN = auto()


class Case(NamedTuple):
    """A message that hides the test file, or does not. `fate` may be a reason for which it stays closed."""

    name: str
    message: bytes
    fate: Fate | Unscannable = Fate.FOUND


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one message."""

    anatomy: Anatomy
    found: bool


def look_at(message: bytes) -> Seen:
    """Examine a message; whether the test file alone, with nothing but blanks behind it, was handed to the watch."""
    handed: list[bytes] = []
    anatomy = examine(message, watch=handed.append)
    return Seen(anatomy, any(each.rstrip(b" \t\r\n\x1a") == EICAR for each in handed))
