"""How attempts end: the recipient's new state, its event, and the bounce if there is one, in one transaction.

Fenced: a result counts only while the claim that it belongs to is the newest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from gateway.queue.ledger.accepting import Deposit, expect, store
from gateway.queue.ledger.conditions import IS_LIVE
from gateway.queue.ledger.schema import body, destination, recipient
from gateway.queue.ledger.story import Happening, tell
from gateway.queue.records import Attempt, Claim
from gateway.queue.states import FINAL, State, transition


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of one attempt, and the message that tells the sender."""

    claim: Claim
    attempt: Attempt
    bounce: Deposit | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """`counted` is False where the claim was not the newest any more. `closed` is the message if nothing is owed of it
    now: its row of octets is gone, and a spool file is to be removed after the commit."""

    counted: bool
    closed: int | None = None


_CURRENT: Final = select(
    recipient.c.id,
    recipient.c.message_id,
    recipient.c.address,
    recipient.c.destination,
    recipient.c.state,
    recipient.c.attempt,
    recipient.c.lease_until,
).where(recipient.c.id.in_(bindparam("ids", expanding=True)))
_END: Final = (
    update(recipient)
    .where(recipient.c.id == bindparam("which"))
    .values(
        state=bindparam("new_state"),
        due=bindparam("new_due"),
        lease_until=None,
        owner="",
        last_reply=bindparam("reply"),
        last_remote=bindparam("remote"),
        changed_at=bindparam("at"),
    )
)
_HEARD: Final = (
    update(destination)
    .where(destination.c.name == bindparam("which"))
    .values(last_reply=bindparam("reply"), last_at=bindparam("at"))
)
_ALIVE: Final = (
    update(destination).where(destination.c.name == bindparam("which"), destination.c.ready_at > 0).values(ready_at=0.0)
)
_STILL_OWED: Final = (
    select(recipient.c.message_id)
    .where(recipient.c.message_id.in_(bindparam("messages", expanding=True)), IS_LIVE)
    .distinct()
)
_DROP_OCTETS: Final = delete(body).where(body.c.message_id.in_(bindparam("messages", expanding=True)))

_KINDS: Final = {
    State.DELIVERED: "delivered",
    State.DEFERRED: "deferred",
    State.FAILED: "failed",
    State.EXPIRED: "expired",
    State.CORRUPT: "corrupt",
}


def finish(connection: Connection, endings: Sequence[Ending]) -> list[Finished]:
    """Commit how attempts ended. Raises `IllegalTransition` for a state that the table does not allow."""
    ids = [each.claim.recipient_id for each in endings]
    rows: Iterable[Row[Any]] = connection.execute(_CURRENT, {"ids": ids})
    current = {row.id: row for row in rows}
    counted: list[tuple[Ending, Row[Any]]] = []
    answers: list[bool] = []
    for each in endings:
        row = current.get(each.claim.recipient_id)
        is_newest = row is not None and row.lease_until is not None and row.attempt == each.claim.attempt
        answers.append(is_newest)
        if row is not None and is_newest:
            transition(State(row.state), each.attempt.state)
            counted.append((each, row))
            del current[row.id]  # the same claim cannot end twice
    if not counted:
        return [Finished(False)] * len(endings)
    connection.execute(_END, [_end(ending, row) for ending, row in counted])
    bounces = [ending.bounce for ending, _ in counted if ending.bounce is not None]
    if bounces:
        store(connection, bounces)
    _tell_destinations(connection, counted)
    tell(connection, [happening for ending, row in counted for happening in _happenings(ending, row)])
    closed = close_messages(connection, {row.message_id for ending, row in counted if ending.attempt.state in FINAL})
    return [
        Finished(answer, each.claim.message_id if answer and each.claim.message_id in closed else None)
        for each, answer in zip(endings, answers, strict=True)
    ]


def close_messages(connection: Connection, messages: Iterable[int]) -> frozenset[int]:
    """Drop the octets of those messages of which nothing is owed any more; answers which these are."""
    candidates = frozenset(messages)
    if not candidates:
        return candidates
    owed = frozenset(connection.execute(_STILL_OWED, {"messages": sorted(candidates)}).scalars())
    closed = candidates - owed
    if closed:
        connection.execute(_DROP_OCTETS, {"messages": sorted(closed)})
    return closed


def _end(ending: Ending, row: Row[Any]) -> dict[str, Any]:
    attempt = ending.attempt
    return {
        "which": row.id,
        "new_state": attempt.state.value,
        "new_due": _due(attempt),
        "reply": str(attempt.reply),
        "remote": attempt.remote,
        "at": attempt.at,
    }


def _due(attempt: Attempt) -> float:
    return attempt.at if attempt.due is None else attempt.due


def _tell_destinations(connection: Connection, counted: Sequence[tuple[Ending, Row[Any]]]) -> None:
    heard = {
        row.destination: {"which": row.destination, "reply": str(ending.attempt.reply), "at": ending.attempt.at}
        for ending, row in counted
    }
    connection.execute(_HEARD, list(heard.values()))
    alive = {row.destination for ending, row in counted if ending.attempt.state is State.DELIVERED}
    if alive:
        connection.execute(_ALIVE, [{"which": name} for name in sorted(alive)])
    expect(
        connection,
        ((row.destination, _due(ending.attempt)) for ending, row in counted if ending.attempt.state is State.DEFERRED),
    )


def _happenings(ending: Ending, row: Row[Any]) -> list[Happening]:
    attempt = ending.attempt
    detail: dict[str, Any] = {"attempt": ending.claim.attempt, "reply": str(attempt.reply)}
    if attempt.remote:
        detail["remote"] = attempt.remote
    if attempt.tls:
        detail["tls"] = attempt.tls
    if attempt.state is State.DEFERRED:
        detail["due"] = _due(attempt)
    told = [Happening(attempt.at, row.message_id, _KINDS[attempt.state], row.address, detail=detail)]
    if ending.bounce is not None:
        bounced = {"bounce": ending.bounce.message_id}
        told.append(Happening(attempt.at, row.message_id, "bounced", row.address, detail=bounced))
    return told
