"""Counting in sliding windows: the statements behind `Counters.count`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Final

from gateway.counters import windows
from gateway.counters.records import Counted, Take
from gateway.counters.windows import Window

MAX_KEYS: Final = 200_000
"""Counters kept; some 30 MB. Beyond it those that end first are forgotten."""


def count(connection: sqlite3.Connection, takes: Sequence[Take], *, now: float) -> Counted:
    """Count all of them, or none if one would go over its limit."""
    found = [_find(connection, take, now=now) for take in takes]
    exhausted = first_exhausted(takes, found, now=now)
    if exhausted is None:
        found = [_more(each, take) for take, each in zip(takes, found, strict=True)]
        connection.executemany(
            "insert into counter values (?, ?, ?, ?, ?) on conflict (key) do update set slot = excluded.slot, "
            "current = excluded.current, previous = excluded.previous, ends = excluded.ends",
            [
                (take.key, each.slot, each.current, each.previous, windows.ends_at(each, seconds=take.seconds))
                for take, each in zip(takes, found, strict=True)
                if take.amount
            ],
        )
    return Counted(exhausted, levels(takes, found, now=now))


def peek(connection: sqlite3.Connection, takes: Sequence[Take], *, now: float) -> Counted:
    """What `count` would answer, without counting."""
    found = [_find(connection, take, now=now) for take in takes]
    return Counted(first_exhausted(takes, found, now=now), levels(takes, found, now=now))


def first_exhausted(takes: Sequence[Take], found: Sequence[Window], *, now: float) -> int | None:
    """The place of the first take that would go over its limit."""
    for place, (take, window) in enumerate(zip(takes, found, strict=True)):
        if windows.level(window, now, seconds=take.seconds) + take.amount > take.limit:
            return place
    return None


def levels(takes: Sequence[Take], found: Sequence[Window], *, now: float) -> tuple[float, ...]:
    """What each window holds."""
    return tuple(windows.level(each, now, seconds=take.seconds) for take, each in zip(takes, found, strict=True))


def sweep(connection: sqlite3.Connection, *, now: float) -> None:
    """Forget what has ended, and what is too much."""
    connection.execute("delete from counter where ends < ?", (now,))
    (kept,) = connection.execute("select count(*) from counter").fetchone()
    if kept > MAX_KEYS:
        connection.execute(
            "delete from counter where key in (select key from counter order by ends limit ?)", (kept - MAX_KEYS,)
        )


def _find(connection: sqlite3.Connection, take: Take, *, now: float) -> Window:
    row = connection.execute("select slot, current, previous from counter where key = ?", (take.key,)).fetchone()
    return windows.at(Window(*row) if row else None, now, seconds=take.seconds)


def _more(window: Window, take: Take) -> Window:
    return Window(window.slot, window.current + take.amount, window.previous)
