"""Lists that people search: held mail, and where a message went. Newest first, continued by id, never by counting."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, false, func, or_, select

from gateway.mail.address import Address, path_text
from gateway.mail.replies import Reply
from gateway.queue.identifiers import BadIdentifier, first_at, parse_id
from gateway.queue.ledger import words
from gateway.queue.ledger.conditions import IS_HELD, is_in
from gateway.queue.ledger.rows import held_item, judgement_of, path_of
from gateway.queue.ledger.schema import message, recipient, refusal
from gateway.queue.records import HeldItem, HeldQuery, TrackQuery, TrackRow
from gateway.queue.states import State

_ITEM: Final = select(
    recipient,
    *(column for column in message.c if column.name != "id"),
).join(message, message.c.id == recipient.c.message_id)
READ_THROUGH: Final = 100_000
"""Recipients, and refusals, that one look for a text may read: well below a second."""


def held(connection: Connection, query: HeldQuery, *, after: int | None, limit: int) -> list[HeldItem]:
    """Recipients that meet the query, newest first, older than `after`."""
    conditions = _held_conditions(query)
    if after is not None:
        conditions.append(recipient.c.id < after)
    rows = connection.execute(_ITEM.where(*conditions).order_by(recipient.c.id.desc()).limit(limit))
    return [held_item(row) for row in rows]


def held_item_of(connection: Connection, recipient_id: int) -> HeldItem | None:
    """One recipient that is or was held."""
    row = connection.execute(
        _ITEM.where(recipient.c.id == recipient_id, recipient.c.held_at.is_not(None))
    ).one_or_none()
    return None if row is None else held_item(row)


def held_counts(connection: Connection, recipients: Collection[str] | None) -> dict[str, int]:
    """How many are held in each quarantine."""
    rows = connection.execute(
        select(recipient.c.quarantine, func.count().label("number"))
        .where(IS_HELD, *_visible(recipient.c.address, recipients))
        .group_by(recipient.c.quarantine)
    )
    return {row.quarantine: row.number for row in rows}


def track(connection: Connection, query: TrackQuery, *, after: int | None, limit: int) -> list[TrackRow]:
    """Messages by recipient and refusals that meet the query, newest first, older than `after`.

    Addresses and identifiers are found however old. `text`, clients and patterns with `*` are looked for among the
    newest `READ_THROUGH` that are older than `after`: there is no full text of mail that never was held.
    """
    rows: list[TrackRow] = []
    for source in (_MESSAGES, _REFUSALS):
        conditions = source.conditions(query)
        if after is not None:
            conditions.append(source.id < after)
        if query.text or query.client or "*" in query.recipient + query.sender:
            conditions.append(source.id >= _floor(connection, source.compact_id, after))
        found = connection.execute(source.rows.where(*conditions).order_by(source.id.desc()).limit(limit))
        rows += [source.row(each) for each in found]
    return sorted(rows, key=lambda row: row.id, reverse=True)[:limit]


def _floor(connection: Connection, id: Any, after: int | None) -> int:
    """The id at which reading through ends."""
    ids = select(id).order_by(id.desc()).limit(1).offset(READ_THROUGH)
    return int(connection.execute(ids if after is None else ids.where(id < after)).scalar() or 0)


def _held_conditions(query: HeldQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        is_in(query.state),
        recipient.c.held_at.is_not(None),
        *_between(recipient.c.id, query.since, query.until),
        *_visible(recipient.c.address, query.recipients),
        *_address(message.c.sender, query.sender),
        *_address(recipient.c.address, query.recipient),
        *(_words(term) for term in query.terms if term),
    ]
    if query.quarantines:
        conditions.append(recipient.c.quarantine.in_(sorted(query.quarantines)))
    if query.rule:
        conditions.append(recipient.c.rule == query.rule)
    if query.reason:
        conditions.append(func.instr(recipient.c.codes, f" {query.reason} ") > 0)
    if query.score_from is not None:
        conditions.append(message.c.score >= query.score_from)
    if query.score_to is not None:
        conditions.append(message.c.score <= query.score_to)
    return conditions


def _message_conditions(query: TrackQuery) -> list[ColumnElement[bool]]:
    conditions = [
        *_between(recipient.c.id, query.since, query.until),
        *_visible(recipient.c.address, query.recipients),
        *_address(recipient.c.address, query.recipient),
        *_address(message.c.sender, query.sender),
        *_address(message.c.client_ip, query.client),
    ]
    if query.message_id:
        conditions.append(
            or_(message.c.header_id.in_(_spellings(query.message_id)), message.c.id.in_(_ids(query.message_id)))
        )
    if query.text:
        columns = (
            message.c.subject,
            message.c.author_address,
            message.c.author_name,
            message.c.sender,
            recipient.c.address,
        )
        conditions.append(or_(*(column.icontains(query.text, autoescape=True) for column in columns)))
    return conditions


def _refusal_conditions(query: TrackQuery) -> list[ColumnElement[bool]]:
    conditions = [
        *_between(refusal.c.id, query.since, query.until),
        *_visible(refusal.c.address, query.recipients),
        *_address(refusal.c.address, query.recipient),
        *_address(refusal.c.sender, query.sender),
        *_address(refusal.c.client_ip, query.client),
    ]
    if query.message_id:
        conditions.append(or_(refusal.c.reference == query.message_id, refusal.c.id.in_(_ids(query.message_id))))
    if query.text:
        columns = (refusal.c.address, refusal.c.sender, refusal.c.reason)
        conditions.append(or_(*(column.icontains(query.text, autoescape=True) for column in columns)))
    return conditions


def _words(term: str) -> ColumnElement[bool]:
    if len(term) >= words.SHORTEST:
        return words.contain(term)
    columns = (
        message.c.subject,
        message.c.author_name,
        message.c.author_address,
        message.c.sender,
        recipient.c.address,
    )
    return or_(*(column.icontains(term, autoescape=True) for column in columns))


def _between(column: Any, since: float | None, until: float | None) -> list[ColumnElement[bool]]:
    """By id, because ids carry the time and lists run along them."""
    conditions = []
    if since is not None:
        conditions.append(column >= first_at(since))
    if until is not None:
        conditions.append(column < first_at(until))
    return conditions


def _visible(column: Any, recipients: Collection[str] | None) -> list[ColumnElement[bool]]:
    if recipients is None:
        return []
    lowered = {each.lower() for each in recipients}
    domains = sorted(each for each in lowered if each.startswith("@"))
    addresses = sorted(each for each in lowered if not each.startswith("@"))
    choices = [column.endswith(domain, autoescape=True) for domain in domains]
    if addresses:
        choices.append(column.in_(addresses))
    return [or_(*choices) if choices else false()]


def _address(column: Any, pattern: str) -> list[ColumnElement[bool]]:
    if not pattern:
        return []
    pattern = pattern.strip().removeprefix("<").removesuffix(">").lower()
    if "*" not in pattern:
        return [column == pattern]
    escaped = pattern.replace("/", "//").replace("%", "/%").replace("_", "/_").replace("*", "%")
    return [column.like(escaped, escape="/")]


def _spellings(header_id: str) -> list[str]:
    bare = header_id.strip().removeprefix("<").removesuffix(">")
    return [header_id, bare, f"<{bare}>"]


def _ids(text: str) -> list[int]:
    try:
        return [parse_id(text)]
    except BadIdentifier:
        return []


def _message_row(row: Row[Any]) -> TrackRow:
    judgement = judgement_of(row)
    state = State(row.state)
    return TrackRow(
        id=row.id,
        message_id=row.message_id,
        at=row.received_at,
        outcome=state.value,
        stage="",
        client_ip=row.client_ip,
        reverse_path=path_text(path_of(row)),
        recipient=str(Address(row.local, row.domain)),
        subject=row.subject,
        size=row.size,
        reply=row.last_reply,
        rule=row.rule,
        reason="; ".join(text for _, text in judgement.reasons),
        quarantine=row.quarantine,
        attempt=row.attempt,
        due=row.due if state in (State.QUEUED, State.DEFERRED) else None,
    )


def _refusal_row(row: Row[Any]) -> TrackRow:
    return TrackRow(
        id=row.id,
        message_id=None,
        at=row.at,
        outcome="refused",
        stage=row.stage,
        client_ip=row.client_ip,
        reverse_path=row.reverse_path,
        recipient=row.recipient,
        subject="",
        size=0,
        reply=str(Reply(row.code, row.enhanced, row.text)),
        rule=row.rule,
        reason=row.reason,
        quarantine="",
        attempt=0,
        due=None,
    )


@dataclass(frozen=True, slots=True)
class _Source:
    """Where tracking looks. `compact_id` is an id in an index of its own, quick to count along."""

    rows: Select[Any]
    id: ColumnElement[int]
    compact_id: ColumnElement[int]
    conditions: Callable[[TrackQuery], list[ColumnElement[bool]]]
    row: Callable[[Row[Any]], TrackRow]


_MESSAGES: Final = _Source(_ITEM, recipient.c.id, recipient.c.message_id, _message_conditions, _message_row)
_REFUSALS: Final = _Source(select(refusal), refusal.c.id, refusal.c.id, _refusal_conditions, _refusal_row)
