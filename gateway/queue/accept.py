"""Taking responsibility (RFC 5321 section 6.1): when `accept` returns, the message is durable and ours.

Judges nothing, answers nobody. The order of the steps is the argument; each comment says what a crash there leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from gateway.queue.changed import Changed
from gateway.queue.identifiers import Identifiers, text_of
from gateway.queue.ledger.accepting import BEGINNINGS, Deposit, store_together
from gateway.queue.ledger.story import Happening
from gateway.queue.ledger.writer import Steps, Writer
from gateway.queue.records import Acceptance
from gateway.queue.spool import Incoming, Spool

_ROW_OCTETS = 4096
"""What a message adds to a batch besides its octets: evidence, recipients, events. A guess is enough for a bound."""


async def accept(
    acceptance: Acceptance,
    incoming: Incoming,
    *,
    message_id: int,
    at: float,
    spool: Spool,
    writer: Writer,
    identifiers: Identifiers,
    steps: Steps,
    changed: Sequence[Changed] = (),
) -> int:
    """Make octets and rows durable, then return the message's id. Raises OSError or a ledger error: then the message is
    not ours, and the client must be told to come again. What is `changed` of it is taken with it, or not at all."""
    for each in (acceptance, *(other.acceptance for other in changed)):
        refuse_nonsense(each)
    incoming.finish()
    steps("accept:begun")
    # A crash up to here leaves at most a file under its arriving name. The client was told nothing and comes again;
    # upkeep removes the file, since nobody locks it any more.
    with ExitStack() as undoing:
        taken = [await _settled(acceptance, incoming, message_id, at=at, spool=spool, identifiers=identifiers,
                                steps=steps)]  # fmt: skip
        sinks = [incoming]
        for other in changed:
            sink = spool.incoming(other.message_id)
            undoing.callback(sink.discard)
            await asyncio.to_thread(sink.write, other.octets)
            sink.finish()
            deposit = await _settled(
                other.acceptance, sink, other.message_id, at=at, spool=spool, identifiers=identifiers, steps=steps
            )
            taken.append(_told(deposit, other, of=message_id))
            taken[0] = _told(taken[0], other, of=other.message_id)
            sinks.append(sink)
        # One transaction has the message, its recipients, its events and small octets, and the same of what was changed
        # of it. A crash before its commit leaves none of them, after it all of them; a row that names a spool file is
        # never durable before the file is.
        size = sum(_ROW_OCTETS + len(each.octets or b"") for each in taken)
        committed = writer.submit(store_together, tuple(taken), octets=size)
        # Shielded: if whoever waits is cancelled, the commit still happens, and the files must stay locked until then.
        # Should the ledger refuse, they are left to upkeep: only the ledger knows for sure what became of a commit.
        for sink in sinks:
            sink.entrust()
            committed.add_done_callback(partial(_let_go, sink))
    await asyncio.shield(committed)
    steps("accept:committed")
    # A crash from here on, before the client hears our 250, makes the client send the message again: a duplicate,
    # never a loss. That window is what SMTP leaves open (RFC 1047).
    return message_id


async def _settled(
    acceptance: Acceptance,
    incoming: Incoming,
    message_id: int,
    *,
    at: float,
    spool: Spool,
    identifiers: Identifiers,
    steps: Steps,
) -> Deposit:
    """What the ledger is told, once the octets that it will not hold are durable."""
    if incoming.is_spooled:
        # Flush the file, rename it, flush the folder: in this order, so that a final name never stands for octets that
        # are not on the disk. A crash between the steps leaves an arriving file, or a final name that no ledger row
        # knows: both are orphans for upkeep.
        await asyncio.to_thread(incoming.settle, spool.folder, message_id, steps)
    return Deposit(
        message_id=message_id,
        recipient_ids=tuple(identifiers.next() for _ in acceptance.recipients),
        acceptance=acceptance,
        size=incoming.size,
        octets=None if incoming.is_spooled else bytes(incoming.finish()),
        at=at,
    )


def _let_go(sink: Incoming, _: object) -> None:
    sink.let_go()


def _told(deposit: Deposit, changed: Changed, *, of: int) -> Deposit:
    """The deposit, whose story says how it belongs together with another message: once for each recipient who gets the
    changed form, since what the policy says of one is none of another's business."""
    detail = {**changed.told, "other": text_of(of)}
    told = tuple(
        Happening(deposit.at, deposit.message_id, "stripped", each.recipient.address.key, detail=detail)
        for each in changed.acceptance.recipients
    )
    return replace(deposit, also=(*deposit.also, *told))


def refuse_nonsense(acceptance: Acceptance) -> None:
    """Raises ValueError for what must not enter custody."""
    if not acceptance.recipients:
        raise ValueError("a message has at least one recipient")
    for each in acceptance.recipients:
        if each.state not in BEGINNINGS:
            raise ValueError(f"no recipient begins as {each.state}")
