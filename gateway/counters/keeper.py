"""The one thread of a process that touches the counters' file, so that no event loop ever waits for it: it answers
questions in their order, says now and then that the process lives, and keeps the snapshot of bans fresh.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from gateway.clock import Clock
from gateway.counters import acquaintance, bans, greylist, notes, presence, rates
from gateway.counters.bans import Snapshot
from gateway.counters.file import CountersFile
from gateway.counters.records import CountersUnavailable, Take
from gateway.telemetry import log

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""What to do within one transaction."""

ROUND: Final = 1.0
"""Seconds between two rounds of upkeep: so old may the snapshot of bans be."""

SWEEP: Final = 15.0
"""Seconds between two sweeps of what has ended."""

MAX_TALLIED: Final = 20_000
"""Keys that are counted together at the next occasion. What is more goes uncounted."""

MAX_WAITING: Final = 5000
"""Questions that may wait. More cannot be answered within anybody's patience."""


@dataclass(slots=True, eq=False)
class _Question:
    work: Work[Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Keeper:
    """Start it once; `ask` from an event loop; `close` at the end."""

    def __init__(self, folder: Path, *, process: str, clock: Clock) -> None:
        self.snapshot = Snapshot()
        self.failure = ""
        self._file = CountersFile(folder)
        self._process = process
        self._clock = clock
        self._revision = -1
        self._swept = -SWEEP
        self._waiting: queue.Queue[_Question | None] = queue.Queue()
        self._fresh = threading.Event()
        self._tallied: dict[str, Take] = {}
        self._present: dict[str, int] = {}
        self._told: set[str] = set()
        self._tallying = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="counters", daemon=True)

    def start(self) -> None:
        """Start the thread and wait a moment for its first round, so that who is shut out is shut out from the first
        connection on."""
        self._thread.start()
        self._fresh.wait(ROUND)

    def ask(self, work: Work[T]) -> asyncio.Future[T]:
        """Have it done. The future fails with `CountersUnavailable`; cancelled before its turn, nothing is done."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._waiting.qsize() >= MAX_WAITING:
            future.set_exception(CountersUnavailable("too many wait"))
        else:
            self._waiting.put(_Question(work, loop, future))
        return future

    def tally(self, take: Take) -> None:
        """Count it some time within the next round, and before any question that is asked from now on."""
        with self._tallying:
            before = self._tallied.get(take.key)
            if before is not None:
                take = Take(take.key, take.seconds, limit=take.limit, amount=before.amount + take.amount)
            elif len(self._tallied) >= MAX_TALLIED:
                return
            self._tallied[take.key] = take

    def present(self, network: str, number: int) -> None:
        """This process has so many connections of the network: the others learn it within the next round, or before
        the next question if that comes earlier. Connections that come and go in between nobody hears of."""
        with self._tallying:
            if number > 0 or network in self._told:
                self._present[network] = number
            else:
                self._present.pop(network, None)

    def close(self) -> None:
        """Do what waits, then let go. Returns although the file may be frozen: the thread is a daemon."""
        self._waiting.put(None)
        self._thread.join(2 * ROUND)

    def _run(self) -> None:
        done_at = self._round()
        self._fresh.set()
        while True:
            try:
                question = self._waiting.get(timeout=ROUND)
            except queue.Empty:
                done_at = self._round()
                continue
            if question is None:
                break
            self._answer(question)
            if self._clock.monotonic() - done_at >= ROUND:
                done_at = self._round()
        self._leave()

    def _answer(self, question: _Question) -> None:
        if question.future.cancelled():
            return
        result: Any = None
        error: Exception | None = None
        try:
            with self._file.transaction() as connection:
                self._write_down(connection)
                result = question.work(connection)
            self.failure = ""
        except (sqlite3.Error, OSError) as raised:
            self.failure = str(raised)
            error = CountersUnavailable(self.failure)
        except Exception as raised:  # noqa: BLE001 - it travels to whoever asked
            error = raised
        try:
            question.loop.call_soon_threadsafe(_settle, question.future, result, error)
        except RuntimeError:
            pass  # the loop has ended: nobody waits any more

    def _round(self) -> float:
        """Upkeep. What fails is tried again in the next round; meanwhile the last snapshot holds. When it was done."""
        monotonic, now = self._clock.monotonic(), self._clock.now()
        try:
            with self._file.transaction() as connection:
                self._write_down(connection)
                presence.live(connection, self._process, now=now)
                revision = bans.revision(connection)
                if revision != self._revision:
                    self.snapshot = Snapshot(bans.every(connection, now=now))
                    self._revision = revision
                if monotonic - self._swept >= SWEEP:
                    for room in (presence, rates, bans, notes, greylist, acquaintance):
                        room.sweep(connection, now=now)
                    self._swept = monotonic
            self.failure = ""
        except (sqlite3.Error, OSError) as error:
            if not self.failure:
                log().error("counters_unavailable", why=str(error))
            self.failure = str(error)
        return monotonic

    def _write_down(self, connection: sqlite3.Connection) -> None:
        if not self._tallied and not self._present:
            return
        with self._tallying:
            tallied, self._tallied = self._tallied, {}
            present, self._present = self._present, {}
            self._told = {each for each in self._told if present.get(each, 1) > 0}
            self._told.update(network for network, number in present.items() if number > 0)
        rates.count(connection, list(tallied.values()), now=self._clock.now())
        presence.state(connection, self._process, present)

    def _leave(self) -> None:
        try:
            with self._file.transaction() as connection:
                self._write_down(connection)
                presence.leave(connection, self._process)
            self._file.close()
        except (sqlite3.Error, OSError):
            pass  # what this process said of itself ends by its silence


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
