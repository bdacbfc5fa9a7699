"""Upkeep: what keeps custody clean while mail flows. Holds end, old records go, orphans are collected, sums checked.

Every step is a short transaction of its own, so nobody waits long. Never touches anything that is owed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.clock import Clock, pause
from gateway.queue.custody import Custody
from gateway.queue.ledger import asking
from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.retaining import (
    Before,
    Drift,
    end_holds,
    forget_deeds,
    forget_destinations,
    forget_messages,
    forget_refusals,
    forget_tallies,
    mend_drift,
)
from gateway.telemetry import log

LOCK: Final = "upkeep.lock"
DAY: Final = 86400.0


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days records are kept after the last thing happened to them."""

    messages: float = 30.0
    refusals: float = 30.0
    tallies: float = 400.0


@dataclass(frozen=True, slots=True)
class UpkeepReport:
    """What one round did. `drift` is empty, or there is a mistake in the program."""

    holds_ended: int = 0
    messages: int = 0
    refusals: int = 0
    orphans: tuple[str, ...] = ()
    drift: tuple[Drift, ...] = ()


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Rounds of upkeep over one custody. Of all processes one does it at a time."""

    custody: Custody
    clock: Clock
    retention: Retention = Retention()

    async def run(self, stop: asyncio.Event, *, interval: float = 300.0) -> None:
        """A round every `interval` seconds until told to stop. A round that fails is logged; the next one tries
        again."""
        while not stop.is_set():
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 - logged, and tried again: mail must flow without upkeep
                log().error("upkeep failed", error=str(error))
            await pause(interval, until=stop)

    async def round(self) -> UpkeepReport | None:
        """One round. None: another process is at it."""
        lock = FileLock(self.custody.folder / LOCK)
        try:
            return await self._round() if lock.try_acquire() else None
        finally:
            lock.close()

    async def _round(self) -> UpkeepReport:
        now, retention = self.clock.now(), self.retention
        submit = self.custody.writer.submit
        report = UpkeepReport(
            holds_ended=await self._end_holds(now),
            messages=await _until_none(lambda: submit(forget_messages, Before(now - retention.messages * DAY))),
            refusals=await _until_none(lambda: submit(forget_refusals, Before(now - retention.refusals * DAY))),
            orphans=await asyncio.to_thread(self._collect_orphans),
            drift=tuple(await submit(mend_drift, None)),
        )
        await submit(forget_deeds, Before(now - retention.tallies * DAY))
        await submit(forget_tallies, Before(now - retention.tallies * DAY))
        await submit(forget_destinations, Before(now - retention.messages * DAY))
        for each in report.drift:
            log().error("a destination's next due time was wrong", destination=each.destination, was=each.recorded)
        return report

    async def _end_holds(self, now: float) -> int:
        number = 0
        while ended := await self.custody.writer.submit(end_holds, now):
            number += len(ended)
            await asyncio.to_thread(self.custody.spool.remove_all, [each for each in ended if each])
        return number

    def _collect_orphans(self) -> tuple[str, ...]:
        def is_owed(message_id: int) -> bool:
            return self.custody.readers.ask_now(partial(asking.owes, message_id=message_id))

        return tuple(self.custody.spool.collect(is_owed=is_owed))


async def _until_none(forget: Callable[[], Awaitable[int]]) -> int:
    total = 0
    while number := await forget():
        total += number
    return total
