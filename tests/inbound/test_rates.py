from __future__ import annotations

from gateway.inbound import rates
from gateway.inbound.rates import Rates


def test_a_burst_and_then_the_average() -> None:
    buckets = Rates()
    assert [buckets.take("a", per_second=0.5, now=0.0) for _ in range(6)] == [True] * 5 + [False]
    assert not buckets.take("a", per_second=0.5, now=1.0)
    assert buckets.take("a", per_second=0.5, now=2.1)
    assert not buckets.take("a", per_second=0.5, now=2.1)
    assert buckets.take("b", per_second=0.5, now=2.1)


def test_it_remembers_a_bounded_number_of_clients(monkeypatch) -> None:
    monkeypatch.setattr(rates, "MAX_CLIENTS", 2)
    buckets = Rates()
    for client in "abc":
        assert buckets.take(client, per_second=0.1, now=0.0)
    assert not buckets.take("c", per_second=0.1, now=0.0)
    assert buckets.take("a", per_second=0.1, now=0.0), "the oldest was forgotten"
