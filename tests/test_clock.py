from __future__ import annotations

import asyncio

from gateway.clock import FixedClock, SystemClock, pause, system_randomness


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


async def test_a_pause_ends_by_itself_or_when_it_is_told() -> None:
    event = asyncio.Event()
    await pause(0.001, until=event)
    assert not event.is_set()
    waiting = asyncio.ensure_future(pause(3600.0, until=event))
    await asyncio.sleep(0)
    event.set()
    await waiting
