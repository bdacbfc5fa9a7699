"""The fair lock of the ledger: a file that one process at a time holds while it commits, checkpoints or closes.

SQLite's own waiting starves when four processes write, and its versions up to 3.51.2 lose pages when a checkpoint in
one connection meets a commit in another (https://sqlite.org/wal.html#walresetbug). Holding this lock around all three
removes both. The kernel queues those who wait, and frees the lock when its holder dies; a holder that is frozen must
be killed by whoever watches it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType


class FileLock:
    """One open description of the lock file. Not for two threads at a time."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def __enter__(self) -> FileLock:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def try_acquire(self) -> bool:
        """Take the lock if nobody holds it; it is then kept until `close`."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Give the lock up for good."""
        os.close(self._descriptor)
