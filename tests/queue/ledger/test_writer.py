from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.ledger.connection import LOCK, reader_engine, writer_engine
from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.writer import BATCH_OCTETS, LedgerClosed, Writer
from gateway.queue.pressure import STUCK
from tests.freezing import freeze
from tests.queue.ledger.test_lock import HOLD
from tests.queue.samples import NOW, accept


class Odd(Exception):
    """What the test's write raises for odd numbers it is told to refuse."""


def keep(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """A write: stores numbers, and refuses negative ones after having stored them."""
    for number in numbers:
        connection.execute(text("INSERT INTO kept VALUES (:number)"), {"number": number})
        if number < 0:
            raise Odd(number)
    return [number * 10 for number in numbers]


def count(connection: Connection, requests: Sequence[None]) -> list[int]:
    """A second kind of write, which only counts."""
    return [int(connection.execute(text("SELECT count(*) FROM kept")).scalar_one())] * len(requests)


@pytest.fixture
async def writer(tmp_path: Path) -> AsyncIterator[Writer]:
    engine, lock = writer_engine(tmp_path), FileLock(tmp_path / LOCK)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (number INTEGER PRIMARY KEY)"))
    made = Writer(engine, lock, FixedClock(NOW))
    made.start()
    yield made
    await asyncio.to_thread(made.close)
    lock.close()


async def kept(tmp_path: Path) -> list[int]:
    """What another connection sees."""
    engine = reader_engine(tmp_path, connections=1)
    with engine.connect() as connection:
        numbers = list(connection.execute(text("SELECT number FROM kept ORDER BY number")).scalars())
    engine.dispose()
    return numbers


async def test_a_result_means_that_others_see_it(writer: Writer, tmp_path: Path) -> None:
    assert await writer.submit(keep, 4) == 40
    assert await kept(tmp_path) == [4]


async def test_what_waits_together_is_flushed_together(writer: Writer, tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK):
        waiting = [writer.submit(keep, number) for number in range(200)]
    assert await asyncio.gather(*waiting) == [number * 10 for number in range(200)]
    assert writer.health.commits == 1
    assert writer.health.requests == 200


async def test_a_batch_is_bounded_by_its_octets(writer: Writer, tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK):
        waiting = [writer.submit(keep, number, octets=BATCH_OCTETS // 2) for number in range(6)]
    await asyncio.gather(*waiting)
    assert writer.health.commits == 3


async def test_one_that_fails_leaves_nothing_and_takes_nobody_along(writer: Writer, tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK):
        waiting = [writer.submit(keep, number) for number in (1, -2, 3, 3, 5)]
        counted = writer.submit(count, None)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in outcomes] == [int, Odd, int, type(outcomes[3]), int]
    assert isinstance(outcomes[3], Exception)  # the second 3
    assert await counted == 3
    assert await kept(tmp_path) == [1, 3, 5]
    assert writer.health.commits == 1


async def test_the_kinds_of_a_batch_fail_apart(writer: Writer, tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK):
        failing, counting = writer.submit(keep, -1), writer.submit(count, None)
    with pytest.raises(Odd):
        await failing
    assert await counting == 0


async def test_a_request_whose_asker_is_gone_is_still_written(writer: Writer, tmp_path: Path) -> None:
    with FileLock(tmp_path / LOCK):
        writer.submit(keep, 1).cancel()
        other = writer.submit(keep, 2)
    await other
    assert await kept(tmp_path) == [1, 2]


async def test_a_commit_that_fails_fails_its_batch_and_the_next_may_succeed(tmp_path: Path) -> None:
    failing = ["ledger:written"]

    def disk_error_once(step: str) -> None:
        if step in failing:
            failing.remove(step)
            raise OperationalError("COMMIT", None, OSError("disk I/O error"))

    engine, lock = writer_engine(tmp_path), FileLock(tmp_path / LOCK)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE kept (number INTEGER PRIMARY KEY)"))
    writer = Writer(engine, lock, FixedClock(NOW), disk_error_once)
    writer.start()
    with pytest.raises(OperationalError, match="disk I/O error"):
        await writer.submit(keep, 1)
    assert writer.health.failure == "OperationalError"
    assert await kept(tmp_path) == []
    assert await writer.submit(keep, 2) == 20
    assert writer.health.failure == ""
    assert await kept(tmp_path) == [2]
    await asyncio.to_thread(writer.close)
    lock.close()


async def test_a_closed_writer_takes_nothing(writer: Writer) -> None:
    await asyncio.to_thread(writer.close)
    assert not writer.health.alive
    with pytest.raises(LedgerClosed):
        writer.submit(keep, 1)


async def test_a_writer_that_has_to_stop_leaves_nobody_waiting(tmp_path: Path) -> None:
    class Unthinkable(BaseException):
        """What no write raises."""

    def stop(_connection: Connection, _requests: Sequence[None]) -> list[None]:
        raise Unthinkable

    def run() -> None:
        with pytest.raises(Unthinkable):
            writer._run()

    engine, lock = writer_engine(tmp_path), FileLock(tmp_path / LOCK)
    writer = Writer(engine, lock, FixedClock(NOW))
    waiting = [writer.submit(stop, None, octets=BATCH_OCTETS), writer.submit(stop, None)]  # a batch each
    await asyncio.to_thread(run)
    assert [type(each) for each in await asyncio.gather(*waiting, return_exceptions=True)] == [LedgerClosed] * 2
    assert not writer.health.alive
    with pytest.raises(LedgerClosed):
        writer.submit(stop, None)
    lock.close()


async def test_a_frozen_holder_of_the_lock_stops_commits_until_it_is_killed(tmp_path: Path) -> None:
    """What the supervisor's heartbeat is for: the kernel frees a lock when its holder dies, never when it is frozen."""
    clock = FixedClock(NOW)
    custody = Custody.open(tmp_path, clock=clock, free_disk=0)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / LOCK)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        freeze(holder.pid)
        waiting = asyncio.ensure_future(accept(custody))
        while custody.writer.health.oldest is None:
            await asyncio.sleep(0.001)
        clock.advance(STUCK + 1)
        assert custody.readiness() == (False, "the ledger has not committed for 10 seconds")
        assert await custody.queue_items() == []  # reading goes on
        assert not waiting.done()
        holder.kill()
    await waiting
    assert custody.readiness() == (True, "ready")
    await custody.close()
