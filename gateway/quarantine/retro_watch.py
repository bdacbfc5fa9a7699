"""When delivered mail is looked at again: all that could carry malware when the signatures are newer, what passed
unscanned when the engine is back, and everything when our own rules are others. What was looked at with which knowledge
is remembered outside, over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from gateway.clock import pause
from gateway.quarantine.rescan import Alert
from gateway.quarantine.retraction import Looked, Retraction
from gateway.telemetry import log

EVERY: Final = 10.0
"""Seconds between two looks at what is known."""
TRIES: Final = 3
"""Passes over mail about which something could not be told, before that is left to people."""
FAILURES: Final = 3
"""Rounds in a row that fail, half a minute, before people are told."""
SIGNATURES: Final = "retro-scan"
RULES: Final = "retro-scan by rules"


class Memory(Protocol):
    """With what delivered mail was looked at last: a version, by the kind of knowledge."""

    async def seen(self, kind: str) -> str:
        """The version at the last look; empty before the first."""

    async def remember(self, kind: str, version: str) -> None:
        """Delivered mail was looked at with these."""


@dataclass(slots=True)
class RetroWatch:
    """Starts passes. `signatures` gives the version that the malware engine has now, or None while it does not answer;
    `rules` that of our own rules, empty for none."""

    retraction: Retraction
    signatures: Callable[[], Awaitable[str | None]]
    rules: Callable[[], str]
    memory: Memory
    alert: Alert
    was_away: bool = True
    _tries: dict[str, int] = field(default_factory=dict)
    _failures: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`."""
        while not stop.is_set():
            await self.turn()
            await pause(EVERY, until=stop)

    async def turn(self) -> None:
        """One round. One that fails is logged, and the next one tries again; people are told where it goes on so, for
        the alert stands as long as it is raised again."""
        try:
            await self.round()
        except Exception as error:  # noqa: BLE001 - logged, and tried again: nothing is lost by looking later
            self._failures += 1
            log().error("retro-scan failed", error=repr(error), times=self._failures)
            if self._failures >= FAILURES:
                await self.alert(
                    "retro-scan",
                    f"delivered mail cannot be scanned again, {self._failures} times in a row: {error!r}",
                )
        else:
            self._failures = 0

    async def round(self) -> Looked:
        """One look at what is known, and passes where there is reason for them."""
        await self.retraction.finish()
        return await self._by_signatures() + await self._by_rules()

    async def _by_signatures(self) -> Looked:
        version = await self.signatures()
        if version is None:
            self.was_away = True
            return Looked()
        before = await self.memory.seen(SIGNATURES)
        if version == before and not self.was_away:
            return Looked()
        is_newer = before not in ("", version)
        looked = await (self.retraction.look_at_carriers() if is_newer else self.retraction.look_at_unscanned())
        if await self._is_over(SIGNATURES, version, looked):
            self.was_away = False
        return looked

    async def _by_rules(self) -> Looked:
        version = self.rules()
        if not version or version == (before := await self.memory.seen(RULES)):
            return Looked()
        looked = await self.retraction.look_at_all() if before else Looked()
        await self._is_over(RULES, version, looked)
        return looked

    async def _is_over(self, kind: str, version: str, looked: Looked) -> bool:
        """Whether that was the last pass for this knowledge. What cannot be told again and again is not asked for
        ever."""
        self._tries[kind] = self._tries.get(kind, 0) + 1
        log().info("retro-scan", by=kind, version=version, scanned=looked.scanned, taken_back=looked.taken_back)
        if looked.in_doubt and self._tries[kind] < TRIES:
            return False
        if looked.in_doubt:
            await self.alert(
                f"{kind} in doubt", f"{looked.in_doubt} copies of delivered mail could not be scanned again"
            )
        self._tries[kind] = 0
        await self.memory.remember(kind, version)
        return True
