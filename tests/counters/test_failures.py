"""The file of the counters is locked, frozen, broken, gone, or in a folder that cannot be written: mail goes on."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from gateway.clock import FixedClock, SystemClock
from gateway.counters import breaker, keeper
from gateway.counters import counters as counters_module
from gateway.counters.counters import Counters
from gateway.counters.records import CountersUnavailable, Take, Visit
from gateway.facts.outcome import Known, Unknown
from gateway.policy.policy import Greylisting

ROOT = Path(__file__).resolve().parents[2]
VISIT = Visit(("pool",), "ann@a.example", "bob@example.org")
THREE = Take("key", 60.0, limit=3)


@pytest.fixture(autouse=True)
def patience_with_counters() -> None:
    """As it is in service: this is about counters that do not answer."""


async def holds_locally(counters: Counters) -> None:
    """Three pass, the fourth not, and nobody is greylisted."""
    taken = [(await counters.count([THREE])).exhausted for _ in range(4)]
    assert taken == [None, None, None, 0]
    assert isinstance(await counters.meet([VISIT], Greylisting()), Unknown)
    assert await counters.connections_elsewhere("192.0.2.1", here=1) == 0
    assert await counters.remember("topic", {"a": "1"}, seconds=60.0) == {"a"}
    assert set(await counters.recall("topic", ["a"])) == {"a"}
    assert not counters.readiness()[0]


async def test_a_file_that_a_stranger_has_locked(tmp_path: Path, clock: FixedClock) -> None:
    counters = Counters.open(tmp_path, clock=clock)
    stranger = sqlite3.connect(tmp_path / "counters.sqlite", isolation_level=None)
    try:
        await counters.ban("192.0.2.1", seconds=60.0, reason="x", by="ana")
        stranger.execute("begin exclusive")
        await holds_locally(counters)
        stranger.execute("rollback")
        clock.advance(breaker.REST + 1.0)
        assert isinstance(await counters.meet([VISIT], Greylisting()), Known)
        assert counters.readiness() == (True, "")
    finally:
        stranger.close()
        await counters.close()


async def test_a_frozen_process_holds_the_lock_and_nobody_waits_for_it(
    tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counters_module, "PATIENCE_OF_PEOPLE", 0.2)
    counters = Counters.open(tmp_path, clock=clock)
    await counters.count([THREE])
    frozen = os.open(tmp_path / "counters.lock", os.O_RDWR)
    fcntl.flock(frozen, fcntl.LOCK_EX)
    try:
        slowest = 0.0
        for _ in range(20):
            begun = time.monotonic()
            await counters.count([Take("other", 60.0)])
            slowest = max(slowest, time.monotonic() - begun)
        # After three tries of a tenth of a second each the breaker lets nobody wait; the margin is for a busy machine.
        assert slowest < 2.0, "the loop waited for the file"
        with pytest.raises(CountersUnavailable):
            await asyncio.wait_for(counters.bans(), 30.0)
        assert not counters.readiness()[0]
    finally:
        os.close(frozen)
    clock.advance(breaker.REST + 1.0)
    for _ in range(100):
        clock.advance(breaker.REST + 1.0)
        if isinstance(await counters.meet([VISIT], Greylisting()), Known):
            break
        await asyncio.sleep(0.05)
    assert counters.readiness() == (True, "")
    await counters.close()


@pytest.mark.parametrize("octets", [b"this is no database, " * 1000, b""], ids=["garbage", "empty"])
async def test_a_broken_file_is_set_aside_for_a_new_one(tmp_path: Path, clock: FixedClock, octets: bytes) -> None:
    (tmp_path / "counters.sqlite").write_bytes(octets)
    counters = Counters.open(tmp_path, clock=clock)
    await counters.count([THREE])
    await counters.count([THREE])
    counted = await counters.count([THREE])
    assert counters.readiness() == (True, "")
    await counters.close()
    assert counted.levels[0] >= 2.0
    assert (tmp_path / "counters.broken").exists() is bool(octets)


async def test_a_file_that_breaks_while_two_processes_use_it(tmp_path: Path, monkeypatch) -> None:
    """The first to notice sets it aside; the other follows, and does not set the new one aside."""
    monkeypatch.setattr(keeper, "ROUND", 0.05)
    clock = FixedClock(1000.0)
    one, two = Counters.open(tmp_path, clock=clock), Counters.open(tmp_path, clock=clock)
    try:
        await one.count([THREE])
        await two.count([THREE])
        for end in ("", "-wal"):
            file = tmp_path / f"counters.sqlite{end}"
            if file.exists():
                with file.open("r+b") as out:
                    out.write(b"\xff" * max(4096, file.stat().st_size))
        for _ in range(200):
            clock.advance(breaker.REST + 1.0)
            await one.count([Take("new", 1e6)])
            level = (await two.count([Take("new", 1e6)])).levels[0]
            if level >= 4.0 and one.readiness()[0] and two.readiness()[0]:
                break
            await asyncio.sleep(0.05)
        ours = (await one.peek([Take("new", 1e6)])).levels
        theirs = (await two.peek([Take("new", 1e6)])).levels
        assert ours == theirs
    finally:
        await one.close()
        await two.close()


async def test_a_file_that_somebody_deletes_is_made_again(tmp_path: Path, clock: FixedClock) -> None:
    one, two = Counters.open(tmp_path, clock=clock), Counters.open(tmp_path, clock=clock)
    await one.count([THREE])
    for end in ("", "-wal", "-shm"):
        (tmp_path / f"counters.sqlite{end}").unlink(missing_ok=True)
    await one.count([THREE])
    counted = await two.count([THREE])
    await one.close()
    await two.close()
    assert counted.levels == (2.0,)


READ_ONLY = """
import asyncio, concurrent.futures.thread, os, sys
from pathlib import Path
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from tests.counters.test_failures import holds_locally

async def main():
    counters = Counters.open(Path(sys.argv[1]), clock=FixedClock(1000.0))
    await holds_locally(counters)
    print(counters.readiness()[1])
    await counters.close()

if os.geteuid() == 0:
    os.setuid(65534)
asyncio.run(main())
"""


def test_a_folder_that_cannot_be_written() -> None:
    """As somebody who is not root, for whom no folder is read-only."""
    folder = Path(tempfile.mkdtemp(prefix="postern-"))
    folder.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-B", "-c", READ_ONLY, str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr
    assert "ermission denied" in done.stdout


async def test_alone_each_process_has_its_share_of_a_limit(tmp_path: Path, clock: FixedClock) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    counters = Counters.open(blocked, clock=clock, processes=4)
    eight = Take("key", 60.0, limit=8)
    taken = [(await counters.count([eight])).exhausted for _ in range(3)]
    one = Take("rare", 60.0, limit=1)
    rare = [(await counters.count([one])).exhausted for _ in range(2)]
    await counters.close()
    assert taken == [None, None, 0]
    assert rare == [None, 0]


async def test_it_works_with_the_clock_of_the_machine(tmp_path: Path) -> None:
    counters = Counters.open(tmp_path, clock=SystemClock())
    assert (await counters.count([THREE])).exhausted is None
    await counters.close()
    assert not list(tmp_path.glob("*-wal"))
