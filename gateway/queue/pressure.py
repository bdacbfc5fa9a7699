"""Whether more mail can be taken now: free disk, the length of the queue, and a ledger that commits. Says why not, in
words for people. Asked before any work is done for a client, so it never waits: the queue is counted in the background,
every other second and only while somebody asks.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.queue.ledger.writer import Health
from gateway.telemetry import log

FREE_DISK: Final = 256 * 1024 * 1024
"""Octets that must be free unless the caller says otherwise."""

MAX_QUEUED: Final = 100_000
"""Copies that may wait for a courier unless the caller says otherwise."""

STUCK: Final = 10.0
"""Seconds that a commit may take until we stop taking mail, and for which we take none after one that failed. A frozen
lock holder is killed within this time."""

COUNTED_EVERY: Final = 2.0
"""Seconds between two counts of the queue."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How little disk may be free (octets), and how many copies may wait."""

    free_disk: int = FREE_DISK
    queued: int = MAX_QUEUED


class Pressure:
    """The view of one process. `count` answers how many copies wait, up to the number it is given."""

    def __init__(
        self, folder: Path, bounds: Bounds, *, clock: Clock, health: Health, count: Callable[[int], Awaitable[int]]
    ) -> None:
        self._folder = folder
        self._bounds = bounds
        self._clock = clock
        self._health = health
        self._count = count
        self._queued = 0
        self._counted_at = -COUNTED_EVERY
        self._counting: asyncio.Future[None] | None = None

    def readiness(self) -> tuple[bool, str]:
        """Whether mail can be stored now, and if not, why."""
        why_not = self._ledger() or self._disk() or self._queue()
        return not why_not, why_not or "ready"

    async def settle(self) -> None:
        """Let a count that has begun end."""
        if self._counting is not None:
            await asyncio.wait([self._counting])

    def _ledger(self) -> str:
        health, now = self._health, self._clock.monotonic()
        if not health.alive:
            return "the ledger's writer has stopped"
        if health.oldest is not None and now - health.oldest > STUCK:
            return f"the ledger has not committed for {STUCK:.0f} seconds"
        if health.failed_at is not None and now - health.failed_at < STUCK:
            return f"the ledger's last commit failed: {health.failure}"
        return ""

    def _disk(self) -> str:
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            return f"the folder cannot be read: {error.strerror}"
        return f"only {free // 2**20} MiB of disk are free" if free < self._bounds.free_disk else ""

    def _queue(self) -> str:
        now = self._clock.monotonic()
        is_due = now - self._counted_at >= COUNTED_EVERY and (self._counting is None or self._counting.done())
        if is_due and _has_loop():
            self._counted_at = now
            self._counting = asyncio.ensure_future(self._recount())
        return f"{self._queued} copies wait in the queue" if self._queued >= self._bounds.queued else ""

    async def _recount(self) -> None:
        try:
            self._queued = await self._count(self._bounds.queued)
        except Exception as error:  # noqa: BLE001 - whatever the ledger raises, the last count holds until the next
            log().warning("the queue cannot be counted", error=type(error).__name__)


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False  # somebody asks from a thread: the last count holds
    return True
