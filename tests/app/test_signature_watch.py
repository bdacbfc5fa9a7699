"""gateway/app/signature_watch.py: when signatures count as others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.app.signature_watch import SETTLED, Lookbacks, SignatureWatch
from gateway.checks.malware.clamav import Clamav
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from tests.checks.malware.test_clamav import FakeClamd, says


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[FakeClamd]:
    fake = FakeClamd(lambda reader, writer: says(b"stream: OK\0")(fake)(reader, writer))
    async with await asyncio.start_unix_server(fake.serve, str(tmp_path / "clamd.sock")):
        yield fake


async def test_a_new_version_counts_at_once_and_files_of_ones_own_when_clamd_has_read_them(
    tmp_path: Path, fake: FakeClamd
) -> None:
    clock = FixedClock(1000.0)
    engine = Clamav(str(tmp_path / "clamd.sock"), 5.0, 1, clock=clock)
    folder = tmp_path / "signatures"
    folder.mkdir()
    (folder / "daily.cvd").write_bytes(b"1")
    watch = SignatureWatch(engine, clock, folder=folder)
    first = await watch.now()
    assert first is not None
    assert first.startswith("27450/")
    (folder / "freshclam.dat").write_bytes(b"not a signature")
    assert await watch.now() == first

    (folder / "house.ndb").write_text("ours")
    assert await watch.now() == first
    clock.advance(SETTLED)
    second = await watch.now()
    assert second is not None
    assert second != first
    assert second.startswith("27450/")

    (folder / "daily.cvd").write_bytes(b"12")
    fake.version = b"ClamAV 1.4.6/27451/Sat Oct  5 08:00:00 2026\n"
    third = await watch.now()
    assert third is not None
    assert third.startswith("27451/")
    clock.advance(SETTLED)
    assert await watch.now() == third
    await engine.close()


async def test_without_an_answer_and_without_an_engine_nothing_is_known(tmp_path: Path) -> None:
    clock = FixedClock(1000.0)
    engine = Clamav(str(tmp_path / "nobody"), 5.0, 1, clock=clock)
    assert await SignatureWatch(engine, clock).now() is None
    assert await SignatureWatch(None, clock).now() is None
    await engine.close()


async def test_what_was_looked_at_is_remembered_over_restarts(tmp_path: Path) -> None:
    clock = FixedClock(1000.0)
    for before in ("", "27450"):
        counters = Counters.open(tmp_path / "counters", clock=clock)
        memory = Lookbacks(counters)
        assert (await memory.seen("signatures"), await memory.seen("rules")) == (before, "")
        await memory.remember("signatures", "27450")
        await counters.close()
