"""Opening the ledger: pragmas, migrations, and what there is to say about the SQLite underneath.

Every way to the file leads through here. Both kinds of connection are closed under the lock, because the last one that
closes checkpoints.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.pool import QueuePool

from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.schema import REVISION

FILE: Final = "ledger.sqlite"
LOCK: Final = "ledger.lock"

# FULL: a commit is on the disk when it returns. 1,000 pages a checkpoint, which runs inside a commit and so under the
# lock. "fast" wipes deleted octets where that costs no further write.
_WRITER: Final = (
    "journal_mode=wal",
    "synchronous=full",
    "wal_autocheckpoint=1000",
    "journal_size_limit=67108864",
    "busy_timeout=10000",
    "cache_size=-16000",
    "secure_delete=fast",
    "temp_store=memory",
)
_READER: Final = ("query_only=on", "wal_autocheckpoint=0", "busy_timeout=10000", "temp_store=memory")


class LedgerTooNew(RuntimeError):
    """The ledger was made by a later version of this program: do not touch it."""


def writer_engine(folder: Path) -> Engine:
    """The engine of the one thread that writes. Its transactions begin IMMEDIATE: they never have to be upgraded."""
    return _engine(folder, pragmas=_WRITER, begin="BEGIN IMMEDIATE", connections=1)


def reader_engine(folder: Path, *, connections: int) -> Engine:
    """Connections that can only read. A transaction sees one moment of the ledger and blocks nobody."""
    return _engine(folder, pragmas=_READER, begin="BEGIN", connections=connections)


def _engine(folder: Path, *, pragmas: tuple[str, ...], begin: str, connections: int) -> Engine:
    engine = create_engine(
        f"sqlite:///{folder / FILE}",
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        connect_args={"isolation_level": None, "check_same_thread": False, "cached_statements": 256},
    )

    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", start)
    return engine


def bring_up_to_date(engine: Engine, lock: FileLock) -> None:
    """Create or migrate the tables, in one transaction under the lock. Raises `LedgerTooNew`."""
    with lock, engine.connect() as connection:
        if is_up_to_date(connection):
            return
        connection.rollback()
        _migrate(connection)


def is_up_to_date(connection: Connection) -> bool:
    """Whether the tables are those of this program."""
    return _revision(connection) == REVISION


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(connection: Connection) -> None:
    # Alembic takes a fifth of a second to import, and nearly every open finds nothing to migrate.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).resolve().parent.parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        with connection.begin():
            command.upgrade(config, "head")
    except CommandError as error:
        raise LedgerTooNew(f"the ledger cannot be brought to revision {REVISION}: {error}") from error


@dataclass(frozen=True, slots=True)
class SqliteReport:
    """What `doctor` says about SQLite: whether this version has the WAL-reset race, which our lock keeps out."""

    version: str
    has_reset_race: bool
    text: str


def sqlite_report(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> SqliteReport:
    """Judge a version of SQLite. The race came with 3.7.0 and went with 3.51.3, 3.50.7 and 3.44.6."""
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    name = ".".join(map(str, version))
    if mended:
        return SqliteReport(name, False, f"SQLite {name} is free of the WAL-reset race")
    return SqliteReport(
        name,
        True,
        f"SQLite {name} has the WAL-reset race; commit, checkpoint and close run under {LOCK}, which avoids it",
    )
