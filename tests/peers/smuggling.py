"""Octets that a careless server takes for the end of DATA, and none of which is (RFC 5321 section 2.3.8, 4.1.1.4):
every mixture of line ends around a dot, with NUL and octets beyond ASCII among them."""

from __future__ import annotations

import re

SMUGGLED = b"MAIL FROM:<smuggled@evil.example>\r\nRCPT TO:<u@example.net>\r\nDATA\r\nSubject: two\r\n\r\nsmuggled"
"""What an attacker would have taken for a second message."""

_BEFORE = (
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\r\r",
    b"\n\r",
    b"\r\r\n",
    b"\r\n\r",
    b"\r\n\n",
    b"\r\n\0",
    b"\n\0",
    b"\r\n\x85",
)
_AFTER = (
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\r\r",
    b"\n\r",
    b"\r\r\n",
    b"\0\r\n",
    b"\0\n",
    b"\r\0\n",
    b"\x85\r\n",
    b" \r\n",
)
_TRUE_END = b"\r\n.\r\n"


def _name(octets: bytes) -> str:
    words = {0x0D: "cr", 0x0A: "lf", 0x2E: "dot", 0: "nul", 0x85: "nel", 0x20: "blank"}
    return "-".join(words[octet] for octet in octets)


VARIANTS = {
    _name(end): end for end in (before + b"." + after for before in _BEFORE for after in _AFTER) if _TRUE_END not in end
}


def words(body: bytes) -> list[bytes]:
    """What all servers agree on: each has its own way with bare line ends and NUL, and with the dots and blanks around
    them (a line end, a blank, nothing); the words stay, in their order."""
    return re.sub(rb"[\r\n\0. ]+", b" ", body).split()
