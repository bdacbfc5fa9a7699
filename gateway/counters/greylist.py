"""Greylisting (RFC 6647): who is asked to come back, and who has shown that it does. The statements behind
`Counters.meet`; what a pool of hosts is, is said in `pools.py`.

A pool that came back once is known: all its mail passes from then on, for as long as it is remembered. A visit is
written down before it is deferred, so that nobody can be deferred for ever.
"""

from __future__ import annotations

import sqlite3
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


def meet(connection: sqlite3.Connection, visit: Visit, timing: Greylisting, *, now: float) -> Passage:
    """Whether the visit passes now. One that does not is on the list when this returns."""
    if _is_known(connection, visit.pool, timing, now=now):
        return Passage(True, now)
    row = connection.execute(
        "select id, first, released from waiting where pool = ? and sender = ? and recipient = ?",
        (visit.pool, visit.sender, visit.recipient),
    ).fetchone()
    if row is None or not now - timing.window <= row[1] <= now:
        connection.execute(
            "insert or replace into waiting values (null, ?, ?, ?, ?, ?, ?, ?, 1, 0)",
            (visit.pool, visit.sender, visit.recipient, visit.client_ip, visit.helo, now, now),
        )
        return Passage(False, now + timing.delay)
    number, first, released = row
    if released or now >= first + timing.delay:
        connection.execute(
            "insert into passed values (?, ?) on conflict do update set last = excluded.last", (visit.pool, now)
        )
        connection.execute("delete from waiting where id = ?", (number,))
        return Passage(True, now, waited=now - first)
    connection.execute("update waiting set tries = tries + 1, last = ? where id = ?", (now, number))
    return Passage(False, first + timing.delay)


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


def _is_known(connection: sqlite3.Connection, pool: str, timing: Greylisting, *, now: float) -> bool:
    row = connection.execute("select last from passed where pool = ?", (pool,)).fetchone()
    if row is None or row[0] < now - timing.memory:
        return False
    if row[0] < now - FRESH:
        connection.execute("update passed set last = ? where pool = ?", (now, pool))
    return True
