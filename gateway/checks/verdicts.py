"""What a malware engine said about octets, kept by their hash and by the signatures it said it with: the same octets
are asked about again at a retry, at a release, and in campaigns. Only what the engine said in so many words is kept,
never doubt. Never asks anybody."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from typing import Final

from gateway.facts.content import MalwareFact
from gateway.mail.message import Octets

ENTRIES: Final = 10_000
"""Verdicts kept, of 0.5 KB each."""
_AT_ONCE: Final = 1024 * 1024
"""Octets hashed on the loop: 0.7 ms. What is larger is hashed in a thread."""


class Verdicts:
    """The least recently used go first. One event loop's; not for threads."""

    def __init__(self, entries: int = ENTRIES) -> None:
        self._entries: OrderedDict[tuple[bytes, str], MalwareFact] = OrderedDict()
        self._limit = entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, digest: bytes, signatures: str) -> MalwareFact | None:
        """What was said about these octets with the same signatures."""
        fact = self._entries.get((digest, signatures))
        if fact is not None:
            self._entries.move_to_end((digest, signatures))
        return fact

    def put(self, digest: bytes, fact: MalwareFact) -> None:
        """Keep what was said, under the signatures that the fact names."""
        self._entries[digest, fact.signatures] = fact
        while len(self._entries) > self._limit:
            self._entries.popitem(last=False)


async def digest_of(octets: Octets) -> bytes:
    """SHA-256 of the octets."""
    if len(octets) <= _AT_ONCE:
        return hashlib.sha256(octets).digest()
    return await asyncio.to_thread(lambda: hashlib.sha256(octets).digest())
