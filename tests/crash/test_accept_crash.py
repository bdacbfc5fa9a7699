"""kill -9 between every two steps of accept, claim, finish and release, then open the folder again: what was promised
is there, nothing is half there, nothing is stuck, and what nobody owns is collected.

This proves the crash of a process. The loss of power is argued in `accept.py` and rests on fsync.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, closing
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.identifiers import parse_id, text_of
from gateway.queue.records import HeldQuery, MessageRecord, TrackQuery
from gateway.queue.states import FINAL, State
from gateway.queue.upkeep import Upkeep, UpkeepReport
from tests.crash.victim import BOUNCE
from tests.queue.samples import LARGE, OCTETS, attempt

pytestmark = pytest.mark.slow

COMMIT = ["ledger:locked", "ledger:begun", "ledger:written", "ledger:committed", "ledger:released"]
SPOOL = ["spool:flushed", "spool:renamed", "spool:folder-flushed"]
DURABLE = {"ledger:committed", "ledger:released", "accept:committed", "spool:removed"}
"""The steps after which the write that was under way has to be there."""

SURVIVES = "none"
LATER = 1000.0


def die(folder: Path, scene: str, step: str) -> list[list[str]]:
    """Play a scene in a process that dies at the step; answers the promises that it got."""
    child = subprocess.run(
        [sys.executable, "-m", "tests.crash.victim", str(folder), scene, step],
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert child.returncode == (0 if step == SURVIVES else -signal.SIGKILL), f"{scene} never came to {step}"
    return [line.split() for line in child.stdout.decode().splitlines()]


@asynccontextmanager
async def reopened(folder: Path) -> AsyncIterator[Custody]:
    """The folder after the crash, when all leases have expired."""
    custody = Custody.open(folder, clock=FixedClock(time.time() + LATER))
    try:
        yield custody
    finally:
        await custody.close()


async def messages(custody: Custody) -> list[MessageRecord]:
    """Every message of the ledger, oldest first."""
    rows = await custody.track(TrackQuery(), limit=100_000)
    found = [await custody.message(id) for id in sorted({row.message_id for row in rows if row.message_id is not None})]
    return [each for each in found if each is not None]


async def check_whole(custody: Custody, folder: Path) -> UpkeepReport:
    """Nothing is half there, and what nobody owns is gone after one round of upkeep."""
    with closing(sqlite3.connect(f"file:{folder / 'ledger.sqlite'}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    report = await Upkeep(custody, FixedClock(time.time())).round()
    assert report is not None
    assert report.drift == ()
    spooled = set()
    for message in await messages(custody):
        assert message.recipients
        assert message.evidence
        owed = any(each.state not in FINAL for each in message.recipients)
        assert message.octets_kept is owed
        if owed:
            octets = await custody.octets(message.id)
            assert octets[:] in (OCTETS, LARGE, BOUNCE.octets)
            assert len(octets) == message.size
            if octets[:] == LARGE:
                spooled.add(text_of(message.id))
        told = [event.kind for event in await custody.events(message.id)]
        assert told.count("accepted") == 1
        ends = [each.state.value for each in message.recipients if each.state in FINAL]
        assert sorted(kind for kind in told if kind in FINAL) == sorted(ends)
    assert {path.name for path in custody.spool.folder.iterdir()} == spooled
    return report


async def check_promises(custody: Custody, promises: list[list[str]]) -> None:
    """What was acknowledged is there, with its octets if they are still owed."""
    finished = {id for what, id, *_ in promises if what == "finished"}
    for what, id, *more in promises:
        message = await custody.message(parse_id(id))
        assert message is not None, f"{what} {id} is lost"
        if what == "accepted":
            assert message.size == int(more[0])
            if message.recipients[0].state not in FINAL:
                assert len(await custody.octets(message.id)) == message.size
        if id in finished:
            assert message.recipients[0].state in FINAL


async def deliver_everything(custody: Custody) -> None:
    """Nothing is stuck: all that is owed can be released, claimed and delivered."""
    for item in await custody.held(HeldQuery(), after=None, limit=100_000):
        assert await custody.release(item.id, actor="test", reason="")
    while claims := await custody.claim("after", lease=60, per_destination=1000):
        assert all(await asyncio.gather(*(custody.finish(each, attempt()) for each in claims)))
    assert all(each.state in FINAL for message in await messages(custody) for each in message.recipients)
    assert not list(custody.spool.folder.iterdir())
    assert await custody.queue_summary() == []


@pytest.mark.parametrize("step", ["accept:begun", *COMMIT, "accept:committed"])
async def test_a_crash_while_a_small_message_is_accepted(tmp_path: Path, step: str) -> None:
    promises = die(tmp_path, "accept_row", step)
    async with reopened(tmp_path) as custody:
        await check_promises(custody, promises)
        assert len(promises) == 1
        assert len(await messages(custody)) == (2 if step in DURABLE else 1)
        assert (await check_whole(custody, tmp_path)).orphans == ()
        await deliver_everything(custody)


@pytest.mark.parametrize("step", ["accept:begun", *SPOOL, *COMMIT, "accept:committed"])
async def test_a_crash_while_a_large_message_is_accepted(tmp_path: Path, step: str) -> None:
    promises = die(tmp_path, "accept_spool", step)
    async with reopened(tmp_path) as custody:
        await check_promises(custody, promises)
        assert len(promises) == 1
        assert len(await messages(custody)) == (2 if step in DURABLE else 1)
        orphans = (await check_whole(custody, tmp_path)).orphans
        assert len(orphans) == (0 if step in DURABLE else 1)
        await deliver_everything(custody)


@pytest.mark.parametrize("step", ["accept:begun", *SPOOL, *COMMIT, "accept:committed"])
async def test_a_crash_while_a_message_is_accepted_in_two_forms(tmp_path: Path, step: str) -> None:
    promises = die(tmp_path, "accept_changed", step)
    async with reopened(tmp_path) as custody:
        await check_promises(custody, promises)
        assert len(promises) == 1
        found = await messages(custody)
        states = sorted(each.recipients[0].state for each in found)
        assert states == ([State.HELD, State.QUEUED, State.QUEUED] if step in DURABLE else [State.QUEUED])
        if step in DURABLE:
            (held,) = [each for each in found if each.recipients[0].state is State.HELD]
            (told,) = [each for each in await custody.events(held.id) if each.kind == "stripped"]
            other = await custody.message(parse_id(str(told.detail["other"])))
            assert other is not None
            assert other.size == len(LARGE)
        orphans = (await check_whole(custody, tmp_path)).orphans
        assert len(orphans) == (0 if step in DURABLE else 1) - (step == "accept:begun")
        await deliver_everything(custody)


@pytest.mark.parametrize("step", COMMIT)
async def test_a_crash_while_a_courier_claims(tmp_path: Path, step: str) -> None:
    promises = die(tmp_path, "claim", step)
    async with reopened(tmp_path) as custody:
        await check_promises(custody, promises)
        attempts = {each.recipients[0].attempt for each in await messages(custody)}
        assert attempts == {1 if step in DURABLE else 0}
        await check_whole(custody, tmp_path)
        assert len(await custody.claim("after", lease=-1)) == 2
        await deliver_everything(custody)


@pytest.mark.parametrize("step", [*COMMIT, "spool:removed"])
async def test_a_crash_while_a_failure_is_recorded(tmp_path: Path, step: str) -> None:
    promises = die(tmp_path, "finish", step)
    async with reopened(tmp_path) as custody:
        await check_promises(custody, promises)
        found = await messages(custody)
        failed = [each for each in found if each.recipients[0].state is State.FAILED]
        bounces = [each for each in found if each.envelope.reverse_path is None]
        assert (len(failed), len(bounces)) == ((1, 1) if step in DURABLE else (0, 0))
        orphans = (await check_whole(custody, tmp_path)).orphans
        assert len(orphans) == (1 if step in ("ledger:committed", "ledger:released") else 0)
        await deliver_everything(custody)


@pytest.mark.parametrize("step", COMMIT)
async def test_a_crash_while_mail_is_released(tmp_path: Path, step: str) -> None:
    promises = die(tmp_path, "release", step)
    async with reopened(tmp_path) as custody:
        await check_promises(custody, promises)
        (message,) = await messages(custody)
        assert message.recipients[0].state is (State.QUEUED if step in DURABLE else State.HELD)
        await check_whole(custody, tmp_path)
        await deliver_everything(custody)


@pytest.mark.parametrize(
    ("scene", "last"),
    [
        ("accept_row", "accepted"),
        ("accept_spool", "accepted"),
        ("accept_changed", "accepted"),
        ("claim", "claimed"),
        ("finish", "finished"),
        ("release", "released"),
    ],
)
async def test_without_a_crash_every_promise_is_given(tmp_path: Path, scene: str, last: str) -> None:
    promises = die(tmp_path, scene, SURVIVES)
    assert promises[-1][0] == last
    async with reopened(tmp_path) as custody:
        await check_promises(custody, promises)
        await check_whole(custody, tmp_path)
        await deliver_everything(custody)


async def test_processes_killed_at_any_instant_lose_nothing(tmp_path: Path) -> None:
    chance = random.Random(20_261_121)
    command = [sys.executable, "-m", "tests.crash.victim", str(tmp_path / "custody"), "load", SURVIVES]
    promises: list[list[str]] = []
    for round_number in range(3):
        logs = [tmp_path / f"{round_number}-{number}.log" for number in range(2)]
        with ExitStack() as stack:
            children = [subprocess.Popen(command, stdout=stack.enter_context(log.open("wb"))) for log in logs]
            for child in children:
                stack.callback(child.wait)
                stack.callback(child.kill)
            while not all(log.stat().st_size > 1000 for log in logs):
                assert all(child.poll() is None for child in children)
                await asyncio.sleep(0.01)
            await asyncio.sleep(chance.uniform(0, 0.3))
        for log in logs:
            promises += [line.split() for line in log.read_text().splitlines()]
    assert len(promises) > 150
    async with reopened(tmp_path / "custody") as custody:
        await check_promises(custody, promises)
        await check_whole(custody, tmp_path / "custody")
        await deliver_everything(custody)
