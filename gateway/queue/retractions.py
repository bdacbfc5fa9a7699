"""Copies that were delivered into our own store, and taking them back: the octets return into custody before anything
is removed from the store, so a crash leaves two copies for a while, never none."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial

from gateway.clock import Clock
from gateway.queue.ledger import retracting
from gateway.queue.ledger.asking import owes
from gateway.queue.ledger.readers import Readers
from gateway.queue.ledger.retracting import Note, Retraction, note, removed, retract
from gateway.queue.ledger.writer import Writer
from gateway.queue.records import DeliveredCopy, Retracted
from gateway.queue.spool import Spool


@dataclass(frozen=True, slots=True)
class Retractions:
    """One custody's."""

    spool: Spool
    writer: Writer
    readers: Readers
    clock: Clock

    async def copies(self, *, since: float, after: int, destination: str, limit: int) -> list[DeliveredCopy]:
        """Copies of messages that were accepted after `since` and delivered there; `after` is the id of the last one
        seen."""
        question = partial(retracting.delivered_copies, since=since, after=after, destination=destination, limit=limit)
        return await self.readers.ask(question)

    async def take_back(
        self, copy: DeliveredCopy, octets: bytes, *, quarantine: str, expires_at: float, actor: str, reason: str
    ) -> bool:
        """DELIVERED to HELD; durable when it returns. False: it was not delivered any more. Raises OSError or a ledger
        error: then nothing has changed."""
        is_here = await self.readers.ask(partial(owes, message_id=copy.message_id))
        incoming = self.spool.incoming(copy.recipient_id)
        try:
            if not is_here:
                incoming.write(octets)
            if incoming.is_spooled:
                await asyncio.to_thread(incoming.settle, self.spool.folder, copy.message_id, self.writer.steps)
            wanted = Retraction(
                recipient_id=copy.recipient_id,
                message_id=copy.message_id,
                octets=None if is_here or incoming.is_spooled else octets,
                spooled=incoming.is_spooled,
                quarantine=quarantine,
                expires_at=expires_at,
                actor=actor,
                reason=reason,
                at=self.clock.now(),
            )
            done = await self.writer.submit(retract, wanted, octets=len(octets))
            incoming.entrust()
            return done
        finally:
            incoming.discard()
            incoming.let_go()

    async def left(self) -> list[Retracted]:
        """Those that were taken back, and whose copies are still in the store."""
        return await self.readers.ask(retracting.left_in_store)

    async def removed(self, recipient_id: int) -> None:
        """The copy in the store is gone."""
        await self.writer.submit(removed, (recipient_id, self.clock.now()))

    async def note(self, recipient_id: int, *, kind: str, actor: str, reason: str) -> None:
        """Write something about a copy into its message's story."""
        await self.writer.submit(note, Note(recipient_id, kind, actor, reason, self.clock.now()))
