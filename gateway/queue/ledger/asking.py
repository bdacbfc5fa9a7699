"""Questions about single messages, the queue and the numbers. Reads only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, exists, func, select

from gateway.mail.address import Address, path_text
from gateway.queue.identifiers import instant_of
from gateway.queue.ledger.conditions import IS_CLAIMABLE, IS_LIVE, is_live
from gateway.queue.ledger.refusing import refusal_record
from gateway.queue.ledger.rows import (
    client_of,
    envelope_of,
    expand,
    listing_of,
    path_of,
    recipient_of,
    recipient_record,
)
from gateway.queue.ledger.schema import (
    CLAIMABLE,
    body,
    destination,
    event,
    evidence,
    message,
    recipient,
    refusal,
    tally,
)
from gateway.queue.records import DestinationRecord, Event, MessageRecord, MinuteCount, QueueItem, RefusalRecord
from gateway.queue.states import State

# Couriers read one for each attempt, so the statement is made once.
_BODY: Final = select(body).where(body.c.message_id == bindparam("which"))

_WAITING: Final = (
    select(recipient.c.destination, func.count().label("waiting"), func.min(recipient.c.id).label("oldest"))
    .where(IS_LIVE, IS_CLAIMABLE)
    .group_by(recipient.c.destination)
)
_IN_FLIGHT: Final = (
    select(recipient.c.destination, func.count().label("number"))
    .where(recipient.c.lease_until.is_not(None))
    .group_by(recipient.c.destination)
)
_QUEUE_ITEM: Final = select(
    recipient,
    message.c.received_at,
    message.c.reverse_local,
    message.c.reverse_domain,
    message.c.size,
    message.c.subject,
).join(message, message.c.id == recipient.c.message_id)


def find_message(connection: Connection, message_id: int) -> MessageRecord | None:
    """One message with its recipients."""
    found = connection.execute(
        select(
            message,
            evidence.c.octets.label("evidence"),
            exists().where(body.c.message_id == message.c.id).label("kept"),
        )
        .outerjoin(evidence, evidence.c.message_id == message.c.id)
        .where(message.c.id == message_id)
    ).one_or_none()
    if found is None:
        return None
    rows = connection.execute(
        select(recipient).where(recipient.c.message_id == message_id).order_by(recipient.c.id)
    ).all()
    return MessageRecord(
        id=found.id,
        received_at=found.received_at,
        envelope=envelope_of(found, tuple(recipient_of(row) for row in rows)),
        client=client_of(found),
        listing=listing_of(found),
        policy_version=found.policy_version,
        may_bounce=found.may_bounce,
        size=found.size,
        evidence=b"" if found.evidence is None else expand(found.evidence),
        octets_kept=bool(found.kept),
        recipients=tuple(recipient_record(row) for row in rows),
    )


def find_refusal(connection: Connection, refusal_id: int) -> RefusalRecord | None:
    """One refusal."""
    row = connection.execute(select(refusal).where(refusal.c.id == refusal_id)).one_or_none()
    return None if row is None else refusal_record(row)


OctetsRow = tuple[bytes, tuple[tuple[int, int], ...], bytes | None]
"""Prefix, cuts (start, end), and the octets where they are not in the spool."""


def octets_row(connection: Connection, message_id: int) -> OctetsRow | None:
    """What is kept of a message's octets; None if nothing is."""
    row = connection.execute(_BODY, {"which": message_id}).one_or_none()
    if row is None:
        return None
    return row.prefix, tuple((start, end) for start, end in json.loads(row.cuts)), row.octets


def owes(connection: Connection, message_id: int) -> bool:
    """Whether the octets of a message are still to be kept."""
    return connection.execute(select(body.c.message_id).where(body.c.message_id == message_id)).first() is not None


def events_of(connection: Connection, message_id: int) -> list[Event]:
    """The story of one message or refusal, oldest first."""
    rows = connection.execute(select(event).where(event.c.message_id == message_id).order_by(event.c.sequence))
    return [_event(row) for row in rows]


def events_after(connection: Connection, sequence: int, *, limit: int) -> list[Event]:
    """What happened after an event, oldest first."""
    rows = connection.execute(select(event).where(event.c.sequence > sequence).order_by(event.c.sequence).limit(limit))
    return [_event(row) for row in rows]


def last_identifier(connection: Connection) -> int:
    """The largest id that was given to anything; 0 before the first."""
    newest = (connection.execute(select(func.max(each.c.id))).scalar() or 0 for each in (message, recipient, refusal))
    return max(newest)


def last_sequence(connection: Connection) -> int:
    """The number of the newest event; 0 before the first."""
    return int(connection.execute(select(func.max(event.c.sequence))).scalar() or 0)


def number_waiting(connection: Connection, *, most: int) -> int:
    """How many copies wait for a courier or are in one's hands; no more than `most` are counted."""
    some = select(recipient.c.id).where(IS_LIVE, IS_CLAIMABLE).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def queue_summary(connection: Connection) -> list[DestinationRecord]:
    """Each destination with something waiting, the largest first."""
    waits = {row.destination: row for row in connection.execute(_WAITING)}
    in_flight = {row.destination: row.number for row in connection.execute(_IN_FLIGHT)}
    found = [
        DestinationRecord(
            name=row.name,
            waiting=waits[row.name].waiting,
            in_flight=in_flight.get(row.name, 0),
            oldest=instant_of(waits[row.name].oldest),
            next_due=row.next_due,
            ready_at=row.ready_at,
            last_reply=row.last_reply,
            last_at=row.last_at,
        )
        for row in connection.execute(select(destination).order_by(destination.c.name))
        if row.name in waits
    ]
    return sorted(found, key=lambda each: each.waiting, reverse=True)


def queue_items(
    connection: Connection, *, destination: str, states: frozenset[State], after: int | None, limit: int
) -> list[QueueItem]:
    """Live recipients, newest first."""
    # One question for each state: together their rows would have to be sorted, alone they come in the index's order.
    rows = [row for state in states for row in _waiting_in(connection, state, destination, after, limit)]
    rows.sort(key=lambda row: row.id, reverse=True)
    return [
        QueueItem(
            recipient_id=row.id,
            message_id=row.message_id,
            received_at=row.received_at,
            reverse_path=path_text(path_of(row)),
            recipient=str(Address(row.local, row.domain)),
            destination=row.destination,
            state=State(row.state),
            attempt=row.attempt,
            due=row.due,
            lease_until=row.lease_until,
            last_reply=row.last_reply,
            size=row.size,
            subject=row.subject,
        )
        for row in rows[:limit]
    ]


def _waiting_in(connection: Connection, state: State, name: str, after: int | None, limit: int) -> Sequence[Row[Any]]:
    conditions = [is_live(state)]
    if name:
        conditions.append(recipient.c.destination == name)
    if after is not None:
        conditions.append(recipient.c.id < after)
    return connection.execute(_QUEUE_ITEM.where(*conditions).order_by(recipient.c.id.desc()).limit(limit)).all()


def counts_since(connection: Connection, at: float) -> dict[str, int]:
    """Events by kind since the minute of `at`, and what is the case now: "waiting" and "held_now"."""
    rows = connection.execute(
        select(tally.c.kind, func.sum(tally.c.number).label("number"))
        .where(tally.c.minute >= int(at // 60))
        .group_by(tally.c.kind)
    )
    counts = {row.kind: int(row.number) for row in rows}
    now = connection.execute(
        select(recipient.c.state, func.count().label("number")).where(IS_LIVE).group_by(recipient.c.state)
    )
    live = {row.state: int(row.number) for row in now}
    counts["waiting"] = sum(live.get(state, 0) for state in CLAIMABLE)
    counts["held_now"] = live.get(State.HELD.value, 0)
    return counts


def minutes_since(connection: Connection, at: float) -> list[MinuteCount]:
    """Events by minute and kind since `at`, oldest first; minutes without events are left out."""
    rows = connection.execute(
        select(tally).where(tally.c.minute >= int(at // 60)).order_by(tally.c.minute, tally.c.kind)
    )
    return [MinuteCount(row.minute * 60.0, row.kind, row.number) for row in rows]


def _event(row: Row[Any]) -> Event:
    return Event(row.sequence, row.at, row.message_id, row.recipient, row.kind, row.actor, json.loads(row.detail))
