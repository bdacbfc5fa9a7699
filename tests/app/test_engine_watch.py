"""gateway/app/engine_watch.py: what people are told about the malware engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.alerts import Alerts
from gateway.app.engine_watch import EngineWatch, SignatureMemory, complaints
from gateway.checks.malware.clamav import Clamav
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.facts.content import EngineFact
from gateway.telemetry import exposition


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        (EngineFact("clamav", "27450", 47.9 * 3600, 0.0), []),
        (EngineFact("clamav", "27450", 48.1 * 3600, 0.0), ["they are 48 hours old: newer malware is not found"]),
        (EngineFact("clamav", "demo", None, 0.0), []),
        (EngineFact("clamav", "27450", 60.0, 299.0), []),
        (EngineFact("clamav", "27450", 60.0, 600.0), ["clamd has not answered for 10 minutes"]),
    ],
)
def test_old_signatures_and_a_long_absence_raise_alerts(fact: EngineFact, told: list[str]) -> None:
    assert [words for _, words in complaints(fact)] == told


async def test_an_absent_engine_is_counted_and_told(tmp_path: Path) -> None:
    clock = FixedClock(1_800_000_000.0)
    counters = Counters.open(tmp_path / "counters", clock=clock)
    engine = Clamav(str(tmp_path / "nobody"), 1.0, 1, clock=clock)
    watch = EngineWatch(engine, Alerts(counters))
    await watch.look()
    clock.advance(400.0)
    await watch.look()
    assert b"postern_engine_absent_seconds 400.0" in exposition()
    assert [each.key for each in await watch.alerts.standing()] == ["malware engine"]
    memory = SignatureMemory(engine, counters)
    assert await memory.now() is None
    assert await memory.seen() == ""
    await memory.remember("27450")
    assert await memory.seen() == "27450"
    await engine.close()
    await counters.close()
