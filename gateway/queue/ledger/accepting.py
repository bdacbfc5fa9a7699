"""The rows of acceptance: messages, octets, evidence, recipients, what their destinations then wait for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, func, insert
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.queue.ledger import words
from gateway.queue.ledger.bulk import BulkInsert
from gateway.queue.ledger.rows import compact, message_row, recipient_row, squeeze
from gateway.queue.ledger.schema import body, destination, evidence, message, recipient
from gateway.queue.ledger.story import Happening, tell
from gateway.queue.records import Acceptance
from gateway.queue.states import DELIVERABLE, FINAL, State

BEGINNINGS: Final = frozenset({State.UNSCANNED, State.QUEUED, State.HELD, State.DROPPED, State.CORRUPT})
"""The states in which a recipient may enter custody."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """One message to store. `octets` is None when they are in the spool, durable already; `also` is told after what is
    told of every message."""

    message_id: int
    recipient_ids: tuple[int, ...]
    acceptance: Acceptance
    size: int
    octets: bytes | None
    at: float
    kind: str = "accepted"
    also: tuple[Happening, ...] = ()


_MESSAGE = BulkInsert(insert(message))
_BODY = BulkInsert(insert(body))
_EVIDENCE = BulkInsert(insert(evidence))
_RECIPIENT = BulkInsert(insert(recipient))
_DESTINATION_NEW = upsert(destination)
_DESTINATION = _DESTINATION_NEW.on_conflict_do_update(
    index_elements=["name"],
    set_={
        "next_due": func.min(
            func.coalesce(destination.c.next_due, _DESTINATION_NEW.excluded.next_due),
            _DESTINATION_NEW.excluded.next_due,
        )
    },
)


def store(connection: Connection, deposits: Sequence[Deposit]) -> list[int]:
    """Store messages with their recipients. Answers their ids."""
    messages: list[dict[str, Any]] = []
    bodies: list[dict[str, Any]] = []
    proofs: list[dict[str, Any]] = []
    recipients: list[dict[str, Any]] = []
    happenings: list[Happening] = []
    for each in deposits:
        acceptance = each.acceptance
        rows = [
            recipient_row(id, each.message_id, new, at=each.at)
            for id, new in zip(each.recipient_ids, acceptance.recipients, strict=True)
        ]
        recipients += rows
        messages.append(message_row(each.message_id, acceptance, size=each.size))
        proofs.append({"message_id": each.message_id, "octets": squeeze(acceptance.evidence)})
        if any(new.state not in FINAL for new in acceptance.recipients):
            bodies.append(
                {
                    "message_id": each.message_id,
                    "prefix": acceptance.prefix,
                    "cuts": compact(acceptance.cuts) if acceptance.cuts else "[]",
                    "octets": each.octets,
                }
            )
        happenings += _happenings(each, rows)
    _MESSAGE(connection, messages)
    _BODY(connection, bodies)
    _EVIDENCE(connection, proofs)
    _RECIPIENT(connection, recipients)
    words.learn(connection, [row["id"] for row in recipients if row["state"] == State.HELD.value])
    expect(connection, ((row["destination"], row["due"]) for row in recipients if State(row["state"]) in DELIVERABLE))
    tell(connection, happenings)
    return [each.message_id for each in deposits]


def store_together(connection: Connection, requests: Sequence[tuple[Deposit, ...]]) -> list[list[int]]:
    """Store messages that belong together: all of a request, or none of it. Answers their ids."""
    stored = iter(store(connection, [deposit for each in requests for deposit in each]))
    return [[next(stored) for _ in each] for each in requests]


def expect(connection: Connection, arrivals: Iterable[tuple[str, float]]) -> None:
    """Tell destinations that recipients (destination, due) now wait for a courier."""
    earliest: dict[str, float] = {}
    for name, due in arrivals:
        earliest[name] = min(due, earliest.get(name, due))
    if earliest:
        connection.execute(
            _DESTINATION,
            [{"name": name, "next_due": due, "ready_at": 0.0, "last_reply": ""} for name, due in earliest.items()],
        )


def _happenings(deposit: Deposit, rows: Sequence[dict[str, Any]]) -> list[Happening]:
    acceptance = deposit.acceptance
    client = acceptance.client.ip
    told = [
        Happening(
            deposit.at,
            deposit.message_id,
            deposit.kind,
            detail={"size": deposit.size, "recipients": len(rows), **({"client": client} if client else {})},
        )
    ]
    for row in rows:
        if row["state"] == State.HELD.value:
            detail = {"quarantine": row["quarantine"], "rule": row["rule"]}
            told.append(Happening(deposit.at, deposit.message_id, "held", row["address"], detail=detail))
        elif row["state"] in (State.UNSCANNED.value, State.CORRUPT.value):
            detail = {"rule": row["rule"], "due": row["due"]}
            told.append(Happening(deposit.at, deposit.message_id, row["state"], row["address"], detail=detail))
        elif row["state"] == State.DROPPED.value:
            detail = {"rule": row["rule"]}
            told.append(Happening(deposit.at, deposit.message_id, "deleted", row["address"], "policy", detail))
    return [*told, *deposit.also]
