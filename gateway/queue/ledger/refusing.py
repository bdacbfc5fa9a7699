"""The record of refusals: who was answered what, and why. They have ids and events like messages, and no octets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, insert

from gateway.mail.replies import Reply
from gateway.queue.ledger.bulk import BulkInsert
from gateway.queue.ledger.rows import expand, squeeze, storable
from gateway.queue.ledger.schema import refusal
from gateway.queue.ledger.story import Happening, tell
from gateway.queue.records import Refusal, RefusalRecord


@dataclass(frozen=True, slots=True)
class NewRefusal:
    """A refusal and the id that it gets."""

    id: int
    refusal: Refusal


_REFUSAL: Final = BulkInsert(insert(refusal))


def record(connection: Connection, refusals: Sequence[NewRefusal]) -> list[int]:
    """Store refusals. Answers their ids."""
    _REFUSAL(connection, [_row(each) for each in refusals])
    tell(connection, [_happening(each) for each in refusals])
    return [each.id for each in refusals]


def refusal_record(row: Row[Any]) -> RefusalRecord:
    """A row as a record."""
    return RefusalRecord(
        id=row.id,
        refusal=Refusal(
            at=row.at,
            stage=row.stage,
            reply=Reply(row.code, row.enhanced, row.text),
            reason=row.reason,
            client_ip=row.client_ip,
            helo=row.helo,
            reverse_path=row.reverse_path,
            recipient=row.recipient,
            rule=row.rule,
            reference=row.reference,
            evidence=expand(row.evidence),
        ),
    )


def _row(new: NewRefusal) -> dict[str, Any]:
    said = new.refusal
    return {
        "id": new.id,
        "at": said.at,
        "stage": said.stage,
        "code": said.reply.code,
        "enhanced": said.reply.enhanced,
        "text": storable(said.reply.text),
        "reason": storable(said.reason),
        "client_ip": storable(said.client_ip),
        "helo": storable(said.helo),
        "reverse_path": storable(said.reverse_path),
        "sender": storable(said.reverse_path).lower(),
        "recipient": storable(said.recipient),
        "address": storable(said.recipient).lower(),
        "rule": said.rule,
        "reference": storable(said.reference),
        "evidence": squeeze(said.evidence),
    }


def _happening(new: NewRefusal) -> Happening:
    said = new.refusal
    detail = {
        "stage": said.stage,
        "reply": str(said.reply),
        "reason": storable(said.reason),
        "client": storable(said.client_ip),
        "reverse_path": storable(said.reverse_path),
        "rule": said.rule,
    }
    return Happening(said.at, new.id, "refused", storable(said.recipient).lower(), detail=detail)
