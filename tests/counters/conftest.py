"""Counters over a real file, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.counters.counters import Counters

NOON = 1_800_000_000.0


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
async def counters(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Counters]:
    opened = Counters.open(tmp_path, clock=clock)
    yield opened
    await opened.close()
