"""What stands where a part was taken out of a message: a text for its reader, as a part of its own (RFC 2046 section
4.1). Its lines are base64, so that no name a stranger chose can make one of them look like a delimiter. Pure.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.anatomy.characters import made_visible

MAX_NAME: Final = 120
"""Characters of a name or type that are told."""

MAX_INSIDE: Final = 10
"""Members of a container that are named."""

_LINE: Final = 76

FIELDS: Final = (
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: inline\r\n"
)
"""What the notice's header says."""


@dataclass(frozen=True, slots=True)
class Removed:
    """One part that was taken out: its path, name, the type it has, size in octets once decoded, SHA-256 of these, and
    the names of what inside of it was the reason, where it was not the part itself."""

    path: str
    name: str
    type: str
    size: int
    sha256: str
    inside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is told of all parts that are taken out of one message: why, by whom, and under which reference the message
    is kept as it came."""

    why: str
    host: str
    reference: str


def notice_text(removed: Removed, circumstances: Circumstances) -> bytes:
    """What the reader sees, in UTF-8 with CRLF line ends."""
    told = [
        ("Name", _told(removed.name) or "(none)"),
        ("Type", _told(removed.type)),
        ("Size", f"{removed.size} octets"),
        ("SHA-256", removed.sha256),
        *(("In it", _told(each) or "(no name)") for each in removed.inside[:MAX_INSIDE]),
        ("Why", _told(circumstances.why, 300)),
        ("Reference", circumstances.reference),
    ]
    lines = [
        "An attachment was taken out of this message.",
        "",
        *(f"{name + ':':<12}{value}" for name, value in told),
        "",
        f"The message as it came is kept in the quarantine of {_told(circumstances.host)}.",
        "If you need it, give its administrator the reference.",
        "",
    ]
    return "\r\n".join(lines).encode("utf-8", "replace")


def notice_body(text: bytes) -> bytes:
    """The text as it stands in the message, without a final line end: that one belongs to what follows."""
    encoded = base64.b64encode(text)
    return b"\r\n".join(encoded[start : start + _LINE] for start in range(0, len(encoded), _LINE))


def names_of(removed: Sequence[Removed]) -> str:
    """All of them on one line, for the record."""
    return ", ".join(_told(each.name) or each.path for each in removed)


def _told(text: str, most: int = MAX_NAME) -> str:
    """A stranger's text on one line, with what does not show written out."""
    line = made_visible(" ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"
