"""Recipients in state UNSCANNED: which are due to be scanned, and what the scan makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from gateway.clock import Clock
from gateway.queue import acts
from gateway.queue.acts import Actor
from gateway.queue.ledger.acting import act
from gateway.queue.ledger.readers import Readers
from gateway.queue.ledger.rescanning import Postponement, postpone, unscanned_due
from gateway.queue.ledger.writer import Writer
from gateway.queue.records import Unscanned


@dataclass(frozen=True, slots=True)
class Rescans:
    """One custody's."""

    writer: Writer
    readers: Readers
    clock: Clock

    async def due(self, *, limit: int) -> list[Unscanned]:
        """Those that are due, the longest waiting first."""
        return await self.readers.ask(partial(unscanned_due, now=self.clock.now(), limit=limit))

    async def pass_on(self, recipient_id: int, *, actor: str, reason: str) -> bool:
        """UNSCANNED to QUEUED. False: it was not waiting to be scanned any more."""
        wanted = acts.pass_scanned(recipient_id, Actor(actor, reason), at=self.clock.now())
        return (await self.writer.submit(act, wanted)).done

    async def hold(self, recipient_id: int, *, actor: str, reason: str, quarantine: str, expires_at: float) -> bool:
        """UNSCANNED to HELD. False: it was not waiting to be scanned any more."""
        by, now = Actor(actor, reason), self.clock.now()
        wanted = acts.hold_scanned(recipient_id, by, at=now, quarantine=quarantine, expires_at=expires_at)
        return (await self.writer.submit(act, wanted)).done

    async def postpone(self, recipient_id: int, *, due: float) -> None:
        """Scan it at `due`, not before."""
        await self.writer.submit(postpone, Postponement(recipient_id, due))
