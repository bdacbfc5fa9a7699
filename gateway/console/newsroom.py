"""News of the ledger for everybody who is connected: asked for once per process, fanned out to all.

Each listener keeps a cursor of its own, so one that was away, or is slow, misses nothing: what has left this memory is
read from the ledger again. Never decides who may see what: `live.py` does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gateway.queue.custody import Custody
from gateway.queue.records import Event
from gateway.telemetry import log

INTERVAL: Final = 0.3
"""Seconds between two looks at the ledger."""
REMEMBERED: Final = 2000
BATCH: Final = 500


class Newsroom:
    """The newest events, and a bell that rings when there are more."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._events: deque[Event] = deque(maxlen=REMEMBERED)
        self._head = 0
        self._rung = asyncio.Condition()
        self._failing = False
        self.listeners = 0

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count one listener for as long as it listens."""
        self.listeners += 1
        try:
            yield
        finally:
            self.listeners -= 1

    @property
    def head(self) -> int:
        """The sequence number up to which everything has been seen."""
        return self._head

    async def begin(self) -> None:
        """Start from the newest event there is. Raises what the ledger raises."""
        self._head = await self._custody.last_sequence()

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                # A full batch means that there is more: look again at once, or a busy hour would be told late.
                while await self.look() == BATCH:
                    pass
                self._failing = False
            except Exception as error:  # noqa: BLE001 - whatever the ledger raises, the next look may work again
                if not self._failing:
                    log().warning("the ledger cannot be read for news", error=type(error).__name__)
                self._failing = True
            await asyncio.sleep(INTERVAL)

    async def look(self) -> int:
        """Take in what is new, at most `BATCH`, and ring if there was anything. Answers how many."""
        events = await self._custody.events_after(self._head, limit=BATCH)
        if events:
            async with self._rung:
                self._events.extend(events)
                self._head = events[-1].sequence
                self._rung.notify_all()
        return len(events)

    async def after(self, cursor: int) -> list[Event]:
        """The events after that number, oldest first, at most `BATCH`; waits until there is one."""
        async with self._rung:
            await self._rung.wait_for(lambda: self._head > cursor)
            if self._events and self._events[0].sequence <= cursor + 1:
                return [event for event in self._events if event.sequence > cursor][:BATCH]
        return await self._custody.events_after(cursor, limit=BATCH)
