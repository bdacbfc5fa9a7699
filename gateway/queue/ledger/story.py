"""Every message's story: one event for each thing that happened, and the number of each kind in each minute.

Both are written in the transaction of what they tell. Sequence numbers grow in the order of commits, since there is
one transaction at a time: whoever has read up to a number misses nothing that comes after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, insert
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.queue.ledger.bulk import BulkInsert
from gateway.queue.ledger.rows import compact, storable
from gateway.queue.ledger.schema import event, tally


@dataclass(frozen=True, slots=True)
class Happening:
    """An event before it has a number."""

    at: float
    message_id: int
    kind: str
    recipient: str = ""
    actor: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


_EVENT = BulkInsert(
    insert(event).values({column.name: bindparam(column.name) for column in event.c if column.name != "sequence"})
)
_TALLY_NEW = upsert(tally)
_TALLY = _TALLY_NEW.on_conflict_do_update(
    index_elements=["minute", "kind"], set_={"number": tally.c.number + _TALLY_NEW.excluded.number}
)


def tell(connection: Connection, happenings: Sequence[Happening]) -> None:
    """Write events and count them."""
    if not happenings:
        return
    _EVENT(
        connection,
        [
            {
                "at": each.at,
                "message_id": each.message_id,
                "recipient": each.recipient,
                "kind": each.kind,
                "actor": storable(each.actor),
                "detail": compact(each.detail) if each.detail else "{}",
            }
            for each in happenings
        ],
    )
    numbers = Counter((int(each.at // 60), each.kind) for each in happenings)
    connection.execute(
        _TALLY, [{"minute": minute, "kind": kind, "number": number} for (minute, kind), number in numbers.items()]
    )
