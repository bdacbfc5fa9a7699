"""Second looks for malware in one process: what it takes to look as thoroughly as at the door, and the rounds of the
first courier over mail that waits to be scanned, and over mail that was delivered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from gateway.app.alerts import Alerts
from gateway.app.installation import Folders
from gateway.app.losses import Losses
from gateway.app.senses import Engine, LiveRules, engine_of, signature_folder
from gateway.app.signature_watch import Lookbacks, SignatureWatch
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.checks.malware.clamav import Clamav
from gateway.clock import Clock
from gateway.counters.counters import Counters
from gateway.mailbox.copies import StoreCopies
from gateway.mailbox.store import layout_of
from gateway.pipeline.examining import Losses as Counted
from gateway.pipeline.examining import NoLosses
from gateway.pipeline.second_look import SecondLook
from gateway.policy.policy import Policy, Scanning
from gateway.quarantine.rescan import Rescanning
from gateway.quarantine.retraction import Retraction
from gateway.quarantine.retro_watch import RetroWatch
from gateway.queue.custody import Custody
from gateway.settings import Settings

WORKERS: Final = 1
"""Anatomists: one look comes after the other, and nobody waits for it."""


@dataclass(frozen=True, slots=True)
class LookingAgain:
    """What looks: opened and closed together."""

    look: SecondLook
    engine: Engine
    rules: LiveRules
    anatomists: AnatomistPool

    def reload(self) -> None:
        """Read our own rules again."""
        self.anatomists.use(rules=self.rules.reload(), layer=None)


@asynccontextmanager
async def looking_again(
    settings: Settings, folders: Folders, *, scanning: Callable[[], Scanning], losses: Counted | None = None
) -> AsyncIterator[LookingAgain]:
    """Open what looks; close it at the end. The classifier is not asked again, so its model is not loaded."""
    rules = LiveRules(settings)
    anatomists = await AnatomistPool.start(
        workers=WORKERS,
        timeout=settings.anatomist.timeout,
        memory=settings.anatomist.memory,
        model=None,
        rules=rules.compiled,
    )
    engine = engine_of(settings, folders)
    try:
        look = SecondLook(anatomists, engine, scanning, losses or NoLosses())
        yield LookingAgain(look, engine, rules, anatomists)
    finally:
        if isinstance(engine, Clamav):
            await engine.close()
        await anatomists.close()


@dataclass(slots=True)
class SecondLooks:
    """The rounds of one installation. `reload` may be called at any time."""

    settings: Settings
    folders: Folders
    custody: Custody
    counters: Counters
    clock: Clock
    policy: Callable[[], Policy]
    _again: LookingAgain | None = None

    def reload(self) -> None:
        """Read our own rules again."""
        if self._again is not None:
            self._again.reload()

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`."""
        opened = looking_again(
            self.settings, self.folders, scanning=lambda: self.policy().scanning, losses=Losses(self.counters)
        )
        async with opened as again, asyncio.TaskGroup() as group:
            self._again = again
            alert = Alerts(self.counters).raise_one
            rescanning = Rescanning(self.custody, again.look, self.clock, policy=self.policy, alert=alert)
            retraction = Retraction(
                self.custody,
                StoreCopies(layout_of(self.folders.data)),
                again.look,
                self.clock,
                policy=self.policy,
                alert=alert,
                stopping=stop.is_set,
            )
            signatures = SignatureWatch(again.engine, self.clock, folder=signature_folder(self.folders))
            watch = RetroWatch(
                retraction,
                signatures=signatures.now,
                rules=lambda: again.rules.version,
                memory=Lookbacks(self.counters),
                alert=alert,
            )
            group.create_task(rescanning.run(stop))
            group.create_task(watch.run(stop))
