"""The one file of the counters: opening it, its tables, and a transaction on it.

synchronous=OFF: a commit costs no flush. What a process wrote outlives it; a machine that loses its power may lose the
last seconds, or the file, and a file that cannot be read is set aside for a new one. A lock file is held around every
commit and close, as SQLite up to 3.51.2 loses pages when a checkpoint meets another process's commit
(https://sqlite.org/wal.html#walresetbug), and because the kernel is fairer to those who wait.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gateway.telemetry import log

FILE: Final = "counters.sqlite"
LOCK: Final = "counters.lock"
ASIDE: Final = "counters.broken"
"""Where a file goes that could not be read: for people to look at, one at most."""

BUSY: Final = 50
"""Milliseconds to wait for a stranger's lock on the file. Our own processes wait at the lock file."""

_PRAGMAS: Final = (
    "journal_mode=wal",
    "synchronous=off",
    "wal_autocheckpoint=1000",
    "journal_size_limit=16777216",
    "cache_size=-4000",
    "temp_store=memory",
)

SCHEMA: Final = """
create table if not exists counter (
  key text primary key, slot integer not null, current real not null, previous real not null, ends real not null
) without rowid;
create index if not exists counter_ends on counter (ends);
create table if not exists process (name text primary key, seen real not null) without rowid;
create table if not exists presence (
  network text not null, process text not null, number integer not null, primary key (network, process)
) without rowid;
create table if not exists ban (
  network text primary key, reason text not null, by text not null, since real not null, until real not null
) without rowid;
create table if not exists revision (topic text primary key, number integer not null) without rowid;
create table if not exists waiting (
  id integer primary key, pool text not null, sender text not null, recipient text not null, client_ip text not null,
  helo text not null, first real not null, last real not null, tries integer not null, released integer not null,
  unique (pool, sender, recipient)
);
create index if not exists waiting_first on waiting (first);
create table if not exists passed (pool text primary key, last real not null) without rowid;
create index if not exists passed_last on passed (last);
create table if not exists note (
  topic text not null, key text not null, value text not null, at real not null, until real not null,
  primary key (topic, key)
) without rowid;
create index if not exists note_until on note (until);
create table if not exists met (
  kind text not null, key text not null, first real not null, last real not null, primary key (kind, key)
) without rowid;
create index if not exists met_last on met (last);
"""

_UNREADABLE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class CountersFile:
    """One connection, for one thread. Opens itself when it is first used, and again after it was closed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._connection: sqlite3.Connection | None = None
        self._lock = -1
        self._inode = 0

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing. Raises sqlite3.Error or OSError; the file is closed then, and opened anew next time."""
        try:
            with self._alone():
                connection = self._connection or self._open()
                connection.execute("begin immediate")
                try:
                    yield connection
                except BaseException:
                    connection.rollback()
                    raise
                connection.execute("commit")
        except (sqlite3.Error, OSError) as error:
            self._abandon(error)
            raise

    def close(self) -> None:
        """Let go of the file. The last one to close it cleans up behind all."""
        if self._connection is not None:
            with self._alone():
                self._drop()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._lock < 0:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            self._leave_if_replaced()
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _open(self) -> sqlite3.Connection:
        path = self._folder / FILE
        connection = sqlite3.connect(path, timeout=BUSY / 1000, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"pragma {pragma}").fetchall()
            connection.executescript(SCHEMA)
            self._inode = path.stat().st_ino
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _leave_if_replaced(self) -> None:
        """Another process may have set the file aside: what is written into the old one nobody reads."""
        if self._connection is None:
            return
        try:
            replaced = (self._folder / FILE).stat().st_ino != self._inode
        except FileNotFoundError:
            replaced = True
        if replaced:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _abandon(self, error: sqlite3.Error | OSError) -> None:
        self._drop()
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNREADABLE:
            with self._alone():
                self._set_aside(str(error))

    def _set_aside(self, why: str) -> None:
        """Put a broken file out of the way, unless another process has done so since."""
        try:
            probe = self._open()
            if probe.execute("pragma quick_check(1)").fetchone() == ("ok",):
                return
        except sqlite3.DatabaseError:
            pass  # as expected
        finally:
            self._drop()
        log().error("counters_set_aside", why=why, kept_as=ASIDE)
        for end in ("", "-wal", "-shm"):
            broken = self._folder / (FILE + end)
            if broken.exists():
                broken.replace(self._folder / (ASIDE + end))
