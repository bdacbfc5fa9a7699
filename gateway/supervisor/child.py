"""One program, kept alive: started, restarted with growing pauses, renewed, stopped when told. Of its processes there
are two for a moment when a door is renewed: the new one serves before the old one goes.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable
from typing import Final

from gateway.clock import pause
from gateway.supervisor.incarnation import Incarnation
from gateway.supervisor.lifeline import SILENCE
from gateway.supervisor.program import Phase, Program
from gateway.telemetry import log

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 10.0
STEADY: Final = 30.0
"""Seconds that a program must live until its next death counts as the first."""


class Child:
    """The life of one program. `ready` is set while it can do its work."""

    def __init__(self, program: Program, *, silence: float = SILENCE) -> None:
        """`silence` is how many seconds a ready role may say nothing until it is killed."""
        self.program = program
        self.ready = asyncio.Event()
        self.restarts = 0
        self._silence = silence
        self._current: Incarnation | None = None
        self._alive: set[Incarnation] = set()
        self._is_leaving = False
        self._stop = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._current.pid if self._current is not None else None

    async def keep_alive(self) -> None:
        """Run the program again and again until `stop`. Returns when it has been stopped."""
        rest = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        try:
            while not self._stop.is_set():
                begun = loop.time()
                self._current = self._begin()
                code = await self._last_code(self._current)
                self.ready.clear()
                if self._stop.is_set():
                    return
                if self._is_leaving:
                    self._is_leaving = False
                    continue
                self.restarts += 1
                rest = FIRST_PAUSE if loop.time() - begun > STEADY else min(rest * 2, LONGEST_PAUSE)
                log().error(
                    "role_died", program=self.program.name, code=code, restarts=self.restarts, next_start_in=rest
                )
                await pause(rest, until=self._stop)
        finally:
            self._ended.set()

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the program runs."""
        if self._current is not None:
            self._current.send(number)

    def reload(self) -> None:
        """Let it read policy and configuration again, as soon as it can hear that."""
        for each in self._alive:
            each.reload()

    async def renew(self, *, patience: float) -> bool:
        """Put a new process in the place of this one, which gets `patience` seconds to finish; whether that was done.

        A door's successor is ready on the same sockets before the old one is told to go, so that somebody serves at
        every moment; where it does not become ready, the old one stays. Of carriers, whose names are their claim to
        what they have in hand, there is never more than one: the old one goes first.
        """
        old = self._current
        if old is None or old.pid is None or self._stop.is_set():
            return False
        if self.program.phase is not Phase.DOORS:
            self._is_leaving = True
            await old.end(patience=patience)
            await self._ready_or_stopped()
            return self.ready.is_set()
        new = self._begin()
        await _first_of(new.ready.wait(), self._stop.wait(), asyncio.shield(new.life))
        if self._stop.is_set() or not new.ready.is_set() or self._current is not old or old.pid is None:
            log().error("successor_not_taken", program=self.program.name)
            await new.end(patience=patience)
            return False
        self._current = new
        await old.end(patience=patience)
        return True

    async def stop(self, *, patience: float) -> None:
        """Ask it to end; kill it after `patience` seconds. `keep_alive` must be running."""
        self._stop.set()
        await asyncio.gather(*(each.end(patience=patience) for each in self._alive))
        await self._ended.wait()

    def _begin(self) -> Incarnation:
        begun = Incarnation(self.program, silence=self._silence)
        self._alive.add(begun)
        begun.life.add_done_callback(lambda _: self._alive.discard(begun))
        return begun

    async def _last_code(self, incarnation: Incarnation) -> int:
        """Wait for the end of the process, and of each that has taken its place meanwhile."""
        while True:
            watch = asyncio.ensure_future(self._tell_ready(incarnation))
            try:
                code = await asyncio.shield(incarnation.life)
            finally:
                watch.cancel()
            if self._current is incarnation or self._current is None:
                return code
            incarnation = self._current

    async def _tell_ready(self, incarnation: Incarnation) -> None:
        await incarnation.ready.wait()
        self.ready.set()

    async def _ready_or_stopped(self) -> None:
        await _first_of(self.ready.wait(), self._stop.wait())


async def _first_of(*waits: Awaitable[object]) -> None:
    """Until one of them is over; the others are given up."""
    tasks = [asyncio.ensure_future(each) for each in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
