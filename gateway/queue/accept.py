"""Taking responsibility (RFC 5321 section 6.1): when `accept` returns, the message is durable and ours.

Judges nothing, answers nobody. The order of the steps is the argument; each comment says what a crash there leaves.
"""

from __future__ import annotations

import asyncio

from gateway.queue.identifiers import Identifiers
from gateway.queue.ledger.accepting import BEGINNINGS, Deposit, store
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
) -> int:
    """Make octets and rows durable, then return the message's id. Raises OSError or a ledger error: then the message is
    not ours, and the client must be told to come again."""
    refuse_nonsense(acceptance)
    octets = incoming.finish()
    steps("accept:begun")
    # A crash up to here leaves at most a file under its arriving name. The client was told nothing and comes again;
    # upkeep removes the file, since nobody locks it any more.
    if incoming.is_spooled:
        # Flush the file, rename it, flush the folder: in this order, so that a final name never stands for octets that
        # are not on the disk. A crash between the steps leaves an arriving file, or a final name that no ledger row
        # knows: both are orphans for upkeep.
        await asyncio.to_thread(incoming.settle, spool.folder, message_id, steps)
    deposit = Deposit(
        message_id=message_id,
        recipient_ids=tuple(identifiers.next() for _ in acceptance.recipients),
        acceptance=acceptance,
        size=incoming.size,
        octets=None if incoming.is_spooled else bytes(octets),
        at=at,
    )
    # One transaction has the message, its recipients, its events and small octets. A crash before its commit leaves
    # none of them, after it all of them; a row that names a spool file is never durable before the file is.
    size = _ROW_OCTETS + (0 if incoming.is_spooled else incoming.size)
    committed = writer.submit(store, deposit, octets=size)
    # Shielded: if whoever waits is cancelled, the commit still happens, and the file must stay locked until then.
    # Should the ledger refuse, the file is left to upkeep: only the ledger knows for sure what became of a commit.
    incoming.entrust()
    committed.add_done_callback(lambda _: incoming.let_go())
    await asyncio.shield(committed)
    steps("accept:committed")
    # A crash from here on, before the client hears our 250, makes the client send the message again: a duplicate,
    # never a loss. That window is what SMTP leaves open (RFC 1047).
    return message_id


def refuse_nonsense(acceptance: Acceptance) -> None:
    """Raises ValueError for what must not enter custody."""
    if not acceptance.recipients:
        raise ValueError("a message has at least one recipient")
    for each in acceptance.recipients:
        if each.state not in BEGINNINGS:
            raise ValueError(f"no recipient begins as {each.state}")
