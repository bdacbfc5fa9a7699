"""One process of a program: started, listened to, killed when it stands still, and gone in the end. It is never started
again; that is `child.py`'s.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Final

from gateway.supervisor.lifeline import VARIABLE
from gateway.supervisor.program import Program
from gateway.supervisor.sockets import to_environment
from gateway.telemetry import forget_process, log

PROBE_EVERY: Final = 0.1
START_LIMIT: Final = 90.0
"""Seconds that a program may take to become ready; loading a full set of malware signatures takes half a minute."""
NEVER_STARTED: Final = -1
"""The exit code of what could not be started."""


class Incarnation:
    """From start to end. `ready` is called when it can do its work; `life` ends with the exit code."""

    def __init__(self, program: Program, *, silence: float) -> None:
        """Begin at once. `silence` is how many seconds a ready role may say nothing until it is killed."""
        self.ready = asyncio.Event()
        self._program = program
        self._silence = silence
        self._process: asyncio.subprocess.Process | None = None
        self._must_reload = False
        self._must_end = False
        self.life = asyncio.ensure_future(self._live())

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def reload(self) -> None:
        """Let it read policy and configuration again; at once, or when it is ready: before, the signal would end it."""
        if self.ready.is_set():
            self.send(signal.SIGHUP)
        else:
            self._must_reload = True

    async def end(self, *, patience: float) -> None:
        """Ask it to end; kill it after `patience` seconds."""
        self._must_end = True
        self.send(signal.SIGTERM)
        _, late = await asyncio.wait({self.life}, timeout=patience)
        if late:
            log().error("role_killed", program=self._program.name, after=patience)
            self.send(signal.SIGKILL)
            await asyncio.wait({self.life})

    async def _live(self) -> int:
        ours, theirs = socket.socketpair() if self._program.lifeline else (None, None)
        environment = {**os.environ, **to_environment(self._program.listeners)}
        descriptors = tuple(listener.fileno() for listener in self._program.listeners.values())
        if theirs is not None:
            environment[VARIABLE] = str(theirs.fileno())
            descriptors = (*descriptors, theirs.fileno())
        try:
            self._process = await self._start(descriptors, environment)
        except OSError as error:
            log().error("role_cannot_start", program=self._program.name, error=str(error))
            if ours is not None:
                ours.close()
            return NEVER_STARTED
        finally:
            if theirs is not None:
                theirs.close()
        if self._must_end:  # told to end while it was being started
            self.send(signal.SIGTERM)
        watch = asyncio.ensure_future(self._watch(ours))
        try:
            return await self._process.wait()
        finally:
            forget_process(self._process.pid)
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _start(self, descriptors: tuple[int, ...], environment: dict[str, str]) -> asyncio.subprocess.Process:
        output = self._program.output.open("ab") if self._program.output else None
        try:
            # A process group of its own: Ctrl-C in the terminal reaches us alone, and we drain in order.
            return await asyncio.create_subprocess_exec(
                *self._program.argv,
                pass_fds=descriptors,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
            )
        finally:
            if output is not None:
                output.close()

    async def _watch(self, lifeline: socket.socket | None) -> None:
        if lifeline is not None:
            await self._listen(lifeline)
        elif self._program.probe is not None:
            while not await self._program.probe():  # noqa: ASYNC110  a foreign program tells nobody when it is ready
                await asyncio.sleep(PROBE_EVERY)
            self._is_ready()
        else:
            self._is_ready()

    async def _listen(self, lifeline: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=lifeline)
        try:
            while True:
                async with asyncio.timeout(self._silence if self.ready.is_set() else START_LIMIT):
                    line = await reader.readline()
                if line == b"ready\n":
                    self._is_ready()
                elif not line:
                    return
        except TimeoutError:
            log().error("role_stands_still", program=self._program.name)
            self.send(signal.SIGKILL)
        finally:
            writer.close()

    def _is_ready(self) -> None:
        self.ready.set()
        if self._must_reload:
            self._must_reload = False
            self.send(signal.SIGHUP)
