"""The anatomists of one process: examine a message or make a preview of it, in a jailed worker, with a deadline.

Each place in the pool has one worker at a time and replaces it when it dies, overruns the deadline, answers nonsense,
raises, has grown, or has done its share. Whatever happens to a worker, the caller gets an Outcome. A message that cost
a worker is not tried again here.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from gateway.checks.anatomist import wire
from gateway.checks.anatomist.desk import Desk, Done, Job
from gateway.checks.anatomist.jail import JailReport
from gateway.checks.anatomist.nursery import Nursery, NurseryError, Plan
from gateway.checks.anatomist.probe import ProbeReport
from gateway.checks.anatomist.wire import BadReply, Examination, Kind, Reply, Studied
from gateway.checks.anatomist.worker import Worker
from gateway.checks.digests import digest_of
from gateway.checks.leaves import Leaf, Wanted
from gateway.facts.content import ContentFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.facts.preview import Preview
from gateway.mail.message import Message, Octets
from gateway.telemetry import log

WORK: Final = "gateway.checks.anatomist.craft:prepare"
JOBS_OF_A_WORKER: Final = 500
GROWTH_OF_A_WORKER: Final = 64 * 1024 * 1024
CPU_OF_A_WORKER: Final = 600
"""Seconds in its life: the kernel's bound, in case that nobody is left to keep the deadline. Retired at half of it."""

_DIED: Final = Done(Unknown("anatomist worker died"), cost_worker=True)
_CLOSED: Final = "the anatomists are closing"
_LONGEST_REASON: Final = 300
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 5.0

_Answer = TypeVar("_Answer")


class AnatomistPool:
    """Jailed workers that take messages apart. `model_problem` says why the classifier cannot work; empty: it can."""

    def __init__(self, plan: Plan, *, workers: int, timeout: float) -> None:
        self._timeout = timeout
        self._places = workers
        self._plan = plan
        self._nursery = Nursery(plan)
        self._desk = Desk()
        self._living: dict[Worker, Nursery] = {}
        self._retired: set[Nursery] = set()
        self._problem = ""
        self._jail = JailReport()
        self.model_problem = ""
        self._first_news = asyncio.Event()
        self._running: asyncio.Future[None] | None = None

    @classmethod
    async def start(
        cls,
        *,
        workers: int,
        timeout: float,
        memory: int,
        model: Path | None,
        rules: bytes = b"",
        layer: Path | None = None,
        work: str = WORK,
    ) -> AnatomistPool:
        """Start the zygote and the workers; returns when the first is ready, or it is known why none is.

        `timeout` is in seconds, for the wait for a free worker and again for the work; `memory` is in octets of address
        space for each worker; `model` is the classifier's folder, None for no classifier; `rules` are compiled YARA
        rules, empty for none; `layer` is the folder of the site's layer, None for none.
        """
        plan = Plan(memory=memory, cpu=CPU_OF_A_WORKER, model=model, work=work, rules=rules, layer=layer)
        pool = cls(plan, workers=workers, timeout=timeout)
        pool._running = asyncio.ensure_future(pool._run())
        await pool._first_news.wait()
        return pool

    async def examine(self, message: Message, wanted: Wanted = Wanted.NONE) -> Examination:
        """Take a message apart and classify it, and hand on the leaves that are wanted. Never raises, but for
        cancellation."""
        done = await self._ask(Kind.EXAMINE, message.octets, Examination, wanted)
        outcome = done.outcome
        if not isinstance(outcome, Known):
            return Examination(outcome, outcome, outcome, cost_worker=done.cost_worker)
        said = outcome.value
        return Examination(
            _in_few_words(said.content),
            _in_few_words(said.spam),
            _in_few_words(said.yara),
            fingerprint=said.fingerprint,
            leaves=await _placed(done.leaves, said.content),
            left_out=done.left_out,
        )

    async def preview(self, octets: Octets) -> Outcome[Preview]:
        """Text and harmless HTML of a message, for people to look at. Never raises, but for cancellation."""
        return (await self._ask(Kind.PREVIEW, octets, Preview)).outcome

    async def probe(self) -> Outcome[ProbeReport]:
        """Let a worker try to break out, and hear what was refused."""
        return (await self._ask(Kind.PROBE, b"", ProbeReport)).outcome

    async def study(self, octets: Octets) -> Outcome[Studied]:
        """What is learnt from a message. Never raises, but for cancellation."""
        return (await self._ask(Kind.STUDY, octets, Studied)).outcome

    def use(self, *, rules: bytes, layer: Path | None) -> None:
        """Work with these rules and this layer from now on: each worker ends its job, and the next comes from a new
        zygote."""
        plan = replace(self._plan, rules=rules, layer=layer)
        if plan != self._plan:
            self._plan = plan
            self._retired.add(self._nursery)
            self._nursery = Nursery(self._plan)

    def jail_report(self) -> JailReport:
        """The jail of the newest worker; without layers where there was none yet."""
        return self._jail

    @property
    def problem(self) -> str:
        """Why no worker can be had, or empty."""
        return "" if self._living else self._problem

    async def close(self) -> None:
        """End the zygote and all workers; who still waits is answered Unknown."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        self._problem = self._problem or _CLOSED
        self._desk.close(_CLOSED)
        for nursery in (self._nursery, *self._retired):
            await nursery.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # ------------------------------------------------------------------ those who ask

    async def _ask(self, kind: Kind, octets: Octets, type_: type[Any], wanted: Wanted = Wanted.NONE) -> Done:
        if self.problem:
            return Done(Unknown(f"no anatomist: {self.problem}"))
        job = Job(kind, octets, type_, wanted)
        self._desk.hand_in(job)
        try:
            async with asyncio.timeout(self._timeout):
                await job.started  # a job that is given up here is cancelled with it, and no worker takes it
        except TimeoutError:
            return Done(Unknown(f"no anatomist was free within {self._timeout:g} s"))
        return await job.answer

    # ------------------------------------------------------------------ those who work

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as places:
                for _ in range(self._places):
                    places.create_task(self._keep_place())
        finally:
            self._problem = self._problem or _CLOSED
            self._first_news.set()

    async def _keep_place(self) -> None:
        """One place in the pool: a worker after the other, for ever."""
        pause = _FIRST_PAUSE
        while True:
            nursery = self._nursery
            try:
                worker = await nursery.worker()
            except NurseryError as error:
                self._problem = str(error)
                self._first_news.set()
                log().error("anatomist.absent", why=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            self._welcome(worker, nursery)
            try:
                why = await self._employ(worker)
                log().debug("anatomist.replaced", why=why)
            finally:
                del self._living[worker]
                worker.kill()
            if nursery in self._retired and nursery not in self._living.values():
                self._retired.discard(nursery)
                await nursery.close()

    def _welcome(self, worker: Worker, nursery: Nursery) -> None:
        self._living[worker] = nursery
        self._problem = ""
        if worker.greeting is not None:
            self._jail = worker.greeting.jail
            self.model_problem = worker.greeting.model_problem
        self._first_news.set()

    async def _employ(self, worker: Worker) -> str:
        """Give jobs to a worker until it must be replaced; says why."""
        for _ in range(JOBS_OF_A_WORKER):
            job = await self._next_job(worker)
            if job is None:
                return "died while idle"
            if self._living[worker] is not self._nursery:
                self._desk.hand_back(job)
                return "knows older rules or lessons"
            if not worker.is_clean():
                self._desk.hand_back(job)
                return "spoke unasked"
            if why := await self._do(worker, job):
                return why
        return "has done its share"

    async def _next_job(self, worker: Worker) -> Job | None:
        loop = asyncio.get_running_loop()
        waiting = self._desk.next_job()
        loop.add_reader(worker, _take_out, waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and (job := waiting.result()) is not None:
                self._desk.hand_back(job)
            raise
        finally:
            loop.remove_reader(worker)

    async def _do(self, worker: Worker, job: Job) -> str:
        """Have one job done and answer it. Says why the worker must be replaced, or nothing."""
        if job.started.done():
            return ""
        job.started.set_result(None)
        done = _DIED
        why = ""
        try:
            async with asyncio.timeout(self._timeout):
                reply, leaves = await worker.do(job.kind, job.octets, job.wanted)
            outcome, why = _read(reply, job, worker)
            done = Done(outcome, leaves, reply.left_out, cost_worker=bool(reply.error))
        except TimeoutError:
            why = f"overran its deadline of {self._timeout:g} s"
            done = Done(Unknown(f"anatomist took longer than {self._timeout:g} s"), cost_worker=True)
        except BadReply as error:
            why = f"answered nonsense: {error}"
            done = Done(Unknown(f"anatomist {why}"), cost_worker=True)
        except (OSError, EOFError):
            why = "died"
        finally:
            if not job.answer.done():
                job.answer.set_result(done)
        return why


async def _placed(leaves: tuple[bytes, ...], content: Outcome[ContentFact]) -> tuple[Leaf, ...]:
    """The leaves with the places that the content names for their hashes. The hash is ours: a worker's word about what
    it hands on is worth nothing."""
    parts = content.value.parts if isinstance(content, Known) else ()
    places = {part.sha256: part.path for part in reversed(parts)}
    return tuple([Leaf(places.get((await digest_of(each)).hex(), ""), each) for each in leaves])


def _in_few_words(outcome: Outcome[_Answer]) -> Outcome[_Answer]:
    """A worker's own reason is its text, hence hostile: printable and short, as reasons go into logs and pages."""
    if isinstance(outcome, Unknown):
        return Unknown("".join(filter(str.isprintable, outcome.why[:_LONGEST_REASON])))
    return outcome


def _take_out(waiting: asyncio.Future[Job | None]) -> None:
    """The worker that waits for a job has ended."""
    if not waiting.done():
        waiting.set_result(None)


def _read(reply: Reply, job: Job, worker: Worker) -> tuple[Outcome[Any], str]:
    """What a reply says, and why the worker must be replaced after it, or nothing. Raises `BadReply`."""
    if reply.error:
        name = wire.error_name(reply.error)
        return Unknown(f"anatomy failed: {name}"), f"raised {name}"
    answer = Known(wire.build(job.answer_type, reply.answer))
    fresh = worker.greeting.memory if worker.greeting is not None else 0
    if reply.memory - fresh > GROWTH_OF_A_WORKER:
        return answer, "has grown"
    if reply.cpu > CPU_OF_A_WORKER / 2:
        return answer, "has used its CPU"
    return answer, ""
