"""The ledger for a question or two: opened to be read, with no writer and no number, so that whoever asks waits for
nobody who writes. Changes nothing, but for tables that have to be migrated first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gateway.queue.ledger import searching
from gateway.queue.ledger.connection import LOCK, bring_up_to_date, is_up_to_date, writer_engine
from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.readers import Readers
from gateway.queue.records import TrackQuery, TrackRow


class Looking:
    """Answers as `Custody` does."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    def track(self, query: TrackQuery, *, limit: int) -> Sequence[TrackRow]:
        """Messages and refusals that meet the query, newest first."""
        return self._readers.ask_now(
            lambda connection: searching.track(connection, query=query, after=None, limit=limit)
        )


@contextmanager
def looking(folder: Path) -> Iterator[Looking]:
    """Open the ledger in the folder, which must be there. Raises OSError or `LedgerTooNew`."""
    lock, readers = FileLock(folder / LOCK), Readers.open(folder)
    try:
        if not readers.ask_now(is_up_to_date):
            _migrate(folder, lock)
        yield Looking(readers)
    finally:
        readers.close(lock)
        lock.close()


def _migrate(folder: Path, lock: FileLock) -> None:
    engine = writer_engine(folder)
    try:
        bring_up_to_date(engine, lock)
    finally:
        with lock:
            engine.dispose()
