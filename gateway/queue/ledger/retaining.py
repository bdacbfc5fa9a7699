"""What upkeep does in the ledger: end holds, forget what is old, and check the sums. Each write is one small chunk.

A message is forgotten as a whole, after its last recipient has been closed for long enough; what is owed never is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import BindParameter, Connection, bindparam, delete, exists, func, select

from gateway.queue.deeds import OF_THE_HOUSE
from gateway.queue.identifiers import first_at
from gateway.queue.ledger import words
from gateway.queue.ledger.acting import Act, act
from gateway.queue.ledger.claiming import reckon
from gateway.queue.ledger.conditions import IS_CLAIMABLE, IS_FREE, IS_HELD, IS_LIVE
from gateway.queue.ledger.schema import (
    body,
    destination,
    event,
    evidence,
    message,
    recipient,
    refusal,
    tally,
)
from gateway.queue.states import State

CHUNK: Final = 500
"""Messages or refusals forgotten in one transaction, with all their rows."""


@dataclass(frozen=True, slots=True)
class Before:
    """Forget what ended before this instant (seconds since the epoch)."""

    instant: float


@dataclass(frozen=True, slots=True)
class Drift:
    """A destination whose next due time was not what its recipients say. There should be none."""

    destination: str
    recorded: float | None
    actual: float | None


_EXPIRED: Final = (
    select(recipient.c.id, recipient.c.expires_at)
    .where(IS_HELD, recipient.c.expires_at.is_not(None), recipient.c.expires_at <= bindparam("now"))
    .order_by(recipient.c.expires_at)
    .limit(CHUNK)
)
_OLD_MESSAGES: Final = (
    select(message.c.id)
    .where(
        message.c.id < bindparam("bound"),
        ~exists().where(
            recipient.c.message_id == message.c.id, IS_LIVE | (recipient.c.changed_at >= bindparam("instant"))
        ),
    )
    .order_by(message.c.id)
    .limit(CHUNK)
)
_OLD_REFUSALS: Final = select(refusal.c.id).where(refusal.c.id < bindparam("bound")).order_by(refusal.c.id).limit(CHUNK)
_CHOSEN: Final[BindParameter[int]] = bindparam("ids", expanding=True)
_RECIPIENTS: Final = select(recipient.c.id).where(recipient.c.message_id.in_(_CHOSEN))
_FORGET_MESSAGES: Final = (
    delete(event).where(event.c.message_id.in_(_CHOSEN)),
    delete(recipient).where(recipient.c.message_id.in_(_CHOSEN)),
    delete(evidence).where(evidence.c.message_id.in_(_CHOSEN)),
    delete(body).where(body.c.message_id.in_(_CHOSEN)),
    delete(message).where(message.c.id.in_(_CHOSEN)),
)
_FORGET_REFUSALS: Final = (
    delete(event).where(event.c.message_id.in_(_CHOSEN)),
    delete(refusal).where(refusal.c.id.in_(_CHOSEN)),
)
_OLD_DEEDS: Final = delete(event).where(event.c.message_id < bindparam("bound"), event.c.kind.in_(sorted(OF_THE_HOUSE)))
_ACTUAL: Final = (
    select(func.min(recipient.c.due)).where(recipient.c.destination == destination.c.name, IS_FREE).scalar_subquery()
)
_DRIFT: Final = (
    select(destination.c.name, destination.c.next_due, _ACTUAL.label("actual"))
    .where(destination.c.next_due.is_distinct_from(_ACTUAL))
    .order_by(destination.c.name)
)


def end_holds(connection: Connection, instants: Sequence[float]) -> list[list[int]]:
    """Drop held recipients whose hold has expired. Answers, for each instant, the messages that this closed, and 0 for
    every recipient that closed none: an empty list means that none was left."""
    return [_end_holds(connection, now) for now in instants]


def _end_holds(connection: Connection, now: float) -> list[int]:
    expired = connection.execute(_EXPIRED, {"now": now}).all()
    allowed = frozenset({State.HELD})
    acts = [Act(row.id, State.DROPPED, allowed, "expired", "", "the hold expired", now) for row in expired]
    return [acted.closed or 0 for acted in act(connection, acts)]


def forget_messages(connection: Connection, requests: Sequence[Before]) -> list[int]:
    """Delete a chunk of messages with all their rows; answers how many."""
    return [_forget_messages(connection, each.instant) for each in requests]


def _forget_messages(connection: Connection, instant: float) -> int:
    # What ended before the instant also began before it, so the search ends at the id of that time.
    ids = list(connection.execute(_OLD_MESSAGES, {"bound": first_at(instant), "instant": instant}).scalars())
    if ids:
        words.forget(connection, list(connection.execute(_RECIPIENTS, {"ids": ids}).scalars()))
        for statement in _FORGET_MESSAGES:
            connection.execute(statement, {"ids": ids})
    return len(ids)


def forget_refusals(connection: Connection, requests: Sequence[Before]) -> list[int]:
    """Delete a chunk of refusals with their events; answers how many."""
    return [_forget_refusals(connection, each.instant) for each in requests]


def _forget_refusals(connection: Connection, instant: float) -> int:
    ids = list(connection.execute(_OLD_REFUSALS, {"bound": first_at(instant)}).scalars())
    if ids:
        for statement in _FORGET_REFUSALS:
            connection.execute(statement, {"ids": ids})
    return len(ids)


def forget_deeds(connection: Connection, requests: Sequence[Before]) -> list[int]:
    """Delete the events of what people did to the house; answers how many."""
    return [connection.execute(_OLD_DEEDS, {"bound": first_at(each.instant)}).rowcount for each in requests]


def forget_tallies(connection: Connection, requests: Sequence[Before]) -> list[int]:
    """Delete the counts of old minutes; answers how many."""
    return [
        connection.execute(delete(tally).where(tally.c.minute < int(each.instant // 60))).rowcount for each in requests
    ]


def forget_destinations(connection: Connection, requests: Sequence[Before]) -> list[int]:
    """Delete destinations that nothing waits for and nothing was heard of; answers how many."""
    return [
        connection.execute(
            delete(destination).where(
                destination.c.next_due.is_(None),
                func.coalesce(destination.c.last_at, 0) < each.instant,
                ~exists().where(recipient.c.destination == destination.c.name, IS_CLAIMABLE),
            )
        ).rowcount
        for each in requests
    ]


def mend_drift(connection: Connection, requests: Sequence[None]) -> list[list[Drift]]:
    """Compute every destination's next due time again, and answer where it was wrong."""
    drifts = [Drift(row.name, row.next_due, row.actual) for row in connection.execute(_DRIFT)]
    reckon(connection, {each.destination for each in drifts})
    return [drifts] * len(requests)
