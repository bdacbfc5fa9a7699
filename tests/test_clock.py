from __future__ import annotations

from gateway.clock import FixedClock, SystemClock, system_randomness


def test_a_fixed_clock_moves_when_told() -> None:
    clock = FixedClock(100.0)
    assert (clock.now(), clock.monotonic()) == (100.0, 100.0)
    clock.advance(2.5)
    assert (clock.now(), clock.monotonic()) == (102.5, 102.5)


def test_the_systems_clock_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert clock.now() > 1_700_000_000


def test_randomness_cannot_be_seeded() -> None:
    first, second = system_randomness(), system_randomness()
    first.seed(1)
    second.seed(1)
    assert [first.random() for _ in range(4)] != [second.random() for _ in range(4)]
