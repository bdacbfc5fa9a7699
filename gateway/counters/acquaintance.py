"""Who was first met when: domains that mail came from, and pairs of people who write to each other, with the first time
and the last. Kept for half a year after the last time; what was met for the shortest while is forgotten first, so that
a flood of names that come once displaces nobody whom we have known for long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable
from typing import Final

from gateway.counters.records import Memory, Met

MAX_MET: Final = 500_000
"""Kept of all kinds together; some 60 MB."""

FORGOTTEN: Final = 180 * 86400.0
"""Seconds since they were met last."""

_BEGINNING: Final = ("beginning", "")
"""The kind and key under which stands when we began to keep these notes."""


def recall(connection: sqlite3.Connection, met: Iterable[Met], *, now: float) -> Memory:
    """When each of these was first met, as far as it ever was, and since when such notes are kept."""
    first = {}
    for each in met:
        row = connection.execute(
            "select first from met where kind = ? and key = ? and last > ?", (each.kind, each.key, now - FORGOTTEN)
        ).fetchone()
        if row:
            first[each] = float(row[0])
    return Memory(_begun(connection, now=now), first)


def note(connection: sqlite3.Connection, met: Collection[Met], *, now: float) -> None:
    """They were met now."""
    connection.executemany(
        "delete from met where kind = ? and key = ? and last <= ?",
        [(each.kind, each.key, now - FORGOTTEN) for each in met],
    )
    connection.executemany(
        "insert into met values (?, ?, ?, ?) on conflict do update set first = min(first, excluded.first), "
        "last = max(last, excluded.last)",
        [(each.kind, each.key, now, now) for each in met],
    )


def sweep(connection: sqlite3.Connection, *, now: float) -> None:
    """Forget what was met long ago, and what is too much."""
    begun = _begun(connection, now=now)
    connection.execute("delete from met where last < ? and kind <> ?", (now - FORGOTTEN, _BEGINNING[0]))
    (kept,) = connection.execute("select count(*) from met").fetchone()
    if kept > MAX_MET:
        connection.execute(
            "delete from met where (kind, key) in "
            "(select kind, key from met where kind <> ? order by last - first, last limit ?)",
            (_BEGINNING[0], kept - MAX_MET + MAX_MET // 10),  # sorting them all is not for every sweep
        )
    if begun > now:  # the clock stood ahead when we began: else we would know nothing until it gets there
        connection.execute("update met set first = ? where kind = ?", (now, _BEGINNING[0]))


def _begun(connection: sqlite3.Connection, *, now: float) -> float:
    connection.execute("insert or ignore into met values (?, ?, ?, ?)", (*_BEGINNING, now, now))
    (first,) = connection.execute("select first from met where kind = ? and key = ?", _BEGINNING).fetchone()
    return float(first)
