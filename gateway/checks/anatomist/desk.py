"""Where jobs and workers meet: first come, first served. Workers wait for jobs, or jobs for workers."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from gateway.checks.anatomist.wire import Kind
from gateway.checks.leaves import Wanted
from gateway.facts.outcome import Outcome, Unknown
from gateway.mail.message import Octets


def _future() -> asyncio.Future[Any]:
    return asyncio.get_running_loop().create_future()


@dataclass(frozen=True, slots=True)
class Done:
    """How a job ended: its outcome, the leaves that were wanted, and whether it cost the worker."""

    outcome: Outcome[Any]
    leaves: tuple[bytes, ...] = field(default=(), repr=False)
    left_out: bool = False
    cost_worker: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One thing to do, and the type of its answer. `started` is done once a worker has it; `answer` follows within the
    deadline of a job."""

    kind: Kind
    octets: Octets = field(repr=False)
    answer_type: type[Any]
    wanted: Wanted = Wanted.NONE
    started: asyncio.Future[None] = field(default_factory=_future)
    answer: asyncio.Future[Done] = field(default_factory=_future)


class Desk:
    """The two queues, of which one is always empty."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._idle: deque[asyncio.Future[Job | None]] = deque()

    def hand_in(self, job: Job) -> None:
        """Give a job to the worker that has been idle longest, or let it wait its turn."""
        while self._idle:
            idle = self._idle.popleft()
            if not idle.done():
                idle.set_result(job)
                return
        self._jobs.append(job)

    def hand_back(self, job: Job) -> None:
        """A job that was taken but not begun: it is the next one."""
        self._jobs.appendleft(job)

    def next_job(self) -> asyncio.Future[Job | None]:
        """The next job that somebody still waits for. Setting the future to None takes the worker out of the queue."""
        waiting: asyncio.Future[Job | None] = _future()
        while self._jobs:
            job = self._jobs.popleft()
            if not job.started.done():
                waiting.set_result(job)
                return waiting
        self._idle.append(waiting)
        return waiting

    def close(self, why: str) -> None:
        """Tell all jobs that nobody will come."""
        while self._jobs:
            job = self._jobs.popleft()
            if not job.started.done():
                job.started.set_result(None)
                job.answer.set_result(Done(Unknown(why)))
