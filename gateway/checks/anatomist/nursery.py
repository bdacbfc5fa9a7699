"""Where workers come from: the pool's side of the zygote. Starts it, asks it for workers, and starts another when it is
dead or deaf."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from gateway.checks.anatomist.wire import BadReply
from gateway.checks.anatomist.worker import Worker

_PATIENCE: Final = 20.0
"""Seconds for a worker to come: the first of a zygote waits until everything is loaded."""

_ONE_THREAD: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class NurseryError(Exception):
    """No worker can be had now. The text says why, for people."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a zygote is started with: octets of address space and seconds of CPU for each worker, the classifier's
    folder, the function that prepares the work, as `module:function`, compiled YARA rules (empty: none), and the folder
    of the site's layer over the classifier."""

    memory: int
    cpu: int
    model: Path | None
    work: str
    rules: bytes = field(default=b"", repr=False)
    layer: Path | None = None

    def argv(self, control: int, rules: int | None = None) -> list[str]:
        """The command line. `rules` is the descriptor that they can be read from."""
        model = [] if self.model is None else ["--model", str(self.model.resolve())]
        model += [] if self.layer is None else ["--layer", str(self.layer.resolve())]
        model += [] if rules is None else ["--rules", str(rules)]
        numbers = ["--control", str(control), "--memory", str(self.memory), "--cpu", str(self.cpu)]
        program = [sys.executable, "-P", "-m", "gateway.checks.anatomist.zygote"]
        return [*program, *numbers, "--work", self.work, *model]


class Nursery:
    """One zygote at a time, and the workers that it was asked for but has not brought yet."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._process: Process | None = None
        self._control: socket.socket | None = None
        self._expected: deque[asyncio.Future[Worker]] = deque()
        self._starting = asyncio.Lock()

    async def worker(self) -> Worker:
        """A fresh worker that has greeted and whose jail is whole. Raises `NurseryError`."""
        try:
            async with asyncio.timeout(_PATIENCE):
                worker = await self._ask()
        except TimeoutError:
            await self.close()
            raise NurseryError(f"no worker came within {_PATIENCE:g} s") from None
        try:
            async with asyncio.timeout(_PATIENCE):
                greeting = await worker.greet()
            if greeting.jail.missing:
                raise NurseryError("the jail is not whole: " + "; ".join(greeting.jail.missing))
        except (TimeoutError, BadReply, OSError, EOFError) as error:
            worker.kill()
            raise NurseryError(f"a worker did not come to work ({type(error).__name__})") from None
        except BaseException:
            worker.kill()
            raise
        return worker

    async def close(self) -> None:
        """End the zygote, and with it every worker."""
        self._forsake("the zygote was ended")
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _ask(self) -> Worker:
        async with self._starting:
            if self._control is None:
                await self._start()
            control = self._control
        expected: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        try:
            if control is None:
                raise NurseryError("the zygote is gone")
            control.send(b"w")
        except OSError as error:
            self._forsake("the zygote is gone")
            raise NurseryError(f"the zygote is gone ({type(error).__name__})") from None
        self._expected.append(expected)
        try:
            return await expected
        except asyncio.CancelledError:
            if expected.done() and not expected.cancelled() and expected.exception() is None:
                expected.result().kill()  # it came just when nobody wanted it any more
            raise

    async def _start(self) -> None:
        if self._process is not None:
            await self.close()
        # Sequenced packets, so that one message carries one worker's descriptors.
        control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, _in_memory(self._plan.rules) as rules:
            passed = [theirs.fileno()] if rules is None else [theirs.fileno(), rules.fileno()]
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._plan.argv(*passed),
                    stdin=DEVNULL,
                    stdout=DEVNULL,
                    pass_fds=passed,
                    env=_environment(),
                    start_new_session=True,
                )
            except BaseException as error:
                control.close()
                if isinstance(error, OSError):
                    raise NurseryError(f"the zygote cannot be started: {error}") from None
                raise
        control.setblocking(False)
        self._control = control
        asyncio.get_running_loop().add_reader(control, self._receive, control)

    def _receive(self, control: socket.socket) -> None:
        try:
            said, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        except BlockingIOError:
            return
        except OSError:
            said, descriptors = b"", []
        if not said or len(descriptors) != 2:
            for descriptor in descriptors:
                os.close(descriptor)
            self._forsake("the zygote ended")
            return
        worker = Worker(socket.socket(fileno=descriptors[0]), descriptors[1])
        expected = self._expected.popleft()
        if expected.done():  # whoever asked has gone
            worker.kill()
        else:
            expected.set_result(worker)

    def _forsake(self, why: str) -> None:
        """Let go of the zygote's socket, which ends it, and tell those who wait."""
        control, self._control = self._control, None
        if control is None:
            return
        asyncio.get_running_loop().remove_reader(control)
        control.close()
        while self._expected:
            expected = self._expected.popleft()
            if not expected.done():
                expected.set_exception(NurseryError(why))


@contextmanager
def _in_memory(octets: bytes) -> Iterator[BinaryIO | None]:
    """A file of its own in memory, to be read from the beginning; None for no octets."""
    if not octets:
        yield None
        return
    with open(os.memfd_create("rules"), "w+b", buffering=0) as file:
        file.write(octets)
        file.seek(0)
        yield file


def _environment() -> dict[str, str]:
    """As little as Python needs, and our own search path: the environment may hold secrets, and the zygote none."""
    passed = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    threads = dict.fromkeys(_ONE_THREAD, "1")  # the jail refuses threads
    return {"LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **threads, **passed}
