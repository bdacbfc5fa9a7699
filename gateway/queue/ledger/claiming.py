"""Claiming: which recipients a courier may attempt now. Goes through destinations, never by due time over everything.

A claim raises the attempt number and sets a lease, both committed before the attempt is made. An expired lease is
claimed first: its courier died or froze, and may not finish any more, since its attempt number is old.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, select, update

from gateway.queue.ledger.conditions import IS_FREE, IS_LEASED
from gateway.queue.ledger.rows import claim_of
from gateway.queue.ledger.schema import READY, destination, message, recipient
from gateway.queue.ledger.story import Happening, tell
from gateway.queue.records import Claim


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Who asks, when, until when, and for how much: destinations looked at, and attempts in flight to each."""

    owner: str
    now: float
    lease_until: float
    destinations: int
    per_destination: int


@dataclass(frozen=True, slots=True)
class BackOff:
    """Do not claim for this destination before `until`; what the remote, or the network, said."""

    destination: str
    until: float
    reply: str
    at: float


_IN_FLIGHT: Final = (
    select(func.count())
    .where(recipient.c.destination == destination.c.name, IS_LEASED, recipient.c.lease_until > bindparam("now"))
    .scalar_subquery()
)
_READY: Final = (
    select(destination.c.name, _IN_FLIGHT.label("in_flight"))
    .where(destination.c.next_due.is_not(None), bindparam("now") >= READY, bindparam("per_destination") > _IN_FLIGHT)
    .order_by(READY)
    .limit(bindparam("destinations"))
)
_JOINED: Final = select(
    recipient,
    *(column for column in message.c if column.name != "id"),
).join(message, message.c.id == recipient.c.message_id)
_EXPIRED: Final = (
    _JOINED.join(destination, destination.c.name == recipient.c.destination)
    .where(IS_LEASED, recipient.c.lease_until <= bindparam("now"), destination.c.ready_at <= bindparam("now"))
    .order_by(recipient.c.lease_until)
    .limit(bindparam("most"))
)
_DUE: Final = (
    _JOINED.where(recipient.c.destination == bindparam("name"), IS_FREE, recipient.c.due <= bindparam("now"))
    .order_by(recipient.c.due)
    .limit(bindparam("most"))
)
_TAKE: Final = (
    update(recipient)
    .where(recipient.c.id == bindparam("which"))
    .values(lease_until=bindparam("until"), owner=bindparam("who"), attempt=recipient.c.attempt + 1)
)
_NEXT_DUE: Final = (
    update(destination)
    .where(destination.c.name == bindparam("which"))
    .values(
        next_due=select(func.min(recipient.c.due))
        .where(recipient.c.destination == bindparam("which"), IS_FREE)
        .scalar_subquery()
    )
)
_RENEW: Final = (
    update(recipient)
    .where(recipient.c.id == bindparam("which"), recipient.c.attempt == bindparam("fence"), IS_LEASED)
    .values(lease_until=bindparam("until"))
)
_TAKE_BACK: Final = (
    update(recipient)
    .where(recipient.c.owner == bindparam("who"), IS_LEASED, recipient.c.lease_until > bindparam("now"))
    .values(lease_until=bindparam("now"))
)
_BACK_OFF: Final = (
    update(destination)
    .where(destination.c.name == bindparam("which"))
    .values(ready_at=bindparam("until"), last_reply=bindparam("reply"), last_at=bindparam("at"))
)


def claim(connection: Connection, requests: Sequence[ClaimRequest]) -> list[list[Claim]]:
    """For each request the recipients that it may attempt now."""
    return [_claim(connection, request) for request in requests]


def _claim(connection: Connection, request: ClaimRequest) -> list[Claim]:
    most = request.destinations * request.per_destination
    expired = connection.execute(_EXPIRED, {"now": request.now, "most": most}).all()
    # Taken at once, so that they count as in flight when room for new work is looked for.
    _take(connection, expired, request)
    ready = connection.execute(
        _READY,
        {"now": request.now, "per_destination": request.per_destination, "destinations": request.destinations},
    )
    due: list[Row[Any]] = []
    for name, in_flight in ready.all():
        room = request.per_destination - in_flight
        due += connection.execute(_DUE, {"name": name, "now": request.now, "most": room})
    _take(connection, due, request)
    taken = [*expired, *due]
    reckon(connection, {row.destination for row in taken})
    tell(connection, [_lost(row, request.now) for row in expired])
    return [claim_of(row, lease_until=request.lease_until) for row in taken]


def _take(connection: Connection, rows: Sequence[Row[Any]], request: ClaimRequest) -> None:
    if rows:
        connection.execute(
            _TAKE, [{"which": row.id, "until": request.lease_until, "who": request.owner} for row in rows]
        )


def _lost(row: Row[Any], now: float) -> Happening:
    """An attempt that ended without a word. It may have succeeded: delivery is at least once."""
    detail = {"attempt": row.attempt, "owner": row.owner, "result": "none: the lease expired"}
    return Happening(now, row.message_id, "attempt", row.address, detail=detail)


def reckon(connection: Connection, names: set[str]) -> None:
    """Compute again when each destination has work next."""
    if names:
        connection.execute(_NEXT_DUE, [{"which": name} for name in sorted(names)])


def renew(connection: Connection, requests: Sequence[tuple[Sequence[Claim], float]]) -> list[None]:
    """Push leases further; what was taken over meanwhile stays with its new owner."""
    rows = [
        {"which": each.recipient_id, "fence": each.attempt, "until": until}
        for claims, until in requests
        for each in claims
    ]
    if rows:
        connection.execute(_RENEW, rows)
    return [None] * len(requests)


def take_back(connection: Connection, requests: Sequence[tuple[str, float]]) -> list[int]:
    """End the leases of these owners now; how many there were. What was in hand is claimed next, under a new attempt
    number, which shuts out whoever might still be at it."""
    return [connection.execute(_TAKE_BACK, {"who": owner, "now": now}).rowcount for owner, now in requests]


def back_off(connection: Connection, requests: Sequence[BackOff]) -> list[None]:
    """Let destinations rest."""
    connection.execute(
        _BACK_OFF,
        [{"which": each.destination, "until": each.until, "reply": each.reply, "at": each.at} for each in requests],
    )
    return [None] * len(requests)
