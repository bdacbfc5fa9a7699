"""How the house is doing, as the console and `/readyz` tell it. Asks each component a cheap question."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from gateway.app.alerts import Alerts
from gateway.app.engine_watch import OLD_SIGNATURES
from gateway.app.installation import Folders
from gateway.app.senses import Engine, NoEngine
from gateway.clock import Clock, pause
from gateway.console.ports import Component, Mood
from gateway.counters.counters import Counters
from gateway.facts.outcome import Known
from gateway.mailbox.store import MEND, find_dovecot, is_ready, layout_of
from gateway.queue.custody import Custody
from gateway.settings import Settings
from gateway.spam.artefact import ModelError, read_manifest

EVERY: Final = 3.0
"""Seconds between two looks."""

ENGINE_MEND: Final = "apt-get install clamav-daemon, then start the gateway again"
SIGNATURES_MEND: Final = "apt-get install clamav-freshclam && freshclam, then start the gateway again"


class Status:
    """Keeps the latest view of every component, and since when it has been so."""

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        *,
        custody: Custody,
        counters: Counters,
        engine: Engine,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._folders = folders
        self._custody = custody
        self._counters = counters
        self._alerts = Alerts(counters)
        self._malware = engine
        self._clock = clock
        self._components: tuple[Component, ...] = ()

    def __call__(self) -> tuple[Component, ...]:
        return self._components

    async def look(self) -> None:
        """Ask every component once."""
        seen = [self._ledger(), await self._engine(), await self._store(), self._classifier(), self._counting()]
        self._remember([*seen, *await self._standing_alerts()])

    async def watch(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`."""
        while not stop.is_set():
            await self.look()
            await pause(EVERY, until=stop)

    def _remember(self, seen: list[Component]) -> None:
        before = {each.name: each for each in self._components}
        now = self._clock.now()
        self._components = tuple(
            replace(each, since=before[each.name].since)
            if each.name in before and before[each.name].mood is each.mood
            else replace(each, since=now)
            for each in seen
        )

    def _ledger(self) -> Component:
        self._custody.try_to_commit()
        ready, why = self._custody.readiness()
        return Component("ledger", Mood.UP) if ready else Component("ledger", Mood.DOWN, why, _mend_of(why))

    def _counting(self) -> Component:
        ready, why = self._counters.readiness()
        if ready:
            return Component("counters", Mood.UP)
        words = f"each process counts for itself, and nobody is greylisted: {why}"
        return Component("counters", Mood.DEGRADED, words, f"look at {self._folders.counters}")

    async def _standing_alerts(self) -> list[Component]:
        return [Component(each.key, Mood.DEGRADED, each.value) for each in await self._alerts.standing()]

    async def _engine(self) -> Component:
        if self._malware is None:
            return Component("clamd", Mood.DOWN, "switched off by the operator")
        if isinstance(self._malware, NoEngine):
            return Component("clamd", Mood.DOWN, "no ClamAV: mail is delivered unscanned and marked", ENGINE_MEND)
        version = await self._malware.version()
        if not isinstance(version, Known):
            why = getattr(version, "why", "no answer")
            return Component("clamd", Mood.DOWN, f"clamd does not answer: {why}", ENGINE_MEND)
        if version.value.signatures == "demo":
            words = "demo signatures only, real malware is not found"
            return Component("malware signatures", Mood.DEGRADED, words, SIGNATURES_MEND)
        age = self._clock.now() - (version.value.built or self._clock.now())
        if age > OLD_SIGNATURES:
            words = f"signatures are {age / 86400:.0f} days old: newer malware is not found"
            return Component("malware signatures", Mood.DOWN, words, SIGNATURES_MEND)
        return Component("clamd", Mood.UP)

    async def _store(self) -> Component:
        if await is_ready(layout_of(self._folders.data)):
            return Component("mail store", Mood.UP)
        words = "Dovecot is not running: mail waits in the queue"
        return Component("mail store", Mood.DOWN, words, "" if find_dovecot() else MEND)

    def _classifier(self) -> Component:
        try:
            read_manifest(self._settings.model)
        except ModelError as error:
            return Component("classifier", Mood.DOWN, str(error), "postern model train --corpus DIR")
        return Component("classifier", Mood.UP)


def _mend_of(why: str) -> str:
    """What helps where no mail can be stored."""
    if "disk" in why:
        return "free disk space"
    return "postern queue list" if "queue" in why else "look at the log of the edge and courier roles"
