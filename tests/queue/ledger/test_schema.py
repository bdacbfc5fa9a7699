from __future__ import annotations

import warnings
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import SAWarning

import gateway.queue.migrations
from gateway.queue.ledger.connection import LOCK, bring_up_to_date, writer_engine
from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.schema import METADATA, REVISION, recipient


def test_the_newest_migration_is_the_one_that_the_tables_name() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(gateway.queue.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_the_migrations_make_the_tables_that_the_statements_expect(tmp_path: Path) -> None:
    engine, lock = writer_engine(tmp_path), FileLock(tmp_path / LOCK)
    bring_up_to_date(engine, lock)
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "autogenerate skipping", UserWarning)  # the index over an expression
        warnings.filterwarnings("ignore", "Skipped unsupported reflection", SAWarning)
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables}
        )
        assert compare_metadata(context, METADATA) == []
        indexes = {each["name"]: each for each in inspect(connection).get_indexes("recipient")}
        assert indexes.keys() == {index.name for index in recipient.indexes}
        made = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'destination_ready'")).scalar()
        assert made is not None and "max(next_due, ready_at)" in made
    engine.dispose()
    lock.close()
