"""A custody in a folder of its own, with a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from tests.queue.samples import NOW


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
async def custody(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Custody]:
    opened = Custody.open(tmp_path / "custody", clock=clock)
    yield opened
    await opened.close()
