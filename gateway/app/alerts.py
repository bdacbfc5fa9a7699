"""What people should know and mend: raised once however often and in however many processes it shows, kept in the
counters for the console, and gone when it has not shown for a while."""

from __future__ import annotations

from typing import Final

from gateway.counters.counters import Counters
from gateway.counters.records import Note
from gateway.telemetry import log

TOPIC: Final = "alert"

STANDS: Final = 3600.0
"""Seconds that an alert stands after it showed last."""

QUIET: Final = 300.0
"""Seconds for which one process does not repeat itself to the counters."""


class Alerts:
    """Raises alerts, and lists them."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._raised: dict[str, float] = {}

    async def raise_one(self, name: str, words: str) -> None:
        """Say it once. `name` tells alerts apart, `words` are for people."""
        now = self._counters.now()
        if now - self._raised.get(name, -QUIET) < QUIET:
            return
        self._raised[name] = now
        if await self._counters.remember(TOPIC, {name: words}, seconds=STANDS):
            log().error("alert", name=name, words=words)

    async def standing(self) -> list[Note]:
        """Those that stand, the newest first."""
        return await self._counters.notes(TOPIC, limit=100)
