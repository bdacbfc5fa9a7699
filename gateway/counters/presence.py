"""Who is connected where: the open connections of each client network in each process of the machine.

A process states its numbers and says now and then that it lives; what a dead one said counts no more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Final

ALIVE: Final = 10.0
"""Seconds for which the word of a silent process still counts."""


def state(connection: sqlite3.Connection, process: str, numbers: Mapping[str, int]) -> None:
    """This process has so many connections of these networks."""
    connection.executemany(
        "insert into presence values (?, ?, ?) on conflict do update set number = excluded.number",
        [(network, process, number) for network, number in numbers.items() if number > 0],
    )
    connection.executemany(
        "delete from presence where network = ? and process = ?",
        [(network, process) for network, number in numbers.items() if number <= 0],
    )


def elsewhere(connection: sqlite3.Connection, process: str, network: str, *, now: float) -> int:
    """How many the other processes have."""
    (others,) = connection.execute(
        "select coalesce(sum(number), 0) from presence join process on name = process "
        "where network = ? and process <> ? and seen > ?",
        (network, process, now - ALIVE),
    ).fetchone()
    return int(others)


def live(connection: sqlite3.Connection, process: str, *, now: float) -> None:
    """This process lives."""
    connection.execute(
        "insert into process values (?, ?) on conflict do update set seen = excluded.seen", (process, now)
    )


def leave(connection: sqlite3.Connection, process: str) -> None:
    """This process ends."""
    connection.execute("delete from presence where process = ?", (process,))
    connection.execute("delete from process where name = ?", (process,))


def sweep(connection: sqlite3.Connection, *, now: float) -> None:
    """Forget the dead, and those whose clock ran ahead."""
    connection.execute("delete from process where seen < ? or seen > ?", (now - ALIVE, now + ALIVE))
    connection.execute("delete from presence where process not in (select name from process)")
