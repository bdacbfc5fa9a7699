"""Custody: the one object through which other rooms give mail to the queue, get it back, and ask about it.

A facade: it passes requests to the ledger's writer or readers and looks after spool files. Decides nothing itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from gateway.clock import Clock
from gateway.mail.message import Octets
from gateway.queue import accept as accepting
from gateway.queue import acts, bouncing
from gateway.queue.acts import Actor, Bulk
from gateway.queue.changed import Changed
from gateway.queue.deeds import Deed
from gateway.queue.identifiers import Identifiers, text_of
from gateway.queue.ledger import asking, judging, searching
from gateway.queue.ledger.accepting import Deposit
from gateway.queue.ledger.acting import Act, act
from gateway.queue.ledger.claiming import BackOff, ClaimRequest, back_off, claim, renew, take_back
from gateway.queue.ledger.connection import LOCK, bring_up_to_date, writer_engine
from gateway.queue.ledger.finishing import Ending, finish
from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.noting import Noted, note
from gateway.queue.ledger.readers import Readers
from gateway.queue.ledger.refusing import NewRefusal, record
from gateway.queue.ledger.writer import Steps, Writer, no_steps, nothing
from gateway.queue.numbers import take_number
from gateway.queue.pressure import FREE_DISK, MAX_QUEUED, Bounds, Pressure
from gateway.queue.records import (
    Acceptance,
    Attempt,
    Bounce,
    Claim,
    DestinationRecord,
    Event,
    HeldItem,
    HeldQuery,
    JudgedMail,
    MessageRecord,
    MinuteCount,
    QueueItem,
    Refusal,
    RefusalRecord,
    Selection,
    TrackQuery,
    TrackRow,
)
from gateway.queue.rescans import Rescans
from gateway.queue.retractions import Retractions
from gateway.queue.spool import Incoming, OctetsGone, Spool
from gateway.queue.states import DELIVERABLE, State
from gateway.telemetry import log

WAITING_REFUSALS: Final = 2000
"""Refusals that may wait for a commit before whoever refuses has to wait as well."""


class Custody:
    """One for each process. Safe to use from one event loop; several processes open the same folder at a time."""

    def __init__(
        self, *, folder: Path, clock: Clock, spool: Spool, writer: Writer, readers: Readers, identifiers: Identifiers,
        number: FileLock, bounds: Bounds,
    ) -> None:  # fmt: skip
        self.folder = folder
        self.spool = spool
        self.writer = writer
        self.readers = readers
        self._clock = clock
        self._identifiers = identifiers
        self._number = number
        self._pressure = Pressure(
            folder, bounds, clock=clock, health=writer.health, count=lambda most: self.readers.ask(
                partial(asking.number_waiting, most=most)
            ),
        )  # fmt: skip
        self._trial: asyncio.Future[None] | None = None
        self._refusals: set[asyncio.Future[int]] = set()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Clock,
        node: int = 0,
        free_disk: int = FREE_DISK,
        queued: int = MAX_QUEUED,
        steps: Steps = no_steps,
    ) -> Custody:
        """Open the ledger in the folder, creating or migrating it, and start the writer thread.

        `node` is the first number to try for this process (see `numbers.py`). No mail is taken with less than
        `free_disk` octets free, or with `queued` copies waiting. `steps` is for crash tests.
        Raises OSError, `LedgerTooNew` or `NoNumberLeft`.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        engine, lock = writer_engine(folder), FileLock(folder / LOCK)
        bring_up_to_date(engine, lock)
        node, number = take_number(folder / "numbers", first=node)
        readers = Readers.open(folder)
        identifiers = Identifiers(clock, node=node, after=readers.ask_now(asking.last_identifier))
        writer = Writer(engine, lock, clock, steps)
        writer.start()
        return cls(
            folder=folder,
            clock=clock,
            spool=Spool(folder / "spool"),
            writer=writer,
            readers=readers,
            identifiers=identifiers,
            number=number,
            bounds=Bounds(free_disk, queued),
        )

    async def close(self) -> None:
        """Write what waits, then close everything. Nothing may be asked afterwards."""
        await self._pressure.settle()
        await asyncio.to_thread(self.writer.close)
        await asyncio.to_thread(self.readers.close, self.writer.lock)
        self.writer.lock.close()
        self._number.close()

    # ---------------------------------------------------------------- taking

    def incoming(self) -> Incoming:
        """A sink for the octets of one DATA."""
        return self.spool.incoming(self.new_id())

    def new_id(self) -> int:
        """An identifier, larger than all that this process made before."""
        return self._identifiers.next()

    async def accept(
        self,
        acceptance: Acceptance,
        incoming: Incoming,
        *,
        message_id: int | None = None,
        changed: Sequence[Changed] = (),
    ) -> int:
        """Take responsibility, for what was `changed` of the message too; returns the message's id only when all is
        durable. Raises OSError, ValueError or a ledger error: then nothing was taken."""
        return await accepting.accept(
            acceptance,
            incoming,
            message_id=self.new_id() if message_id is None else message_id,
            at=self._clock.now(),
            spool=self.spool,
            writer=self.writer,
            identifiers=self._identifiers,
            steps=self.writer.steps,
            changed=changed,
        )

    async def record_refusal(self, refusal: Refusal) -> None:
        """Record a refusal. Returns before it is durable, unless so many wait that the refuser must slow down."""
        written = self.writer.submit(record, NewRefusal(self.new_id(), refusal))
        self._refusals.add(written)
        written.add_done_callback(self._refusal_written)
        if len(self._refusals) > WAITING_REFUSALS:
            await asyncio.wait([written])

    def _refusal_written(self, written: asyncio.Future[int]) -> None:
        self._refusals.discard(written)
        if not written.cancelled() and (error := written.exception()) is not None:
            log().error("a refusal could not be recorded", error=str(error))

    def readiness(self) -> tuple[bool, str]:
        """Whether mail can be stored now, and if not, why. Never waits."""
        return self._pressure.readiness()

    def try_to_commit(self) -> None:
        """Commit nothing, without waiting for it: a process that writes seldom learns so whether the ledger commits."""
        if self._trial is None or self._trial.done():
            self._trial = self.writer.submit(nothing, None)
            self._trial.add_done_callback(_seen)

    # ---------------------------------------------------------------- passing on

    async def claim(
        self, owner: str, *, lease: float, destinations: int = 50, per_destination: int = 20
    ) -> list[Claim]:
        """Recipients that the owner may attempt now, for `lease` seconds. Their attempt number is durable already.

        At most `per_destination` recipients of a destination are in flight at a time, over all owners.
        """
        now = self._clock.now()
        return await self.writer.submit(claim, ClaimRequest(owner, now, now + lease, destinations, per_destination))

    async def take_back(self, owner: str) -> int:
        """End the leases that a dead process of that name has left, so that they need not run out; how many there were.
        Only for who knows that it is dead: what it had in hand is attempted again."""
        return await self.writer.submit(take_back, (owner, self._clock.now()))

    async def renew(self, claims: Sequence[Claim], *, lease: float) -> None:
        """Extend leases to `lease` seconds from now; what another took over meanwhile stays with it."""
        await self.writer.submit(renew, (tuple(claims), self._clock.now() + lease))

    async def back_off(self, destination: str, *, until: float, reply: str = "") -> None:
        """Claim nothing for this destination before `until`. A delivery, or a person's retry, ends it earlier."""
        await self.writer.submit(back_off, BackOff(destination, until, reply, self._clock.now()))

    async def finish(self, claim: Claim, attempt: Attempt, *, bounce: Bounce | None = None) -> bool:
        """Record how an attempt ended, with the bounce that it causes. False: somebody else owns the recipient now,
        and nothing was recorded. Raises `IllegalTransition`."""
        deposit = None if bounce is None else self._deposit(bounce)
        size = 0 if bounce is None else len(bounce.octets)
        finished = await self.writer.submit(finish, Ending(claim, attempt, deposit), octets=size)
        await self._remove_closed([finished.closed])
        return finished.counted

    def _deposit(self, bounce: Bounce) -> Deposit:
        return bouncing.deposit(bounce, message_id=self.new_id(), recipient_id=self.new_id())

    async def octets(self, message_id: int) -> Octets:
        """The octets as received. Raises `OctetsGone`."""
        _, _, octets = await self._octets_row(message_id)
        return self.spool.octets(message_id) if octets is None else octets

    async def delivered_octets(self, message_id: int) -> bytes:
        """The octets as they are delivered: what we add in front, then the received ones without the cuts. Raises
        `OctetsGone`."""
        prefix, cuts, octets = await self._octets_row(message_id)
        if octets is not None:
            return as_delivered(prefix, cuts, octets)
        return await asyncio.to_thread(as_delivered, prefix, cuts, self.spool.octets(message_id))

    async def _octets_row(self, message_id: int) -> asking.OctetsRow:
        row = await self.readers.ask(partial(asking.octets_row, message_id=message_id))
        if row is None:
            raise OctetsGone(text_of(message_id))
        return row

    # ---------------------------------------------------------------- people's acts

    async def release(self, recipient_id: int, *, actor: str, reason: str) -> bool:
        """HELD to QUEUED. False: it was not held any more."""
        return await self._act(acts.release(recipient_id, Actor(actor, reason), at=self._clock.now()))

    @property
    def rescans(self) -> Rescans:
        """Mail that waits to be scanned."""
        return Rescans(self.writer, self.readers, self._clock)

    @property
    def retractions(self) -> Retractions:
        """Delivered copies, and taking them back."""
        return Retractions(self.spool, self.writer, self.readers, self._clock)

    async def delete(self, recipient_id: int, *, actor: str, reason: str) -> bool:
        """HELD, UNSCANNED, QUEUED, DEFERRED or CORRUPT to DROPPED. False: it was in none of these, or in a courier's
        hands."""
        return await self._act(acts.delete(recipient_id, Actor(actor, reason), at=self._clock.now()))

    async def note(
        self, deed: Deed, *, actor: str, recipient: str = "", message_id: int | None = None, detail: dict[str, str]
    ) -> None:
        """Put on record what somebody did that moves no mail. Durable when this returns."""
        which = self.new_id() if message_id is None else message_id
        await self.writer.submit(note, Noted(which, deed, self._clock.now(), actor, recipient, dict(detail)))

    async def _act(self, wanted: Act) -> bool:
        acted = await self.writer.submit(act, wanted)
        await self._remove_closed([acted.closed])
        return acted.done

    async def retry(self, selection: Selection, *, actor: str, reason: str = "") -> int:
        """Make DEFERRED and CORRUPT recipients due now, and end the back-off of where they go. Answers how many."""
        now = self._clock.now()
        bulk, by = Bulk(self.writer, self.readers, now), Actor(actor, reason)
        done = []
        for state in acts.RETRIES:
            done += await bulk.each(selection, state, partial(acts.retry, by=by, at=now, state=state))
        for name in sorted({each.destination for each in done} | {selection.destination} - {""}):
            await bulk.wake(name)
        return len(done)

    async def hold(
        self,
        selection: Selection,
        *,
        actor: str,
        reason: str,
        quarantine: str = "",
        expires_at: float | None = None,
    ) -> int:
        """UNSCANNED, QUEUED, DEFERRED and CORRUPT to HELD, under the quarantine named or the one they were in. Answers
        how many."""
        now = self._clock.now()
        bulk, by = Bulk(self.writer, self.readers, now), Actor(actor, reason)
        each = partial(acts.hold, by=by, at=now, quarantine=quarantine, expires_at=expires_at)
        return sum([len(await bulk.each(selection, state, each)) for state in sorted(acts.HOLDABLE)])

    async def delete_selected(self, selection: Selection, *, actor: str, reason: str) -> int:
        """What `delete` does, to all that the selection finds waiting for a courier. Held ones are not meant."""
        now = self._clock.now()
        bulk, by = Bulk(self.writer, self.readers, now), Actor(actor, reason)
        number = 0
        for state in sorted(acts.HOLDABLE):
            acted = await bulk.each(selection, state, partial(acts.delete, by=by, at=now))
            await self._remove_closed([each.closed for each in acted])
            number += len(acted)
        return number

    async def _remove_closed(self, messages: Sequence[int | None]) -> None:
        """After the commit, never before: a crash in between leaves an orphan, not a row without octets."""
        closed = [each for each in messages if each is not None]
        if closed:
            await asyncio.to_thread(self.spool.remove_all, closed)
            self.writer.steps("spool:removed")

    # ---------------------------------------------------------------- asking

    async def held(self, query: HeldQuery, *, after: int | None, limit: int) -> list[HeldItem]:
        """Held recipients that meet the query, newest first; `after` is the id of the last one seen."""
        return await self.readers.ask(partial(searching.held, query=query, after=after, limit=limit))

    async def held_item(self, recipient_id: int) -> HeldItem | None:
        """One recipient that is held, or was (see its state)."""
        return await self.readers.ask(partial(searching.held_item_of, recipient_id=recipient_id))

    async def held_counts(self, *, recipients: Collection[str] | None) -> dict[str, int]:
        """How many are held in each quarantine, among those whom the viewer may see."""
        return await self.readers.ask(partial(searching.held_counts, recipients=recipients))

    async def message(self, message_id: int) -> MessageRecord | None:
        """A message with its recipients."""
        return await self.readers.ask(partial(asking.find_message, message_id=message_id))

    async def refusal(self, refusal_id: int) -> RefusalRecord | None:
        """A recorded refusal."""
        return await self.readers.ask(partial(asking.find_refusal, refusal_id=refusal_id))

    async def events(self, message_id: int) -> list[Event]:
        """The story of a message or a refusal, oldest first."""
        return await self.readers.ask(partial(asking.events_of, message_id=message_id))

    async def events_after(self, sequence: int, *, limit: int) -> list[Event]:
        """What happened after an event, oldest first: for pages that reconnect."""
        return await self.readers.ask(partial(asking.events_after, sequence=sequence, limit=limit))

    async def last_sequence(self) -> int:
        """The number of the newest event, from which a new page goes on."""
        return await self.readers.ask(asking.last_sequence)

    async def queue_summary(self) -> list[DestinationRecord]:
        """Destinations with something waiting, the largest first."""
        return await self.readers.ask(asking.queue_summary)

    async def queue_items(
        self,
        *,
        destination: str = "",
        states: frozenset[State] = DELIVERABLE,
        after: int | None = None,
        limit: int = 100,
    ) -> list[QueueItem]:
        """Live recipients in these states, newest first; `after` is the id of the last one seen."""
        question = partial(asking.queue_items, destination=destination, states=states, after=after, limit=limit)
        return await self.readers.ask(question)

    async def track(self, query: TrackQuery, *, limit: int, after: int | None = None) -> list[TrackRow]:
        """Messages and refusals that meet the query, newest first; `after` is the id of the last one seen."""
        return await self.readers.ask(partial(searching.track, query=query, after=after, limit=limit))

    async def judged_between(self, *, begin: float, end: float, after: int, limit: int) -> list[JudgedMail]:
        """Inbound messages judged in a span of time, oldest first; `after` is the id of the last one seen, or 0."""
        question = partial(judging.judged_between, begin=begin, end=end, after=after, limit=limit)
        return await self.readers.ask(question)

    async def counts_since(self, at: float) -> dict[str, int]:
        """Events by kind since the minute of `at`; "waiting" and "held_now" say what is the case now."""
        return await self.readers.ask(partial(asking.counts_since, at=at))

    async def minutes_since(self, at: float) -> list[MinuteCount]:
        """Events by minute and kind since `at`, oldest first."""
        return await self.readers.ask(partial(asking.minutes_since, at=at))


def as_delivered(prefix: bytes, cuts: Sequence[tuple[int, int]], octets: Octets) -> bytes:
    """What we add, then the octets without the ranges cut out; the cuts are in order and do not overlap."""
    kept, position = [prefix], 0
    for start, end in cuts:
        kept.append(octets[position:start])
        position = end
    kept.append(octets[position:])
    return b"".join(kept)


def _seen(trial: asyncio.Future[None]) -> None:
    if not trial.cancelled():
        trial.exception()  # it stands in the writer's health
