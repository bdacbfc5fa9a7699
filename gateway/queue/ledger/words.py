"""Full text of held mail: a trigram index over the words by which people look for a message.

It holds every recipient that was ever held, until its rows are purged; the rows themselves stay the only copy of the
text (FTS5 "external content", https://sqlite.org/fts5.html#external_content_tables).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, column, insert, literal_column, select, table

from gateway.queue.ledger.schema import WORDS_COLUMNS, message, recipient
from gateway.queue.ledger.schema import words as index

SHORTEST: Final = 3
"""A trigram index cannot find fewer characters than three."""

_COLUMNS = (message.c.subject, message.c.author_name, message.c.author_address, message.c.sender, recipient.c.address)
_CHOSEN = recipient.c.id.in_(bindparam("ids", expanding=True))
_JOINED = recipient.join(message, message.c.id == recipient.c.message_id)
_TARGET = table("words", column("rowid"), *(column(name) for name in WORDS_COLUMNS))
_LEARN = insert(_TARGET).from_select(
    ["rowid", *WORDS_COLUMNS], select(recipient.c.id, *_COLUMNS).select_from(_JOINED).where(_CHOSEN)
)
_COMMAND = table("words", column("words"), column("rowid"), *(column(name) for name in WORDS_COLUMNS))
_FORGET = insert(_COMMAND).from_select(
    ["words", "rowid", *WORDS_COLUMNS],
    select(literal_column("'delete'"), recipient.c.id, *_COLUMNS)
    .select_from(_JOINED)
    .where(_CHOSEN & recipient.c.held_at.is_not(None)),
)


def learn(connection: Connection, recipient_ids: Sequence[int]) -> None:
    """Index recipients that are held for the first time."""
    if recipient_ids:
        connection.execute(_LEARN, {"ids": list(recipient_ids)})


def forget(connection: Connection, recipient_ids: Sequence[int]) -> None:
    """Take recipients out of the index, before their rows go; those that never were held are passed over."""
    if recipient_ids:
        connection.execute(_FORGET, {"ids": list(recipient_ids)})


def contain(term: str) -> ColumnElement[bool]:
    """The condition that a held recipient's words contain the term, which is at least `SHORTEST` characters long."""
    quoted = '"' + term.replace('"', '""') + '"'
    return recipient.c.id.in_(select(index.c.rowid).where(literal_column("words").op("MATCH")(quoted)))
