"""What one process counts and remembers by itself while the shared file cannot be asked. Bounded; forgets what was
used the longest ago."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from gateway.counters import rates, windows
from gateway.counters.records import Counted, Note, Take
from gateway.counters.windows import Window

MAX_KEYS: Final = 20_000


class LocalCounters:
    """The same answers as the file's, from memory. `share` is the part of each limit that is this process's own: with
    four processes that cannot speak to each other, a quarter."""

    def __init__(self, *, share: float = 1.0) -> None:
        self._share = share
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._notes: OrderedDict[tuple[str, str], Note] = OrderedDict()

    def count(self, takes: Sequence[Take], *, now: float) -> Counted:
        """Count all of them, or none if one would go over its limit."""
        own, found = self._own(takes, now=now)
        exhausted = rates.first_exhausted(own, found, now=now)
        if exhausted is None:
            found = [Window(each.slot, each.current + take.amount, each.previous)
                     for take, each in zip(own, found, strict=True)]  # fmt: skip
            for take, window in zip(own, found, strict=True):
                self._windows[take.key] = window
                self._windows.move_to_end(take.key)
            _shorten(self._windows)
        return Counted(exhausted, rates.levels(own, found, now=now))

    def peek(self, takes: Sequence[Take], *, now: float) -> Counted:
        """What `count` would answer, without counting."""
        own, found = self._own(takes, now=now)
        return Counted(rates.first_exhausted(own, found, now=now), rates.levels(own, found, now=now))

    def _own(self, takes: Sequence[Take], *, now: float) -> tuple[list[Take], list[Window]]:
        own = [replace(take, limit=max(take.limit * self._share, min(take.limit, 1.0))) for take in takes]
        return own, [windows.at(self._windows.get(take.key), now, seconds=take.seconds) for take in takes]

    def remember(self, topic: str, notes: Mapping[str, str], *, now: float, until: float) -> frozenset[str]:
        """Write them down. The keys that nothing was known of."""
        known = self.recall(topic, notes, now=now)
        for key, value in notes.items():
            self._notes[topic, key] = Note(key, value, now, until)
            self._notes.move_to_end((topic, key))
        _shorten(self._notes)
        return frozenset(notes) - frozenset(known)

    def recall(self, topic: str, keys: Collection[str], *, now: float) -> dict[str, Note]:
        """What is known of these keys."""
        found = {key: self._notes.get((topic, key)) for key in keys}
        return {key: note for key, note in found.items() if note is not None and note.until > now}


def _shorten(kept: OrderedDict[str, Window] | OrderedDict[tuple[str, str], Note]) -> None:
    while len(kept) > MAX_KEYS:
        kept.popitem(last=False)
