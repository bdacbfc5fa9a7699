"""kill -9 between every two steps of a delivery: nothing lost, nothing stuck, no more duplicates than were in
flight."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.queue.custody import Custody
from gateway.queue.states import State
from tests.delivery.deposits import OCTETS, all_in, put, until
from tests.delivery.sink import Sink, running

ROOT = Path(__file__).parents[2]
MESSAGES = 60
IN_FLIGHT = 20
"""The limit of one destination: what one courier may have sent without having recorded it."""

pytestmark = pytest.mark.slow

_numbers = itertools.count()


@asynccontextmanager
async def courier(
    folder: Path, step: str = "none", times: int = 1, *, name: str = ""
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A courier that nobody knew before, or the one of that name."""
    name = name or f"stranger-{next(_numbers)}"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.crash.courier_process", str(folder), step, str(times), name, cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.wait()


async def entrust(folder: Path, sink: Sink) -> tuple[Custody, list[int]]:
    clock = SystemClock()
    custody = Custody.open(folder, clock=clock, free_disk=0)
    ids = [
        await put(custody, clock, sink.route, "bob@example.org", octets=b"X-Number: %d\r\n" % number + OCTETS)
        for number in range(MESSAGES)
    ]
    return custody, ids


def copies(sink: Sink) -> Counter[bytes]:
    return Counter(each.octets for each in sink.taken)


@pytest.mark.parametrize(
    ("step", "times"),
    [
        ("claimed", 1),
        ("claimed", 30),
        ("handed over", 1),
        ("handed over", 25),
        ("recorded", 1),
        ("recorded", 30),
        ("ledger:written", 3),
        ("ledger:committed", 3),
        ("ledger:committed", 5),
    ],
)
async def test_a_courier_that_dies_loses_nothing(tmp_path: Path, step: str, times: int) -> None:
    async with running(Sink()) as sink:
        custody, ids = await entrust(tmp_path, sink)
        async with courier(tmp_path, step, times) as dying:
            async with asyncio.timeout(180):
                assert await dying.wait() == -signal.SIGKILL
        assert not await all_in(custody, ids, State.DELIVERED)
        async with courier(tmp_path):
            await until(lambda: all_in(custody, ids, State.DELIVERED))
            assert not await custody.queue_summary()
        await custody.close()
    received = copies(sink)
    assert len(received) == MESSAGES
    assert received.total() - MESSAGES <= IN_FLIGHT


def has_all(sink: Sink) -> bool:
    return len(copies(sink)) == MESSAGES


async def test_couriers_killed_again_and_again_at_any_moment(tmp_path: Path) -> None:
    randomness, kills = random.Random(5), 0
    async with running(Sink(delay=0.02)) as sink:
        custody, ids = await entrust(tmp_path, sink)
        for _ in range(4):
            before = len(sink.taken)
            async with courier(tmp_path) as process:
                # On a busy machine one courier may bring all there is before it is killed.
                await until(lambda before=before: len(sink.taken) > before or has_all(sink))  # type: ignore[misc]
                await asyncio.sleep(randomness.uniform(0, 0.03))
                process.kill()
                await process.wait()
                kills += 1
        async with courier(tmp_path):
            await until(lambda: all_in(custody, ids, State.DELIVERED))
        await custody.close()
    received = copies(sink)
    assert len(received) == MESSAGES
    assert received.total() - MESSAGES <= kills * IN_FLIGHT


@pytest.mark.parametrize("step", ["claimed", "handed over", "ledger:committed"])
async def test_a_courier_takes_back_at_once_what_it_had_in_hand_when_it_died(tmp_path: Path, step: str) -> None:
    async with running(Sink()) as sink:
        custody, ids = await entrust(tmp_path, sink)
        async with courier(tmp_path, step, 3, name="courier-0") as dying:
            async with asyncio.timeout(180):
                assert await dying.wait() == -signal.SIGKILL
        async with courier(tmp_path, name="courier-0"):  # the leases of the dead one last for ten minutes
            await until(lambda: all_in(custody, ids, State.DELIVERED))
        await custody.close()
    received = copies(sink)
    assert len(received) == MESSAGES
    assert received.total() - MESSAGES <= IN_FLIGHT


async def test_nothing_is_taken_from_a_courier_of_the_same_name_that_lives(tmp_path: Path) -> None:
    async with running(Sink(delay=1.0)) as sink:
        custody, ids = await entrust(tmp_path, sink)
        async with courier(tmp_path, name="courier-0"):
            await until(lambda: sink.open_now >= IN_FLIGHT)
            async with courier(tmp_path, name="courier-0"):
                await until(lambda: all_in(custody, ids, State.DELIVERED))
        await custody.close()
    assert copies(sink).total() == MESSAGES
