from __future__ import annotations

import pytest
from sqlalchemy import create_engine, insert, select

from gateway.queue.ledger.bulk import BulkInsert
from gateway.queue.ledger.schema import event, tally


def test_rows_arrive_whatever_the_order_of_their_names() -> None:
    engine = create_engine("sqlite://")
    bulk = BulkInsert(insert(tally))
    with engine.begin() as connection:
        tally.create(connection)
        bulk(connection, [])
        bulk(connection, [{"number": 3, "kind": "held", "minute": 1}, {"minute": 2, "kind": "held", "number": 4}])
        assert [tuple(row) for row in connection.execute(select(tally))] == [(1, "held", 3), (2, "held", 4)]
        with pytest.raises(KeyError, match="number"):
            bulk(connection, [{"minute": 3, "kind": "held"}])
    engine.dispose()


def test_a_single_column_is_no_bulk() -> None:
    with pytest.raises(ValueError, match="two columns"):
        BulkInsert(insert(event).values(at=1.0))
