"""All programs of one machine: start them, say when they are ready, pass reloads on, and drain them in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import Final

from gateway.supervisor.child import Child
from gateway.supervisor.farewell import farewell
from gateway.supervisor.program import Phase, Program
from gateway.telemetry import log

DRAIN: Final[dict[Phase, float]] = {Phase.DOORS: 30.0, Phase.CARRIERS: 20.0, Phase.GROUND: 10.0}
"""Seconds that the programs of a phase may take to end by themselves."""

SPEAKS_SMTP: Final = frozenset({"mx", "submission"})
"""Doors at which clients are told in plain text that the house closes."""


WATCH_EVERY: Final = 5.0
"""Seconds between two looks at what a program has read at its start."""


class Supervisor:
    """Runs programs until SIGTERM or SIGINT. SIGHUP goes to the programs that can reload; SIGUSR2 renews all roles."""

    def __init__(self, programs: Sequence[Program], *, on_ready: Callable[[], None]) -> None:
        self.children = [Child(program) for program in programs]
        self._on_ready = on_ready
        self._stop = asyncio.Event()
        self._must_renew = asyncio.Event()

    async def run(self) -> None:
        """Start everything; return when everything has ended."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        loop.add_signal_handler(signal.SIGUSR2, self._must_renew.set)
        async with asyncio.TaskGroup() as group:
            for child in self.children:
                group.create_task(child.keep_alive())
            announce = group.create_task(self._announce())
            renewal = group.create_task(self._renew_when_told())
            watch = group.create_task(self._watch_for_changes())
            await self._stop.wait()
            for task in (announce, renewal, watch):
                task.cancel()
            await self._drain()

    def reload(self) -> None:
        """Let every program that can do so read policy and configuration again."""
        log().info("reload")
        for child in self.children:
            if child.program.reloads or _has_changed(child.program):
                child.reload()

    async def _renew_when_told(self) -> None:
        """A rolling restart: our own roles, one after the other, each when the one before it is ready. Told again while
        one is under way, another one follows it."""
        while True:
            await self._must_renew.wait()
            self._must_renew.clear()
            log().info("renewing")
            renewed = 0
            for child in self.children:
                if child.program.lifeline:
                    renewed += await child.renew(patience=DRAIN[child.program.phase])
            log().info("renewed", roles=renewed)

    async def _watch_for_changes(self) -> None:
        while True:
            await asyncio.sleep(WATCH_EVERY)
            for child in self.children:
                if _has_changed(child.program):
                    child.reload()

    async def _announce(self) -> None:
        await asyncio.gather(*(child.ready.wait() for child in self.children if child.program.required))
        self._on_ready()

    async def _drain(self) -> None:
        log().info("draining")
        listening = [each for child in self.children for each in child.program.listeners.items()]
        async with farewell(door for name, door in listening if name in SPEAKS_SMTP):
            for phase, patience in DRAIN.items():
                await asyncio.gather(
                    *(child.stop(patience=patience) for child in self.children if child.program.phase is phase)
                )
        log().info("drained")


def _has_changed(program: Program) -> bool:
    return program.changed is not None and program.changed()
