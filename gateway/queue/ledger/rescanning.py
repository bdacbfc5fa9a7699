"""Recipients that wait to be scanned (UNSCANNED): which are due, and when one is to be tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from gateway.queue.ledger.conditions import is_in, is_live
from gateway.queue.ledger.schema import message, recipient
from gateway.queue.records import Unscanned
from gateway.queue.states import State


@dataclass(frozen=True, slots=True)
class Postponement:
    """Scan this recipient's copy again at `due`, not before."""

    recipient_id: int
    due: float


_DUE: Final = (
    select(recipient.c.id, recipient.c.message_id, recipient.c.address, message.c.received_at)
    .join(message, message.c.id == recipient.c.message_id)
    .where(is_live(State.UNSCANNED), recipient.c.due <= bindparam("now"))
    .order_by(recipient.c.due, recipient.c.id)
    .limit(bindparam("limit"))
)
_POSTPONE: Final = (
    update(recipient).where(recipient.c.id == bindparam("which"), is_in(State.UNSCANNED)).values(due=bindparam("new"))
)


def unscanned_due(connection: Connection, *, now: float, limit: int) -> list[Unscanned]:
    """Those that are due, the longest waiting first."""
    rows = connection.execute(_DUE, {"now": now, "limit": limit})
    return [Unscanned(row.id, row.message_id, row.address, row.received_at) for row in rows]


def postpone(connection: Connection, requests: Sequence[Postponement]) -> list[None]:
    """Write down when to try again; what has left the state meanwhile stays as it is."""
    connection.execute(_POSTPONE, [{"which": each.recipient_id, "new": each.due} for each in requests])
    return [None] * len(requests)
