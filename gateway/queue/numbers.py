"""The number of this process among those that share a ledger, so that no two make the same identifier.

Each takes the first file in a folder that nobody has locked, and keeps the lock while it lives.
"""

from __future__ import annotations

from pathlib import Path

from gateway.queue.identifiers import NODES
from gateway.queue.ledger.lock import FileLock


class NoNumberLeft(RuntimeError):
    """As many processes as there are numbers have this ledger open."""


def take_number(folder: Path, *, first: int) -> tuple[int, FileLock]:
    """The lowest free number from `first` on, and the lock that keeps it. Raises `NoNumberLeft`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for number in range(first, NODES):
        lock = FileLock(folder / str(number))
        if lock.try_acquire():
            return number, lock
        lock.close()
    raise NoNumberLeft(f"no number is free in {folder}")
