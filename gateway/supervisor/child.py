"""One program, kept alive: started, watched, restarted with growing pauses, killed when it stands still, stopped
when told."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Final

from gateway.supervisor.lifeline import SILENCE, VARIABLE
from gateway.supervisor.program import Program
from gateway.supervisor.sockets import to_environment
from gateway.telemetry import forget_process, log

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0
STEADY: Final = 30.0
"""Seconds that a program must live until its next death counts as the first."""
PROBE_EVERY: Final = 0.1
START_LIMIT: Final = 90.0
"""Seconds that a program may take to become ready; loading a full set of malware signatures takes half a minute."""


class Child:
    """The life of one program. `ready` is set while it can do its work."""

    def __init__(self, program: Program, *, silence: float = SILENCE) -> None:
        """`silence` is how many seconds a ready role may say nothing until it is killed."""
        self.program = program
        self.ready = asyncio.Event()
        self.restarts = 0
        self._silence = silence
        self._process: asyncio.subprocess.Process | None = None
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()
        self._must_reload = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def keep_alive(self) -> None:
        """Run the program again and again until `stop`. Returns when it has been stopped."""
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        try:
            while not self._stop.is_set():
                begun = loop.time()
                code = await self._run_once()
                self.ready.clear()
                if self._stop.is_set():
                    return
                self.restarts += 1
                pause = FIRST_PAUSE if loop.time() - begun > STEADY else min(pause * 2, LONGEST_PAUSE)
                log().error(
                    "role_died", program=self.program.name, code=code, restarts=self.restarts, next_start_in=pause
                )
                await self._pause(pause)
        finally:
            self._ended.set()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the program runs."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def reload(self) -> None:
        """Let it read policy and configuration again; at once, or when it is ready: before, the signal would end it."""
        if self.ready.is_set():
            self.send(signal.SIGHUP)
        else:
            self._must_reload = True

    async def stop(self, *, patience: float) -> None:
        """Ask it to end; kill it after `patience` seconds. `keep_alive` must be running."""
        self._stop.set()
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(patience):
                await self._ended.wait()
        except TimeoutError:
            log().error("role_killed", program=self.program.name, after=patience)
            self.send(signal.SIGKILL)
            await self._ended.wait()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            pass  # the pause is over

    async def _run_once(self) -> int:
        ours, theirs = socket.socketpair() if self.program.lifeline else (None, None)
        environment = {**os.environ, **to_environment(self.program.listeners)}
        descriptors = tuple(listener.fileno() for listener in self.program.listeners.values())
        if theirs is not None:
            environment[VARIABLE] = str(theirs.fileno())
            descriptors = (*descriptors, theirs.fileno())
        try:
            self._process = await self._start(descriptors, environment)
        except OSError as error:
            log().error("role_cannot_start", program=self.program.name, error=str(error))
            if ours is not None:
                ours.close()
            return -1
        finally:
            if theirs is not None:
                theirs.close()
        if self._stop.is_set():  # told to stop while it was being started
            self.send(signal.SIGTERM)
        watch = asyncio.ensure_future(self._watch(ours))
        try:
            return await self._process.wait()
        finally:
            forget_process(self._process.pid)
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _start(self, descriptors: tuple[int, ...], environment: dict[str, str]) -> asyncio.subprocess.Process:
        output = self.program.output.open("ab") if self.program.output else None
        try:
            # A process group of its own: Ctrl-C in the terminal reaches us alone, and we drain in order.
            return await asyncio.create_subprocess_exec(
                *self.program.argv,
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
        elif self.program.probe is not None:
            while not await self.program.probe():  # noqa: ASYNC110  a foreign program tells nobody when it is ready
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
            log().error("role_stands_still", program=self.program.name)
            self.send(signal.SIGKILL)
        finally:
            writer.close()

    def _is_ready(self) -> None:
        self.ready.set()
        if self._must_reload:
            self._must_reload = False
            self.send(signal.SIGHUP)
