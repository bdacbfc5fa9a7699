"""Which signatures the malware engine has now, told by its version and by the files that it reads: those that an
operator adds change no version. And with which knowledge delivered mail was looked at last, over restarts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from gateway.checks.malware.clamav import Clamav
from gateway.checks.malware.clamd_folder import mark_of
from gateway.clock import Clock
from gateway.counters.counters import Counters
from gateway.facts.outcome import known_or_none

SETTLED: Final = 30.0
"""Seconds after which clamd is taken to have read files that have changed: ours looks every 20. A new version counts at
once, for clamd itself says it."""


class SignatureWatch:
    """The signatures of one engine. `folder` is where their files stand; None where that is not known."""

    def __init__(self, engine: object, clock: Clock, *, folder: Path | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._folder = folder
        self._told = ""
        self._version = ""
        self._mark: str | None = None
        self._changed_at = float("-inf")

    async def now(self) -> str | None:
        """What tells them from others; None while the engine does not answer, or there is none."""
        engine = self._engine
        if not isinstance(engine, Clamav):
            return None
        mark = await asyncio.to_thread(mark_of, self._folder) if self._folder is not None else ""
        await engine.refresh()
        fact = known_or_none(engine.standing())
        if fact is None or fact.absent or not fact.signatures:
            return None
        if mark != self._mark:
            if self._mark is not None:
                self._changed_at = self._clock.monotonic()
            self._mark = mark
        is_settled = self._clock.monotonic() - self._changed_at >= SETTLED
        if is_settled or fact.signatures != self._version:
            self._version = fact.signatures
            told = f"{fact.signatures}/{mark}" if mark else fact.signatures
            if told != self._told:
                engine.forget_verdicts()
            self._told = told
        return self._told


class Lookbacks:
    """With what delivered mail was looked at last."""

    TOPIC: Final = "signatures"
    KEPT: Final = 90 * 86400.0

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def seen(self, kind: str) -> str:
        """The version at the last look; empty before the first."""
        note = (await self._counters.recall(self.TOPIC, [kind])).get(kind)
        return note.value if note is not None else ""

    async def remember(self, kind: str, version: str) -> None:
        """Delivered mail was looked at with these."""
        await self._counters.remember(self.TOPIC, {kind: version}, seconds=self.KEPT)
