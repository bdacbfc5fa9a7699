"""gateway/app/status.py: what people see of the malware engine and its signatures."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.app.installation import Folders
from gateway.app.senses import Engine, NoEngine
from gateway.app.status import Status
from gateway.checks.malware.clamav import Clamav
from gateway.clock import FixedClock
from gateway.console.ports import Component, Mood
from gateway.counters.counters import Counters
from gateway.queue.custody import Custody
from gateway.settings import Settings
from tests.checks.malware.test_clamav import FakeClamd, says

BUILT = 1_791_100_800.0
DATED = b"ClamAV 1.4.6/27450/Sun Oct  4 08:00:00 2026\n"


async def seen(folder: Path, engine: Engine, *, hours: float = 0.0) -> Component:
    """What the status says of the engine, so many hours after the signatures were made."""
    clock = FixedClock(BUILT + hours * 3600.0)
    folders = Folders(folder)
    custody = Custody.open(folders.queue, clock=clock)
    counters = Counters.open(folders.counters, clock=clock)
    try:
        settings = Settings.model_validate({"data": folder})
        status = Status(settings, folders, custody=custody, counters=counters, engine=engine, clock=clock)
        await status.look()
        (component,) = [each for each in status() if each.name in ("clamd", "malware signatures")]
        return component
    finally:
        await counters.close()
        await custody.close()


@pytest.mark.parametrize(
    ("version", "hours", "name", "mood"),
    [
        (DATED, 47.0, "clamd", Mood.UP),
        (DATED, 49.0, "malware signatures", Mood.DOWN),
        (b"ClamAV 1.4.6\n", 0.0, "malware signatures", Mood.DEGRADED),
        (b"nonsense\n", 0.0, "clamd", Mood.DOWN),
    ],
)
async def test_old_signatures_and_those_that_protect_nobody_are_told(
    tmp_path: Path, version: bytes, hours: float, name: str, mood: Mood
) -> None:
    path = str(tmp_path / "clamd.sock")
    fake = FakeClamd(lambda reader, writer: says(b"stream: OK\0")(fake)(reader, writer))
    fake.version = version
    async with await asyncio.start_unix_server(fake.serve, path):
        engine = Clamav(path, 5.0, 1)
        component = await seen(tmp_path / "data", engine, hours=hours)
        await engine.close()
    assert (component.name, component.mood) == (name, mood)


@pytest.mark.parametrize("engine", [None, NoEngine()])
async def test_where_no_engine_is_it_is_told(tmp_path: Path, engine: Engine) -> None:
    component = await seen(tmp_path / "data", engine)
    assert (component.name, component.mood) == ("clamd", Mood.DOWN)
