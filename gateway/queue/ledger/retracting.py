"""Taking delivered copies back: which there are, the row of one that returns into custody, and that its copy in the
store is gone.

A recipient that was taken back is HELD, with its octets in custody again, in one transaction. Until the copy in the
store is removed the row is owned by `STORE`: a crash in between leaves that mark, and whoever comes next removes the
copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from gateway.queue.identifiers import first_at
from gateway.queue.ledger import words
from gateway.queue.ledger.conditions import is_in, is_live
from gateway.queue.ledger.rows import expand
from gateway.queue.ledger.schema import body, evidence, recipient
from gateway.queue.ledger.story import Happening, tell
from gateway.queue.records import DeliveredCopy, Retracted
from gateway.queue.states import State, transition

STORE: Final = "store"
"""Who owns a recipient that was taken back while its copy is still in the store."""


@dataclass(frozen=True, slots=True)
class Retraction:
    """Take this recipient's copy back. `octets` is None where they stand in the spool, durable already (`spooled`), or
    where custody has the message still, for another recipient."""

    recipient_id: int
    message_id: int
    octets: bytes | None
    spooled: bool
    quarantine: str
    expires_at: float
    actor: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened to a delivered copy and changed no state."""

    recipient_id: int
    kind: str
    actor: str
    reason: str
    at: float


_COPIES: Final = (
    select(recipient.c.id, recipient.c.message_id, recipient.c.address, evidence.c.octets)
    .join(evidence, evidence.c.message_id == recipient.c.message_id)
    .where(
        recipient.c.id > bindparam("after"),
        is_in(State.DELIVERED),
        recipient.c.destination == bindparam("destination"),
    )
    .order_by(recipient.c.id)
    .limit(bindparam("limit"))
)
_CURRENT: Final = select(recipient).where(recipient.c.id == bindparam("which"))
_TAKE_BACK: Final = (
    update(recipient)
    .where(recipient.c.id == bindparam("which"))
    .values(
        state=State.HELD.value,
        due=bindparam("at"),
        lease_until=None,
        owner=STORE,
        fields=b"",  # they stand in the copy
        quarantine=bindparam("new_quarantine"),
        expires_at=bindparam("new_expires_at"),
        held_at=bindparam("new_held_at"),
        changed_at=bindparam("at"),
    )
)
_LEFT: Final = select(recipient.c.id, recipient.c.message_id, recipient.c.address).where(
    is_live(State.HELD), recipient.c.owner == STORE
)
_GONE: Final = (
    update(recipient).where(recipient.c.id == bindparam("which"), recipient.c.owner == STORE).values(owner="")
)


def delivered_copies(
    connection: Connection, *, since: float, after: int, destination: str, limit: int
) -> list[DeliveredCopy]:
    """Copies that were accepted after `since` and delivered there, by growing id; `after` is the last one seen."""
    values = {"after": max(after, first_at(since)), "destination": destination, "limit": limit}
    rows = connection.execute(_COPIES, values)
    return [DeliveredCopy(row.id, row.message_id, row.address, expand(row.octets)) for row in rows]


def left_in_store(connection: Connection) -> list[Retracted]:
    """Those that were taken back, and whose copies are still in the store."""
    return [Retracted(row.id, row.message_id, row.address) for row in connection.execute(_LEFT)]


def retract(connection: Connection, requests: Sequence[Retraction]) -> list[bool]:
    """DELIVERED to HELD, with the octets in custody again. False: it was not delivered any more."""
    return [_retract(connection, each) for each in requests]


def _retract(connection: Connection, wanted: Retraction) -> bool:
    row: Row[Any] | None = connection.execute(_CURRENT, {"which": wanted.recipient_id}).one_or_none()
    if row is None or State(row.state) is not State.DELIVERED:
        return False
    transition(State(row.state), State.HELD)
    kept = connection.execute(select(body.c.message_id).where(body.c.message_id == wanted.message_id)).first()
    if kept is None and wanted.octets is None and not wanted.spooled:
        return False  # custody has let go of it meanwhile: whoever asked comes again, with the octets
    if kept is None:  # another recipient's copy may be in custody still, or again
        values = {"message_id": wanted.message_id, "prefix": b"", "cuts": "[]", "octets": wanted.octets}
        connection.execute(insert(body), values)
    change = {
        "which": row.id,
        "at": wanted.at,
        "new_quarantine": wanted.quarantine,
        "new_expires_at": wanted.expires_at,
        "new_held_at": wanted.at if row.held_at is None else row.held_at,
    }
    connection.execute(_TAKE_BACK, change)
    if row.held_at is None:
        words.learn(connection, [row.id])
    detail = {"from": row.state, "to": State.HELD.value, "reason": wanted.reason, "quarantine": wanted.quarantine}
    tell(connection, [Happening(wanted.at, row.message_id, "retracted", row.address, wanted.actor, detail)])
    return True


def removed(connection: Connection, requests: Sequence[tuple[int, float]]) -> list[None]:
    """The copies of these recipients (id, when) are not in the store any more."""
    for recipient_id, at in requests:
        row = connection.execute(_CURRENT, {"which": recipient_id}).one_or_none()
        if row is not None and row.owner == STORE:
            connection.execute(_GONE, {"which": recipient_id})
            tell(connection, [Happening(at, row.message_id, "removed", row.address)])
    return [None] * len(requests)


def note(connection: Connection, notes: Sequence[Note]) -> list[None]:
    """Write down what happened to copies."""
    for each in notes:
        row = connection.execute(_CURRENT, {"which": each.recipient_id}).one_or_none()
        if row is not None:
            tell(
                connection,
                [Happening(each.at, row.message_id, each.kind, row.address, each.actor, {"reason": each.reason})],
            )
    return [None] * len(notes)
