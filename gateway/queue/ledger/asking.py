"""Questions about single messages, the queue and the numbers. Reads only."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, exists, func, literal_column, select

from gateway.mail.address import Address, path_text
from gateway.queue.identifiers import instant_of
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
    LIVE,
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

# Literal, so that SQLite sees that its partial indexes serve.
LIVE_STATES: Final = recipient.c.state.in_([literal_column(f"'{state}'") for state in LIVE])
_CLAIMABLE: Final = recipient.c.state.in_([literal_column(f"'{state}'") for state in CLAIMABLE])

# Couriers read one for each attempt, so the statement is made once.
_BODY: Final = select(body).where(body.c.message_id == bindparam("which"))


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


def queue_summary(connection: Connection) -> list[DestinationRecord]:
    """Each destination with something waiting, the largest first."""
    waits = (
        select(
            recipient.c.destination,
            func.count().label("waiting"),
            func.sum(case((recipient.c.lease_until.is_not(None), 1), else_=0)).label("in_flight"),
            func.min(recipient.c.id).label("oldest"),
        )
        .where(_CLAIMABLE)
        .group_by(recipient.c.destination)
        .subquery()
    )
    rows = connection.execute(
        select(destination, waits.c.waiting, waits.c.in_flight, waits.c.oldest)
        .join(waits, waits.c.destination == destination.c.name)
        .order_by(waits.c.waiting.desc(), destination.c.name)
    )
    return [
        DestinationRecord(
            name=row.name,
            waiting=row.waiting,
            in_flight=row.in_flight,
            oldest=instant_of(row.oldest),
            next_due=row.next_due,
            ready_at=row.ready_at,
            last_reply=row.last_reply,
            last_at=row.last_at,
        )
        for row in rows
    ]


def queue_items(
    connection: Connection, *, destination: str, states: frozenset[State], after: int | None, limit: int
) -> list[QueueItem]:
    """Live recipients, newest first."""
    conditions: list[ColumnElement[bool]] = [LIVE_STATES, recipient.c.state.in_(sorted(states))]
    if destination:
        conditions.append(recipient.c.destination == destination)
    if after is not None:
        conditions.append(recipient.c.id < after)
    rows = connection.execute(
        select(
            recipient,
            message.c.received_at,
            message.c.reverse_local,
            message.c.reverse_domain,
            message.c.size,
            message.c.subject,
        )
        .join(message, message.c.id == recipient.c.message_id)
        .where(*conditions)
        .order_by(recipient.c.id.desc())
        .limit(limit)
    )
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
        for row in rows
    ]


def counts_since(connection: Connection, at: float) -> dict[str, int]:
    """Events by kind since the minute of `at`, and what is the case now: "waiting" and "held_now"."""
    rows = connection.execute(
        select(tally.c.kind, func.sum(tally.c.number).label("number"))
        .where(tally.c.minute >= int(at // 60))
        .group_by(tally.c.kind)
    )
    counts = {row.kind: int(row.number) for row in rows}
    now = connection.execute(
        select(recipient.c.state, func.count().label("number")).where(LIVE_STATES).group_by(recipient.c.state)
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
