"""The one thread of a process that writes to the ledger, and group commit.

Requests queue while the previous flush runs; what waits is then applied and flushed together. No request is delayed to
wait for company. A request that fails takes nobody with it. A future is resolved only after the commit.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import Clock
from gateway.queue.ledger.lock import FileLock
from gateway.telemetry import log

Request = TypeVar("Request")
Result = TypeVar("Result")
Work = Callable[[Connection, Sequence[Request]], Sequence[Result]]
"""A plural write: as many results as requests, in their order."""

Steps = Callable[[str], None]
"""Is told each step's name after it is done. Only tests do anything here: they kill the process."""

BATCH_OCTETS: Final = 4 * 1024 * 1024
"""A batch closes at this size, so that the last to be flushed does not wait for a whole queue of large messages."""

BATCH_REQUESTS: Final = 1000
"""And at this number, so that other processes get the lock."""


def no_steps(_name: str) -> None:
    """Nobody listens."""


def nothing(_: Connection, requests: Sequence[None]) -> list[None]:
    """A write of nothing: that it comes back shows that the ledger commits."""
    return [None] * len(requests)


class LedgerClosed(RuntimeError):
    """The ledger was closed before the request was applied."""


@dataclass(slots=True, eq=False)
class _Member:
    work: Work[Any, Any]
    request: Any
    octets: int
    since: float
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


@dataclass(slots=True)
class Health:
    """What is known of the writer, for readiness and benches. `oldest` is when the batch at hand began to wait,
    `failure` why the last commit failed, if it did, and `failed_at` when; times are monotonic."""

    commits: int = 0
    requests: int = 0
    oldest: float | None = None
    failure: str = ""
    failed_at: float | None = None
    alive: bool = True


@dataclass(slots=True)
class Writer:
    """Owns the writing connection. Start it once; `submit` from any event loop; `close` drains."""

    engine: Engine
    lock: FileLock
    clock: Clock
    steps: Steps = no_steps
    health: Health = field(default_factory=Health)
    _waiting: queue.SimpleQueue[_Member | None] = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None
    _closing: bool = False
    _at_hand: list[_Member] = field(default_factory=list)

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[Request, Result], request: Request, *, octets: int = 0) -> asyncio.Future[Result]:
        """Ask for a write. The future has the result once it is durable. Raises `LedgerClosed`."""
        if self._closing or not self.health.alive:
            raise LedgerClosed("the ledger is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._waiting.put(_Member(work, request, octets, self.clock.monotonic(), loop, future))
        return future

    def close(self) -> None:
        """Apply what waits, then close the connection. Blocks until that is done."""
        self._closing = True
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        connection = self.engine.connect()
        try:
            while (first := self._waiting.get()) is not None:
                self._commit(connection, first)
        finally:
            self.health.alive = False
            self._refuse_the_rest()
            with self.lock:
                connection.close()
                self.engine.dispose()

    def _commit(self, connection: Connection, first: _Member) -> None:
        self.health.oldest = first.since
        self._at_hand = batch = [first]
        try:
            with self.lock:
                self.steps("ledger:locked")
                # Only now, because more have come while the lock was another's.
                batch += self._gather(first.octets)
                with connection.begin():
                    self.steps("ledger:begun")
                    self._apply(connection, batch)
                    self.steps("ledger:written")
                self.steps("ledger:committed")
            self.steps("ledger:released")
            self.health.failure, self.health.failed_at = "", None
        except (SQLAlchemyError, OSError) as error:
            # Lock, begin or commit failed: nothing of the batch may be taken for durable.
            log().error("ledger commit failed", error=str(error))
            self.health.failure, self.health.failed_at = type(error).__name__, self.clock.monotonic()
            for member in batch:
                member.result, member.error = None, error
        self.health.commits += 1
        self.health.requests += len(batch)
        self.health.oldest = None
        self._at_hand = []
        _settle(batch)

    def _gather(self, octets: int) -> list[_Member]:
        batch: list[_Member] = []
        while octets < BATCH_OCTETS and len(batch) < BATCH_REQUESTS:
            try:
                member = self._waiting.get_nowait()
            except queue.Empty:
                break
            if member is None:
                self._waiting.put(None)
                break
            batch.append(member)
            octets += member.octets
        return batch

    def _refuse_the_rest(self) -> None:
        """Nobody waits for ever, even if the thread had to stop for a reason that nobody thought of."""
        rest = self._at_hand
        while not self._waiting.empty():
            member = self._waiting.get()
            if member is not None:
                rest.append(member)
        for member in rest:
            member.error = LedgerClosed("the ledger's writer has stopped")
        _settle(rest)

    def _apply(self, connection: Connection, batch: Sequence[_Member]) -> None:
        kinds: dict[Work[Any, Any], list[_Member]] = {}
        for member in batch:
            kinds.setdefault(member.work, []).append(member)
        for work, members in kinds.items():
            error = _attempt(connection, work, members)
            if error is not None and len(members) > 1:
                for member in members:
                    member.error = _attempt(connection, work, [member])
            elif error is not None:
                members[0].error = error


def _attempt(connection: Connection, work: Work[Any, Any], members: Sequence[_Member]) -> Exception | None:
    """Apply in a savepoint; on failure nothing of these members stays, and the error is returned."""
    savepoint = connection.begin_nested()
    try:
        results = work(connection, [member.request for member in members])
    except Exception as error:  # noqa: BLE001 - it travels to whoever asked, through the member's future
        savepoint.rollback()
        return error
    savepoint.commit()
    for member, result in zip(members, results, strict=True):
        member.result = result
    return None


def _settle(batch: Sequence[_Member]) -> None:
    loops: dict[asyncio.AbstractEventLoop, list[_Member]] = {}
    for member in batch:
        loops.setdefault(member.loop, []).append(member)
    for loop, members in loops.items():
        try:
            loop.call_soon_threadsafe(_resolve, members)
        except RuntimeError:
            log().warning("nobody waits for these writes any more", number=len(members))


def _resolve(members: Sequence[_Member]) -> None:
    for member in members:
        if member.future.done():
            continue
        if member.error is not None:
            member.future.set_exception(member.error)
        else:
            member.future.set_result(member.result)
