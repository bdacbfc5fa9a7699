"""What was judged in a span of time, taken or refused, with its evidence and what was done: for reports. Reads only."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Final

from sqlalchemy import Connection, bindparam, func, select

from gateway.mail.envelope import Direction
from gateway.queue.identifiers import first_at
from gateway.queue.ledger.rows import expand
from gateway.queue.ledger.schema import evidence, message, recipient, refusal
from gateway.queue.records import JudgedMail

_EMPTY: Final = 16
"""Octets of compressed evidence up to which there is none: every recipient's refusal but the first has none."""

_TAKEN: Final = (
    select(message.c.id, evidence.c.octets)
    .join(evidence, evidence.c.message_id == message.c.id)
    .where(
        message.c.id >= bindparam("begin"),
        message.c.id < bindparam("end"),
        message.c.direction == Direction.INBOUND.value,
    )
    .order_by(message.c.id)
    .limit(bindparam("limit"))
)
_REFUSED: Final = (
    select(refusal.c.id, refusal.c.evidence.label("octets"))
    .where(
        refusal.c.id >= bindparam("begin"),
        refusal.c.id < bindparam("end"),
        refusal.c.stage == "data",
        refusal.c.code >= 500,
        func.length(refusal.c.evidence) > _EMPTY,
    )
    .order_by(refusal.c.id)
    .limit(bindparam("limit"))
)
_DISPOSITIONS: Final = select(recipient.c.message_id, recipient.c.judgement).where(
    recipient.c.message_id.in_(bindparam("messages", expanding=True))
)


def judged_between(connection: Connection, *, begin: float, end: float, after: int, limit: int) -> list[JudgedMail]:
    """Inbound messages from `begin` until before `end`, oldest first; `after` is the id of the last one seen, or 0.

    Messages that the client was told to bring again are not among them: they were not judged for good.
    """
    span = {"begin": max(first_at(begin), after + 1), "end": first_at(end), "limit": limit}
    taken = connection.execute(_TAKEN, span).all()
    dispositions: defaultdict[int, list[str]] = defaultdict(list)
    codes: defaultdict[int, set[str]] = defaultdict(set)
    for row in connection.execute(_DISPOSITIONS, {"messages": [each.id for each in taken]}):
        judgement = json.loads(row.judgement)
        dispositions[row.message_id].append(str(judgement.get("disposition", "")))
        codes[row.message_id] |= {str(code) for code, *_ in judgement.get("reasons", ())}
    found = [
        JudgedMail(row.id, expand(row.octets), tuple(dispositions[row.id]), frozenset(codes[row.id])) for row in taken
    ]
    found += [JudgedMail(row.id, expand(row.octets), ("reject",)) for row in connection.execute(_REFUSED, span)]
    found.sort(key=lambda each: each.id)
    return found[:limit]
