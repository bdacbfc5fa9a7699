"""Mail that was taken and not scanned, or is to be scanned again with newer signatures: looked at when it is due, and
then delivered, held, or kept until it can be told.

Clean mail goes on; malware is held as such; what cannot be told waits, and at the end of the policy's patience a person
has to look. Nothing is delivered that nobody looked at. The scan is passed in; every step is one transaction, so a
crash between two steps repeats a scan and nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from gateway.clock import Clock, pause
from gateway.facts.content import MalwareFact, MalwareResult
from gateway.facts.outcome import Known
from gateway.policy.policy import Policy
from gateway.quarantine import weighing
from gateway.quarantine.release import Rescan, evidence_of
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.records import Unscanned
from gateway.queue.spool import OctetsGone
from gateway.telemetry import RESCANNED, log

ACTOR: Final = "rescan"
"""Who acts in the record of a message."""

EVERY: Final = 5.0
"""Seconds between two looks at what is due."""
AGAIN: Final = 30.0
"""Seconds until a copy is tried again about which the engine could not tell."""
FAILURES: Final = 6
"""Rounds in a row that fail, half a minute, before people are told."""
AT_ONCE: Final = 200
RETENTION: Final = 14 * 86400.0
"""Seconds that a copy is held where the policy does not say."""

Alert = Callable[[str, str], Awaitable[None]]
"""Is told what people should know: a name that tells alerts apart, and words."""


@dataclass(slots=True)
class Rescanning:
    """Rounds over what waits to be scanned, by the policy in force."""

    custody: Custody
    scan: Rescan
    clock: Clock
    policy: Callable[[], Policy]
    alert: Alert
    _failures: int = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop`."""
        while not stop.is_set():
            await self.turn()
            await pause(EVERY, until=stop)

    async def turn(self) -> None:
        """One round. One that fails is logged, and the next one tries again; people are told where it goes on so."""
        try:
            await self.round()
        except Exception as error:  # noqa: BLE001 - logged, and tried again: what waits stays in custody
            self._failures += 1
            log().error("rescan failed", error=repr(error), times=self._failures)
            if self._failures >= FAILURES:
                await self.alert(
                    "rescan", f"mail that waits cannot be scanned again, {self._failures} times in a row: {error!r}"
                )
        else:
            self._failures = 0

    async def round(self) -> int:
        """Scan what is due; answers how many copies got a verdict. Ends at the first doubt: an engine that does not
        answer is not asked about all the others."""
        settled = 0
        for item in await self.custody.rescans.due(limit=AT_ONCE):
            if not await self._settle(item):
                break
            settled += 1
        return settled

    async def _settle(self, item: Unscanned) -> bool:
        try:
            found = await self.scan(await self.custody.octets(item.message_id))
        except OctetsGone:
            log().error("stored octets cannot be read", alert=True, message=text_of(item.message_id))
            await self._hold(item, "unscannable", "its octets are not kept any more")
            return True
        before = await evidence_of(self.custody, item.message_id)
        bad = weighing.finding(found, before, item.recipient, self.policy())
        if bad is not None:
            await self._hold(item, bad.quarantine, f"found {bad.name}")
            RESCANNED.labels("found").inc()
            await self.alert(
                f"{bad.quarantine} held {text_of(item.message_id)}",
                f"a second scan found {bad.name} in mail to {item.recipient}: it is held",
            )
            return True
        if why := weighing.doubt(found):
            return await self._wait(item, why)
        match found.malware:
            case Known(MalwareFact(result=MalwareResult.UNSCANNABLE, name=name)):
                await self._hold(item, "unscannable", f"could not be looked into: {name}")
                RESCANNED.labels("unscannable").inc()
            case _:
                reason = f"clean, by {weighing.who_looked(found)}"
                await self.custody.rescans.pass_on(item.recipient_id, actor=ACTOR, reason=reason)
                RESCANNED.labels("clean").inc()
        return True

    async def _wait(self, item: Unscanned, why: str) -> bool:
        now = self.clock.now()
        if now - item.received_at >= self.policy().scanning.wait:
            await self._hold(item, "unscannable", f"nobody could scan it: {why}")
            RESCANNED.labels("given up").inc()
            return True
        await self.custody.rescans.postpone(item.recipient_id, due=now + AGAIN)
        return False

    async def _hold(self, item: Unscanned, quarantine: str, reason: str) -> None:
        expires = self.clock.now() + self.policy().retention.get(quarantine, RETENTION)
        await self.custody.rescans.hold(
            item.recipient_id, actor=ACTOR, reason=reason, quarantine=quarantine, expires_at=expires
        )
