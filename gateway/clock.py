"""Time and randomness, passed in so that tests can hold them still. The only file that asks the machine for either."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Protocol


class Clock(Protocol):
    """What the house asks of time: seconds since the epoch, and a monotonic count for durations and deadlines."""

    def now(self) -> float: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that moves only when told to, for tests and for `postern scan --now`."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds


async def pause(seconds: float, *, until: asyncio.Event) -> None:
    """Let so many seconds pass, or fewer if the event comes: what runs round after round is told to stop by one."""
    try:
        async with asyncio.timeout(seconds):
            await until.wait()
    except TimeoutError:
        return


def system_randomness() -> random.Random:
    """Randomness for jitter. Never for secrets: those come from the `secrets` module."""
    return random.SystemRandom()
