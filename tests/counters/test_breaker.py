"""gateway/counters/breaker.py"""

from gateway.counters.breaker import FAILURES, REST, Breaker


def test_it_opens_after_some_failures_and_lets_one_try_when_it_has_rested() -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.allows(100.0)
        breaker.failed(100.0)
    assert breaker.is_open
    assert not breaker.allows(100.0 + REST - 0.1)
    assert breaker.allows(100.0 + REST)
    assert not breaker.allows(100.0 + REST)
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allows(100.0 + REST)


def test_a_success_in_between_begins_anew() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    breaker.succeeded()
    breaker.failed(0.0)
    assert breaker.allows(0.0)
