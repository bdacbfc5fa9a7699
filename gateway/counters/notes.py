"""Small things that are remembered for a while under a key of a topic: correspondents, recipients that were asked
about, alerts."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Final

from gateway.counters.records import Note

MAX_NOTES: Final = 500_000
"""Notes kept. Beyond it those that end first are forgotten."""


def remember(
    connection: sqlite3.Connection, topic: str, notes: Mapping[str, str], *, now: float, until: float
) -> frozenset[str]:
    """Write them down, over what stood there. The keys that nothing was known of."""
    known = recall(connection, topic, notes, now=now)
    connection.executemany(
        "insert into note values (?, ?, ?, ?, ?) on conflict do update set value = excluded.value, at = excluded.at, "
        "until = excluded.until",
        [(topic, key, value, now, until) for key, value in notes.items()],
    )
    return frozenset(notes) - frozenset(known)


def recall(connection: sqlite3.Connection, topic: str, keys: Collection[str], *, now: float) -> dict[str, Note]:
    """What is known of these keys."""
    found = {}
    for key in keys:
        row = connection.execute(
            "select key, value, at, until from note where topic = ? and key = ? and until > ?", (topic, key, now)
        ).fetchone()
        if row:
            found[key] = Note(*row)
    return found


def about(connection: sqlite3.Connection, topic: str, *, now: float, limit: int) -> list[Note]:
    """What is known of a topic, the newest first."""
    rows = connection.execute(
        "select key, value, at, until from note where topic = ? and until > ? order by at desc limit ?",
        (topic, now, limit),
    )
    return [Note(*row) for row in rows]


def sweep(connection: sqlite3.Connection, *, now: float) -> None:
    """Forget what has ended, and what is too much."""
    connection.execute("delete from note where until < ?", (now,))
    (kept,) = connection.execute("select count(*) from note").fetchone()
    if kept > MAX_NOTES:
        connection.execute(
            "delete from note where (topic, key) in (select topic, key from note order by until limit ?)",
            (kept - MAX_NOTES,),
        )
