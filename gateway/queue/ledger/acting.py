"""What people do to recipients: release, delete, hold, retry. Each leaves an event with a name and a reason.

A recipient that a courier has at this moment is left alone: what it does could not be told from what was asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, or_, select, update

from gateway.queue.ledger import words
from gateway.queue.ledger.accepting import expect
from gateway.queue.ledger.claiming import reckon
from gateway.queue.ledger.conditions import is_live
from gateway.queue.ledger.finishing import close_messages
from gateway.queue.ledger.schema import destination, recipient
from gateway.queue.ledger.story import Happening, tell
from gateway.queue.records import Selection
from gateway.queue.states import DELIVERABLE, FINAL, State, transition

CHUNK: Final = 1000
"""Recipients of a bulk act in one transaction: some 80 ms of the lock, and then others have their turn."""

UNSORTED: Final = "policy"
"""The quarantine of what a person holds without naming one."""


@dataclass(frozen=True, slots=True)
class Act:
    """What one person does to one recipient: the state it shall have, and from which states this may be."""

    recipient_id: int
    new: State
    allowed: frozenset[State]
    kind: str
    actor: str
    reason: str
    at: float
    quarantine: str = ""
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Acted:
    """`done` is False where the recipient was in another state, or in a courier's hands. `closed` as in `Finished`;
    `destination` is where it waits, or waited."""

    done: bool
    closed: int | None = None
    destination: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """One chunk of a bulk act: the state it is for, and the recipients beyond `after`."""

    selection: Selection
    state: State
    after: int
    now: float


_CURRENT: Final = select(recipient).where(recipient.c.id.in_(bindparam("ids", expanding=True)))
_CHANGE: Final = (
    update(recipient)
    .where(recipient.c.id == bindparam("which"))
    .values(
        state=bindparam("new_state"),
        due=bindparam("new_due"),
        lease_until=None,
        owner="",
        quarantine=bindparam("new_quarantine"),
        expires_at=bindparam("new_expires_at"),
        held_at=bindparam("new_held_at"),
        changed_at=bindparam("at"),
    )
)
_READY_NOW: Final = (
    update(destination)
    .where(destination.c.name == bindparam("which"), destination.c.ready_at > bindparam("now"))
    .values(ready_at=bindparam("now"))
)


def act(connection: Connection, acts: Sequence[Act]) -> list[Acted]:
    """Do what is asked where it is possible."""
    ids = sorted({each.recipient_id for each in acts})
    current: dict[int, Row[Any]] = {row.id: row for row in connection.execute(_CURRENT, {"ids": ids})}
    done: list[tuple[Act, Row[Any]]] = []
    answers: list[bool] = []
    for each in acts:
        row = current.get(each.recipient_id)
        possible = row is not None and State(row.state) in each.allowed and not _is_claimed(row, each.at)
        answers.append(possible)
        if row is not None and possible:
            transition(State(row.state), each.new)
            done.append((each, row))
            del current[row.id]  # the first of two acts on one recipient wins
    if not done:
        return [Acted(False)] * len(acts)
    connection.execute(_CHANGE, [_change(each, row) for each, row in done])
    words.learn(connection, [row.id for each, row in done if each.new is State.HELD and row.held_at is None])
    reckon(connection, {row.destination for _, row in done if State(row.state) in DELIVERABLE})
    expect(connection, ((row.destination, each.at) for each, row in done if each.new in DELIVERABLE))
    tell(connection, [_happening(each, row) for each, row in done])
    closed = close_messages(connection, {row.message_id for each, row in done if each.new in FINAL})
    of = {row.id: row for _, row in done}
    return [
        _acted(of[each.recipient_id], closed) if answer else Acted(False)
        for each, answer in zip(acts, answers, strict=True)
    ]


def _acted(row: Row[Any], closed: frozenset[int]) -> Acted:
    return Acted(True, row.message_id if row.message_id in closed else None, row.destination)


def act_together(connection: Connection, chunks: Sequence[Sequence[Act]]) -> list[list[Acted]]:
    """Chunks of a bulk act."""
    return [act(connection, chunk) for chunk in chunks]


def wake(connection: Connection, requests: Sequence[tuple[str, float]]) -> list[None]:
    """End the back-off of destinations (name, now)."""
    connection.execute(_READY_NOW, [{"which": name, "now": now} for name, now in requests])
    return [None] * len(requests)


def sweep(connection: Connection, sweep: Sweep) -> list[tuple[int, str]]:
    """The next chunk of a bulk act: recipients (id, destination) that nobody has claimed, by growing id."""
    chosen, selection = select(recipient.c.id, recipient.c.destination), sweep.selection
    conditions: list[ColumnElement[bool]] = [
        recipient.c.id > sweep.after,
        is_live(sweep.state),
        or_(recipient.c.lease_until.is_(None), recipient.c.lease_until <= sweep.now),
    ]
    if selection.recipient_ids:
        conditions.append(recipient.c.id.in_(selection.recipient_ids))
    if selection.message_id is not None:
        conditions.append(recipient.c.message_id == selection.message_id)
    if selection.destination:
        conditions.append(recipient.c.destination == selection.destination)
    found = connection.execute(chosen.where(*conditions).order_by(recipient.c.id).limit(CHUNK))
    return [(row.id, row.destination) for row in found]


def _is_claimed(row: Row[Any], now: float) -> bool:
    return row.lease_until is not None and row.lease_until > now


def _change(act: Act, row: Row[Any]) -> dict[str, Any]:
    is_held = act.new is State.HELD
    return {
        "which": row.id,
        "new_state": act.new.value,
        "new_due": act.at,
        "new_quarantine": act.quarantine or row.quarantine or (UNSORTED if is_held else ""),
        "new_expires_at": act.expires_at,
        "new_held_at": act.at if is_held and row.held_at is None else row.held_at,
        "at": act.at,
    }


def _happening(act: Act, row: Row[Any]) -> Happening:
    detail = {"from": row.state, "to": act.new.value, "reason": act.reason}
    return Happening(act.at, row.message_id, act.kind, row.address, act.actor, detail)
