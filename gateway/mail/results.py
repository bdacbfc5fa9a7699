"""Authentication-Results fields that a message carries already (RFC 8601): where those stand that claim to be ours, and
what our own say.

Never changes a message, and takes no word of a field for true: whoever asks knows whether it may be ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.mail.message import Message

_FIELD: Final = b"authentication-results"
_RESULT = re.compile(r"([A-Za-z][A-Za-z0-9-]*)(?: ?/ ?[0-9]+)? ?= ?([A-Za-z][A-Za-z0-9-]*)")


@dataclass(frozen=True, slots=True)
class StatedResult:
    """One result as it is written: `text` is all of it on one line, with its comments. Words are in lower case."""

    method: str
    result: str
    text: str


def forged_results(message: Message, authserv_id: str) -> tuple[tuple[int, int], ...]:
    """Where the message holds Authentication-Results fields that claim our authserv-id: (start, end) in octets.

    They came from outside, so they are forged, and readers would believe them (RFC 8601 section 5). A field that
    cannot be read counts as a claim wherever it contains our id: a reader may be more lenient than we are.
    """
    own = _spelled(authserv_id)
    return tuple(
        (field.start, field.end)
        for field in message.fields
        if field.key == _FIELD and _claims(field.value.lower(), own)
    )


def _claims(value: bytes, own: bytes) -> bool:
    claimed = _claimed_id(value)
    if claimed is None:
        return own in value
    words = claimed.split()
    if words and words[-1].isdigit():
        words.pop()  # the version
    return own in (b"".join(words).removesuffix(b"."), words[0].removesuffix(b".") if words else b"")


def _claimed_id(value: bytes) -> bytes | None:
    """What stands before the first semicolon, without comments and quoting; None if these do not end."""
    said = bytearray()
    depth, quoted, escaped = 0, False, False
    for octet in value:
        char = bytes((octet,))
        if escaped:
            escaped = False
            if not depth:
                said.append(octet)
        elif char == b"\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = char != b'"'
            if quoted:
                said.append(octet)
        elif char == b"(":
            depth += 1
        elif char == b")" and depth:
            depth -= 1
        elif depth:
            continue
        elif char == b'"':
            quoted = True
        elif char == b";":
            return bytes(said)
        else:
            said.append(octet)
    return None if depth or quoted or escaped else bytes(said)


def own_results(message: Message, authserv_id: str) -> tuple[StatedResult, ...]:
    """What the fields of our authserv-id say, top to bottom. Ask once forged ones are gone."""
    own = _spelled(authserv_id)
    return tuple(
        stated
        for field in message.fields
        if field.key == _FIELD and _claims(field.value.lower(), own)
        for stated in _stated(field.value)
    )


def _stated(value: bytes) -> Iterator[StatedResult]:
    _, *pieces = _pieces(value.decode("utf-8", "replace"))
    for piece in pieces:
        text = " ".join(piece.split())
        match = _RESULT.match(text)
        if match:
            yield StatedResult(match[1].lower(), match[2].lower(), text)


def _pieces(text: str) -> Iterator[str]:
    """The text cut at each semicolon that stands outside comments and quotes."""
    start, depth, quoted, escaped = 0, 0, False, False
    for position, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char == ";" and not depth:
            yield text[start:position]
            start = position + 1
    yield text[start:]


def _spelled(authserv_id: str) -> bytes:
    return authserv_id.lower().removesuffix(".").encode("ascii", "replace")
