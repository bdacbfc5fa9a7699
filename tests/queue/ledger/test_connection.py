from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.ledger.connection import (
    FILE,
    LOCK,
    LedgerTooNew,
    bring_up_to_date,
    reader_engine,
    sqlite_report,
    writer_engine,
)
from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.schema import REVISION
from tests.queue.samples import NOW, accept


def made(folder: Path) -> None:
    """Create the ledger."""
    engine, lock = writer_engine(folder), FileLock(folder / LOCK)
    bring_up_to_date(engine, lock)
    engine.dispose()
    lock.close()


def test_a_commit_is_flushed_and_the_log_is_written_ahead(tmp_path: Path) -> None:
    engine = writer_engine(tmp_path)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
    engine.dispose()


def test_a_reader_cannot_write_and_never_checkpoints(tmp_path: Path) -> None:
    made(tmp_path)
    engine = reader_engine(tmp_path, connections=1)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA wal_autocheckpoint")).scalar() == 0
        with pytest.raises(OperationalError, match="readonly"):
            connection.execute(text("DELETE FROM message"))
    engine.dispose()


def test_bringing_up_to_date_twice_changes_nothing(tmp_path: Path) -> None:
    made(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        before = connection.execute("SELECT * FROM sqlite_master").fetchall()
    made(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        assert connection.execute("SELECT * FROM sqlite_master").fetchall() == before
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISION,)]


def test_a_ledger_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    made(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    with pytest.raises(LedgerTooNew, match="9999"):
        made(tmp_path)


async def test_processes_that_open_a_new_folder_together_make_one_ledger(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from gateway.clock import SystemClock\n"
        "from gateway.queue.custody import Custody; from tests.queue.samples import accept\n"
        "async def main():\n"
        "    custody = Custody.open(Path(sys.argv[1]), clock=SystemClock())\n"
        "    for _ in range(10): await accept(custody)\n"
        "    await custody.close()\n"
        "asyncio.run(main())"
    )
    children = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(3)]
    assert [child.wait(timeout=60) for child in children] == [0, 0, 0]
    custody = Custody.open(tmp_path, clock=FixedClock(NOW))
    await accept(custody)
    assert len(await custody.queue_items()) == 31
    await custody.close()


@pytest.mark.parametrize(
    ("version", "has_race"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((4, 0, 0), False),
    ],
)
def test_the_versions_of_sqlite_that_have_the_race_are_known(version: tuple[int, ...], has_race: bool) -> None:
    report = sqlite_report(version)
    assert report.has_reset_race is has_race
    assert report.version in report.text


def test_this_sqlite_is_reported() -> None:
    assert sqlite_report().version == sqlite3.sqlite_version
