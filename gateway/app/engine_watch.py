"""The watch over the malware engine: asked now and then whether there is mail or not, so that a process knows when it
goes and comes back, all processes agree since when it is away, the metrics say how old its signatures are, and old
signatures raise an alert."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from gateway.app.alerts import Alerts
from gateway.checks.malware.clamav import DEMO_SIGNATURES, Clamav
from gateway.clock import pause
from gateway.counters.counters import Counters
from gateway.counters.records import Note
from gateway.facts.content import EngineFact
from gateway.facts.outcome import known_or_none
from gateway.telemetry import ENGINE_ABSENT, SIGNATURE_AGE, SIGNATURES

EVERY: Final = 10.0
"""Seconds between two questions."""

OLD_SIGNATURES: Final = 48 * 3600.0
"""Seconds. Signatures are made several times a day; two days without are a freshclam that stands still."""

ABSENT_FOR_LONG: Final = 300.0
"""Seconds without an answer after which people should know."""


TOPIC: Final = "malware engine"
KEPT: Final = 90 * 86400.0
"""Seconds for which what is remembered here is kept."""
FRESH: Final = 86400.0
"""Seconds after which a note that has not changed is written again."""

_PRESENT: Final = "present"


class EngineMemory:
    """That this installation has met its engine, and since when that is absent: of all processes, over restarts."""

    def __init__(self, engine: Clamav, counters: Counters) -> None:
        self._engine = engine
        self._counters = counters

    async def recall(self) -> Note | None:
        """Tell the engine's door what others know. The note, if there is one."""
        note = (await self._counters.recall(TOPIC, [TOPIC])).get(TOPIC)
        if note is not None:
            self._engine.recollect(None if note.value == _PRESENT else float(note.value))
        return note

    async def note(self, before: Note | None) -> None:
        """Write down what this process knows now, where that is news."""
        if not self._engine.met:
            return
        absent = self._engine.absent_since
        said = _PRESENT if absent is None else str(absent)
        if before is None or before.value != said or self._counters.now() - before.at > FRESH:
            await self._counters.remember(TOPIC, {TOPIC: said}, seconds=KEPT)


@dataclass(frozen=True, slots=True)
class EngineWatch:
    """Keeps what a process knows of its engine fresh."""

    engine: Clamav
    alerts: Alerts
    memory: EngineMemory

    async def recall(self) -> None:
        """Know what other processes know, and this one before a restart: before the first mail comes."""
        await self.memory.recall()

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`."""
        while not stop.is_set():
            await self.look()
            await pause(EVERY, until=stop)

    async def look(self) -> None:
        """Ask once, and tell what has to be told."""
        known = await self.memory.recall()
        await self.engine.refresh()
        await self.memory.note(known)
        fact = known_or_none(self.engine.standing())
        if fact is None:
            return
        SIGNATURE_AGE.set(-1 if fact.age is None else fact.age)
        SIGNATURES.set(int(fact.signatures) if fact.signatures.isdigit() else 0)
        ENGINE_ABSENT.set(fact.absent)
        for name, words in complaints(fact):
            await self.alerts.raise_one(name, words)


class NothingToWatch:
    """Stands where there is no clamd."""

    async def recall(self) -> None:
        """Nothing is known."""

    async def run(self, stop: asyncio.Event) -> None:
        """Nothing is to be done."""


def engine_watch(engine: object, counters: Counters) -> EngineWatch | NothingToWatch:
    """The watch over a process's engine."""
    if not isinstance(engine, Clamav):
        return NothingToWatch()
    return EngineWatch(engine, Alerts(counters), EngineMemory(engine, counters))


def complaints(fact: EngineFact) -> list[tuple[str, str]]:
    """What people should know about an engine like this: the name of the alert, and the words."""
    found: list[tuple[str, str]] = []
    if fact.absent > ABSENT_FOR_LONG:
        found.append(("malware engine", f"clamd has not answered for {fact.absent / 60:.0f} minutes"))
    if fact.age is not None and fact.age > OLD_SIGNATURES and fact.signatures != DEMO_SIGNATURES:
        found.append(("malware signatures", f"they are {fact.age / 3600:.0f} hours old: newer malware is not found"))
    return found
