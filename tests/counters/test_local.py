"""gateway/counters/local.py"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.counters import local
from gateway.counters.local import LocalCounters
from gateway.counters.records import Take

NOW = 1000.0


@given(st.integers(1, 50), st.integers(1, 16))
def test_never_more_than_the_limit_and_never_nothing(limit: int, processes: int) -> None:
    """Of any limit each process has its share, and one at least."""
    counters = LocalCounters(share=1.0 / processes)
    take = Take("key", 60.0, limit=limit)
    taken = sum(counters.count([take], now=NOW).exhausted is None for _ in range(limit + 1))
    assert max(1, limit // processes) == taken


def test_it_forgets_rather_than_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "MAX_KEYS", 3)
    counters = LocalCounters()
    for number in range(5):
        counters.count([Take(f"key {number}", 60.0)], now=NOW)
        counters.remember("topic", {f"key {number}": "x"}, now=NOW, until=NOW + 60.0)
    assert counters.peek([Take("key 0", 60.0), Take("key 4", 60.0)], now=NOW).levels == (0.0, 1.0)
    assert set(counters.recall("topic", ["key 0", "key 4"], now=NOW)) == {"key 4"}
