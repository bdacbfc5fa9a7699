"""gateway/app/losses.py and gateway/pipeline/examining.py: what kills anatomists is counted over restarts, and given
up."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app.losses import Losses
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.checks.leaves import Wanted
from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.facts.outcome import Unknown
from gateway.mail.message import Message
from gateway.pipeline.examining import examine

HOSTILE = Path(__file__).parents[1] / "checks" / "anatomist"
DEADLY = Message.from_wire(b"crash now\r\n\r\n")
HARMLESS = Message.from_wire(b"ok\r\n\r\n")


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AnatomistPool]:
    monkeypatch.syspath_prepend(HOSTILE)
    assert str(HOSTILE) in sys.path
    async with await AnatomistPool.start(
        workers=1, timeout=30.0, memory=1 << 29, model=None, work="hostile_work:prepare"
    ) as started:
        yield started


async def test_three_losses_over_restarts_are_enough(pool: AnatomistPool, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        counters = Counters.open(tmp_path, clock=SystemClock())
        losses = Losses(counters)
        seen = await examine(pool, losses, DEADLY, Wanted.NONE)
        assert (seen.content, seen.lost_workers) == (Unknown("anatomist worker died"), number)
        assert (await examine(pool, losses, HARMLESS, Wanted.NONE)).lost_workers == 0
        if number < 3:
            await counters.close()
    given_up = await examine(pool, losses, DEADLY, Wanted.NONE)
    assert given_up.content == Unknown("not examined: it has killed 3 anatomists")
    assert given_up.lost_workers == 3
    await counters.close()
