"""What people do that moves no mail: each leaves an event with a name, in the story of the message that it is about or
under an id of its own. Changes nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from gateway.queue.deeds import Deed
from gateway.queue.ledger.rows import storable
from gateway.queue.ledger.story import Happening, tell


@dataclass(frozen=True, slots=True)
class Noted:
    """One deed. `id` is the message's, or one of its own; `detail` is small and serialisable."""

    id: int
    deed: Deed
    at: float
    actor: str
    recipient: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def note(connection: Connection, deeds: Sequence[Noted]) -> list[None]:
    """Write them down."""
    tell(
        connection,
        [
            Happening(each.at, each.id, each.deed.value, storable(each.recipient), each.actor, _storable(each.detail))
            for each in deeds
        ],
    )
    return [None] * len(deeds)


def _storable(detail: dict[str, Any]) -> dict[str, Any]:
    return {key: storable(value) if isinstance(value, str) else value for key, value in detail.items()}
