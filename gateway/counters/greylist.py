"""Greylisting (RFC 6647): who is asked to come back, and who has shown that it does. The statements behind
`Counters.meet`; what a pool of hosts is, is said in `pools.py`.

A pool that came back once is known: all its mail passes from then on, for as long as it is remembered. A visit may
belong to several pools: it is known by any of them, and makes all of them known. A visit is written down before it is
deferred, so that nobody can be deferred for ever.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Final

from gateway.counters.records import Passage, Visit, Waiting
from gateway.policy.policy import Greylisting

MAX_WAITING: Final = 100_000
MAX_PASSED: Final = 200_000

LONGEST_WINDOW: Final = 14 * 86400.0
LONGEST_MEMORY: Final = 366 * 86400.0
"""Seconds; the policy's schema allows no more."""

FRESH: Final = 3600.0
"""Seconds between two notes that a known pool was seen: a note a message would be a write a message."""


@dataclass(frozen=True, slots=True)
class _Try:
    """An earlier try of a visit, which stands on the list."""

    id: int
    first: float
    released: int


def meet(connection: sqlite3.Connection, visit: Visit, timing: Greylisting, *, now: float) -> Passage:
    """Whether the visit passes now. One that does not is on the list when this returns."""
    if last := _last_seen(connection, visit, timing, now=now):
        if last < now - FRESH:
            _remember(connection, visit, now=now)
        return Passage(True, now)
    earlier = _earlier(connection, visit, timing, now=now)
    passage = _answer(earlier, timing, now=now)
    if earlier is None:
        connection.execute(
            "insert or replace into waiting values (null, ?, ?, ?, ?, ?, ?, ?, 1, 0)",
            (visit.pool, visit.sender, visit.recipient, visit.client_ip, visit.helo, now, now),
        )
    elif passage.passed:
        _remember(connection, visit, now=now)
        connection.execute("delete from waiting where id = ?", (earlier.id,))
    else:
        connection.execute("update waiting set tries = tries + 1, last = ? where id = ?", (now, earlier.id))
    return passage


def look(connection: sqlite3.Connection, visit: Visit, timing: Greylisting, *, now: float) -> Passage:
    """What `meet` would say; nothing is written down."""
    if _last_seen(connection, visit, timing, now=now):
        return Passage(True, now)
    return _answer(_earlier(connection, visit, timing, now=now), timing, now=now)


def waiting(connection: sqlite3.Connection, *, limit: int) -> list[Waiting]:
    """Who was asked to come back and has not passed yet, the newest first."""
    rows = connection.execute(
        "select id, pool, sender, recipient, client_ip, helo, first, last, tries, released from waiting "
        "order by last desc limit ?",
        (limit,),
    )
    return [Waiting(*row) for row in rows]


def release(connection: sqlite3.Connection, numbers: list[int]) -> int:
    """Let these pass at their next try. Answers how many were still waiting."""
    return sum(
        connection.execute("update waiting set released = 1 where id = ? and released = 0", (number,)).rowcount
        for number in numbers
    )


def sweep(connection: sqlite3.Connection, *, now: float) -> None:
    """Forget what is older than any policy may ask for, and what is too much."""
    connection.execute("delete from waiting where first < ? or first > ?", (now - LONGEST_WINDOW, now + LONGEST_WINDOW))
    connection.execute("delete from passed where last < ?", (now - LONGEST_MEMORY,))
    (number,) = connection.execute("select count(*) from waiting").fetchone()
    if number > MAX_WAITING:
        oldest = "select id from waiting order by first limit ?"
        connection.execute(f"delete from waiting where id in ({oldest})", (number - MAX_WAITING,))  # noqa: S608
    (number,) = connection.execute("select count(*) from passed").fetchone()
    if number > MAX_PASSED:
        oldest = "select pool from passed order by last limit ?"
        connection.execute(f"delete from passed where pool in ({oldest})", (number - MAX_PASSED,))  # noqa: S608


def _last_seen(connection: sqlite3.Connection, visit: Visit, timing: Greylisting, *, now: float) -> float:
    """When one of its pools was noted last; 0.0 where none of them is known."""
    rows = (
        connection.execute("select last from passed where pool = ? and last >= ?", (pool, now - timing.memory))
        for pool in visit.pools
    )
    return max((row[0] for found in rows for row in found), default=0.0)


def _earlier(connection: sqlite3.Connection, visit: Visit, timing: Greylisting, *, now: float) -> _Try | None:
    """The first try that still counts, under whichever of its pools."""
    statement = (
        "select id, first, released from waiting where pool = ? and sender = ? and recipient = ? "
        "and first between ? and ?"
    )
    found = [
        _Try(*row)
        for pool in visit.pools
        for row in connection.execute(statement, (pool, visit.sender, visit.recipient, now - timing.window, now))
    ]
    return min(found, key=lambda each: each.first, default=None)


def _answer(earlier: _Try | None, timing: Greylisting, *, now: float) -> Passage:
    if earlier is None:
        return Passage(False, now + timing.delay)
    if earlier.released or now >= earlier.first + timing.delay:
        return Passage(True, now, waited=now - earlier.first)
    return Passage(False, earlier.first + timing.delay)


def _remember(connection: sqlite3.Connection, visit: Visit, *, now: float) -> None:
    connection.executemany(
        "insert into passed values (?, ?) on conflict do update set last = excluded.last",
        [(pool, now) for pool in visit.pools],
    )
