"""Answers kept for as long as their owners allow, within bounds of number and size (RFC 1034 section 4.3.4, RFC 2308).

Failures are kept too, briefly (RFC 9520), so that one dead domain is not asked again for each of its messages. Never
asks anybody.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from gateway.checks.dns.answers import Answer, Question, Status
from gateway.clock import Clock

# Seconds. The floor lets all checks of one message see one answer even where the owner says 0.
MIN_TTL: Final = 5.0
MAX_TTL: Final = 3600.0
MAX_NEGATIVE_TTL: Final = 300.0
FAILURE_TTL: Final = 5.0

MAX_OCTETS: Final = 32 * 1024 * 1024
_ENTRY_OVERHEAD: Final = 300
"""Octets that an entry costs beside its text, about."""


@dataclass(frozen=True, slots=True)
class _Entry:
    answer: Answer
    expires: float
    size: int


class Cache:
    """The least recently used entries go first when a bound is reached. One event loop's; not for threads."""

    def __init__(self, *, entries: int, clock: Clock, octets: int = MAX_OCTETS) -> None:
        self._entries: OrderedDict[Question, _Entry] = OrderedDict()
        self._limit = entries
        self._octets_limit = octets
        self._octets = 0
        self._clock = clock

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def octets(self) -> int:
        """Memory held, about."""
        return self._octets

    def get(self, asked: Question) -> Answer | None:
        """The answer while it lives."""
        entry = self._entries.get(asked)
        if entry is None:
            return None
        if entry.expires <= self._clock.monotonic():
            self._drop(asked)
            return None
        self._entries.move_to_end(asked)
        return entry.answer

    def put(self, asked: Question, answer: Answer) -> None:
        """Keep an answer for its time to live, clamped."""
        if asked in self._entries:
            self._drop(asked)
        size = _ENTRY_OVERHEAD + len(asked.name) + sum(map(len, answer.records))
        self._entries[asked] = _Entry(answer, self._clock.monotonic() + _lifetime(answer), size)
        self._octets += size
        while self._entries and (len(self._entries) > self._limit or self._octets > self._octets_limit):
            self._drop(next(iter(self._entries)))

    def _drop(self, asked: Question) -> None:
        self._octets -= self._entries.pop(asked).size


def _lifetime(answer: Answer) -> float:
    if answer.failed:
        return FAILURE_TTL
    ceiling = MAX_TTL if answer.status is Status.OK else MAX_NEGATIVE_TTL
    return min(max(answer.ttl, MIN_TTL), ceiling)
