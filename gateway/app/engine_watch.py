"""The watch over the malware engine: asked now and then whether there is mail or not, so that a process knows when it
goes and comes back, the metrics say how old its signatures are, and old signatures raise an alert."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from gateway.app.alerts import Alerts
from gateway.checks.malware.clamav import DEMO_SIGNATURES, Clamav
from gateway.clock import pause
from gateway.counters.counters import Counters
from gateway.facts.content import EngineFact
from gateway.facts.outcome import known_or_none
from gateway.telemetry import ENGINE_ABSENT, SIGNATURE_AGE, SIGNATURES

EVERY: Final = 10.0
"""Seconds between two questions."""

OLD_SIGNATURES: Final = 48 * 3600.0
"""Seconds. Signatures are made several times a day; two days without are a freshclam that stands still."""

ABSENT_FOR_LONG: Final = 300.0
"""Seconds without an answer after which people should know."""


@dataclass(frozen=True, slots=True)
class EngineWatch:
    """Keeps what a process knows of its engine fresh."""

    engine: Clamav
    alerts: Alerts

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`."""
        while not stop.is_set():
            await self.look()
            await pause(EVERY, until=stop)

    async def look(self) -> None:
        """Ask once, and tell what has to be told."""
        await self.engine.refresh()
        fact = known_or_none(self.engine.standing())
        if fact is None:
            return
        SIGNATURE_AGE.set(-1 if fact.age is None else fact.age)
        SIGNATURES.set(int(fact.signatures) if fact.signatures.isdigit() else 0)
        ENGINE_ABSENT.set(fact.absent)
        for name, words in complaints(fact):
            await self.alerts.raise_one(name, words)


class SignatureMemory:
    """Which signatures the engine has now, and with which ones delivered mail was looked at last: over restarts."""

    TOPIC: Final = "signatures"
    KEY: Final = "retro-scan"
    KEPT: Final = 90 * 86400.0

    def __init__(self, engine: Clamav, counters: Counters) -> None:
        self._engine = engine
        self._counters = counters

    async def now(self) -> str | None:
        """Their version; None while the engine does not answer."""
        await self._engine.refresh()
        fact = known_or_none(self._engine.standing())
        return fact.signatures if fact is not None and fact.absent == 0.0 and fact.signatures else None

    async def seen(self) -> str:
        """Their version at the last look; empty before the first."""
        note = (await self._counters.recall(self.TOPIC, [self.KEY])).get(self.KEY)
        return note.value if note is not None else ""

    async def remember(self, version: str) -> None:
        """Delivered mail was looked at with these."""
        await self._counters.remember(self.TOPIC, {self.KEY: version}, seconds=self.KEPT)


def engine_watch(engine: object, counters: Counters) -> Callable[[asyncio.Event], Awaitable[None]]:
    """The watch over a process's engine, or one that has nothing to do where there is no clamd."""
    return EngineWatch(engine, Alerts(counters)).run if isinstance(engine, Clamav) else _nothing_to_watch


async def _nothing_to_watch(_stop: asyncio.Event) -> None:
    return


def complaints(fact: EngineFact) -> list[tuple[str, str]]:
    """What people should know about an engine like this: the name of the alert, and the words."""
    found: list[tuple[str, str]] = []
    if fact.absent > ABSENT_FOR_LONG:
        found.append(("malware engine", f"clamd has not answered for {fact.absent / 60:.0f} minutes"))
    if fact.age is not None and fact.age > OLD_SIGNATURES and fact.signatures != DEMO_SIGNATURES:
        found.append(("malware signatures", f"they are {fact.age / 3600:.0f} hours old: newer malware is not found"))
    return found
