"""The message identifiers in Message-ID, In-Reply-To and References (RFC 5322 section 3.6.4). Pure and total: what is
no identifier is passed over."""

from __future__ import annotations

import re
from typing import Final

from gateway.mail.message import Message

MOST: Final = 20
"""Identifiers that are looked at of those that a message answers: the last of each field, which name the newest."""

_IDENTIFIER: Final = re.compile(r"<[^<>@\s]{1,200}@[^<>@\s]{1,200}>")
_MAX_VALUE: Final = 16 * 1024


def identifiers_in(value: str) -> tuple[str, ...]:
    """All that stand in a field, in order, none twice."""
    return tuple(dict.fromkeys(_IDENTIFIER.findall(value[-_MAX_VALUE:])))


def answered_by(message: Message) -> tuple[str, ...]:
    """The messages that this one says it answers, the newest last: In-Reply-To counts as newer than References."""
    found: list[str] = []
    for name in (b"references", b"in-reply-to"):
        value = (message.first(name) or b"")[-_MAX_VALUE:].decode("latin-1")
        found += identifiers_in(value)[-MOST:]
    return tuple(dict.fromkeys(found))[-MOST:]
