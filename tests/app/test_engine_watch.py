"""gateway/app/engine_watch.py: what people are told about the malware engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.engine_watch import TOPIC, EngineWatch, complaints, engine_watch
from gateway.checks.malware.clamav import Clamav
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.facts.content import EngineFact
from gateway.facts.outcome import Known, Unknown
from gateway.telemetry import exposition
from tests.checks.malware.test_clamav import FakeClamd, says


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


def watch_of(engine: Clamav, counters: Counters) -> EngineWatch:
    watch = engine_watch(engine, counters)
    assert isinstance(watch, EngineWatch)
    return watch


def standing_of(engine: Clamav) -> EngineFact:
    standing = engine.standing()
    assert isinstance(standing, Known)
    return standing.value


@pytest.fixture
async def clock() -> FixedClock:
    return FixedClock(1_800_000_000.0)


@pytest.fixture
async def counters(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Counters]:
    counters = Counters.open(tmp_path / "counters", clock=clock)
    yield counters
    await counters.close()


async def test_an_absent_engine_is_counted_and_told(tmp_path: Path, clock: FixedClock, counters: Counters) -> None:
    engine = Clamav(str(tmp_path / "nobody"), 1.0, 1, clock=clock)
    watch = watch_of(engine, counters)
    await watch.look()
    clock.advance(400.0)
    await watch.look()
    assert b"postern_engine_absent_seconds 400.0" in exposition()
    assert [each.key for each in await watch.alerts.standing()] == ["malware engine"]
    await engine.close()


async def test_all_processes_agree_that_there_is_an_engine_and_since_when_it_is_away(
    tmp_path: Path, clock: FixedClock, counters: Counters
) -> None:
    path = str(tmp_path / "clamd.sock")

    def door() -> Clamav:
        return Clamav(path, 1.0, 1, clock=clock)

    first, second = door(), door()
    async with answering_clamd(path):
        await watch_of(first, counters).look()
    clock.advance(60.0)
    await watch_of(first, counters).look()
    clock.advance(120.0)
    await watch_of(second, counters).look()
    assert standing_of(second) == replace(standing_of(first), signatures="", age=None)
    assert (standing_of(second).met, standing_of(second).absent) == (True, 120.0)

    restarted = door()
    await watch_of(restarted, counters).recall()
    assert (standing_of(restarted).met, standing_of(restarted).absent) == (True, 0.0), "nobody has asked it yet"
    assert isinstance(await restarted.scan(b"the first message"), Unknown)
    assert standing_of(restarted).absent == 120.0

    async with answering_clamd(path):
        clock.advance(2.0)
        await watch_of(second, counters).look()
        assert standing_of(second).absent == 0.0
    stranger = door()
    await watch_of(stranger, counters).recall()
    clock.advance(3600.0)
    assert isinstance(await stranger.scan(b"a night later"), Unknown)
    assert standing_of(stranger) == EngineFact("clamav", "", None, 0.0, met=True), "the night does not count"
    for each in (first, second, restarted, stranger):
        await each.close()


async def test_an_engine_that_nobody_has_met_is_remembered_by_nobody(
    tmp_path: Path, clock: FixedClock, counters: Counters
) -> None:
    engine = Clamav(str(tmp_path / "nobody"), 1.0, 1, clock=clock)
    await watch_of(engine, counters).look()
    assert await counters.notes(TOPIC, limit=10) == []
    await engine.close()


async def test_where_there_is_no_clamd_there_is_nothing_to_watch(counters: Counters) -> None:
    watch = engine_watch(None, counters)
    await watch.recall()
    await watch.run(asyncio.Event())


@asynccontextmanager
async def answering_clamd(path: str) -> AsyncIterator[None]:
    """Calls everything clean, and leaves nothing behind."""
    fake = FakeClamd(lambda reader, writer: says(b"stream: OK\0")(fake)(reader, writer))
    async with await asyncio.start_unix_server(fake.serve, path):
        yield
    fake.die(path)
