"""Delivered mail looked at again: when there are newer signatures, and when an engine is back that was away while mail
passed unscanned. What proves to be malware is taken out of the shipped store and held, with its story; release is the
undo.

The copy comes into custody first and leaves the store second, so a crash leaves two for a while and never none. Mail
that the owner has deleted is not looked for. The store and the scan are passed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.clock import Clock, pause
from gateway.facts.content import ContentFact, MalwareFact, MalwareResult, PartFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Skipped, Unknown, known_or_none
from gateway.policy.policy import Scanning
from gateway.quarantine.release import Rescan
from gateway.quarantine.rescan import RETENTION, Alert
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.records import DeliveredCopy
from gateway.telemetry import RESCANNED, log

ACTOR: Final = "retro-scan"
STORE: Final = "mailbox"
"""The destination whose copies can be taken back."""
PAGE: Final = 200

_QUIET: Final = ("image/", "audio/", "video/", "font/", "multipart/", "message/")
_QUIET_TEXT: Final = frozenset({"text/plain", "text/html", ""})


class Store(Protocol):
    """The shipped store's copies. Both raise RuntimeError where it cannot be asked."""

    def read(self, owner: str, reference: str) -> Awaitable[bytes | None]: ...

    def remove(self, owner: str, reference: str) -> Awaitable[None]: ...


@dataclass(frozen=True, slots=True)
class Looked:
    """What one pass did."""

    scanned: int = 0
    taken_back: int = 0
    in_doubt: int = 0


@dataclass(frozen=True, slots=True)
class Retraction:
    """Passes over delivered mail."""

    custody: Custody
    store: Store
    scan: Rescan
    clock: Clock
    scanning: Callable[[], Scanning]
    retention: Callable[[], Mapping[str, float]]
    alert: Alert

    async def look_at_all(self) -> Looked:
        """Everything of the policy's span that could hold malware, or that nobody scanned."""
        return await self._look(lambda evidence: is_unscanned(evidence) or could_hold_malware(evidence))

    async def look_at_unscanned(self) -> Looked:
        """What was delivered while nobody could scan it."""
        return await self._look(is_unscanned)

    async def finish(self) -> int:
        """Remove the copies of what was taken back; answers how many. What a crash, or a silent store, has left comes
        again."""
        number = 0
        for each in await self.custody.retractions.left():
            await self.store.remove(owner_of(each.recipient), text_of(each.message_id))
            await self.custody.retractions.removed(each.recipient_id)
            number += 1
        return number

    async def _look(self, wanted: Callable[[Evidence], bool]) -> Looked:
        scanned = taken = doubt = 0
        async for copy, evidence in self._copies():
            if not wanted(evidence):
                continue
            octets = await self.store.read(owner_of(copy.recipient), text_of(copy.message_id))
            if octets is None:
                continue
            scanned += 1
            match await self.scan(octets):
                case Known(MalwareFact(result=MalwareResult.FOUND, name=name)):
                    taken += await self._take_back(copy, octets, name or "malware")
                case Unknown() | Skipped():
                    doubt += 1
                case Known(fact) if is_unscanned(evidence):
                    reason = (
                        f"{fact.result.value}, scanned after delivery with signatures {fact.signatures or 'unknown'}"
                    )
                    await self._note(copy, reason)
        return Looked(scanned, taken, doubt)

    async def _copies(self) -> AsyncIterator[tuple[DeliveredCopy, Evidence]]:
        since, after = self.clock.now() - self.scanning().look_back, 0
        while page := await self.custody.retractions.copies(since=since, after=after, destination=STORE, limit=PAGE):
            for copy in page:
                after = copy.recipient_id
                try:
                    yield copy, Evidence.from_json(copy.evidence)
                except ValueError:
                    continue  # a bounce of our own: nothing was judged

    async def _take_back(self, copy: DeliveredCopy, octets: bytes, name: str) -> int:
        done = await self.custody.retractions.take_back(
            copy,
            octets,
            quarantine="malware",
            expires_at=self.clock.now() + self.retention().get("malware", RETENTION),
            actor=ACTOR,
            reason=f"found {name} after it was delivered",
        )
        if not done:
            return 0
        await self.finish()
        RESCANNED.labels("taken back").inc()
        reference = text_of(copy.message_id)
        log().warning("taken back", message=reference, recipient=copy.recipient, found=name)
        words = f"{name} was found in delivered mail to {copy.recipient}: it was taken out of the mailbox and is held"
        await self.alert(f"malware delivered {reference}", words)
        return 1

    async def _note(self, copy: DeliveredCopy, reason: str) -> None:
        """Once for each copy."""
        told = await self.custody.events(copy.message_id)
        if not any(each.actor == ACTOR and each.recipient == copy.recipient for each in told):
            await self.custody.retractions.note(copy.recipient_id, kind="rescanned", actor=ACTOR, reason=reason)


@dataclass(slots=True)
class RetroWatch:
    """When to look: at newer signatures all of it, and after an absence what passed unscanned. `signatures` gives the
    version that the engine has now, or None while it does not answer; `seen` and `remember` keep it over restarts."""

    retraction: Retraction
    signatures: Callable[[], Awaitable[str | None]]
    seen: Callable[[], Awaitable[str]]
    remember: Callable[[str], Awaitable[None]]
    was_away: bool = True

    async def run(self, stop: asyncio.Event, *, interval: float = 10.0) -> None:
        """Look again and again until `stop`. A round that fails is logged, and the next one tries again."""
        while not stop.is_set():
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 - logged, and tried again: nothing is lost by looking later
                log().error("retro-scan failed", error=repr(error))
            await pause(interval, until=stop)

    async def round(self) -> Looked:
        """One look at the engine, and a pass if there is reason for one."""
        await self.retraction.finish()
        version = await self.signatures()
        if version is None:
            self.was_away = True
            return Looked()
        if version != (before := await self.seen()):
            looked = await self.retraction.look_at_all() if before else await self.retraction.look_at_unscanned()
        elif self.was_away:
            looked = await self.retraction.look_at_unscanned()
        else:
            return Looked()
        if not looked.in_doubt:
            await self.remember(version)
            self.was_away = False
        return looked


def is_unscanned(evidence: Evidence) -> bool:
    """Whether nobody could say if the message holds malware."""
    return isinstance(evidence.malware, Unknown)


def could_hold_malware(evidence: Evidence) -> bool:
    """Whether anything stood in the message but text and pictures, as far as was seen."""
    content: ContentFact | None = known_or_none(evidence.content)
    return content is None or bool(content.unscannable) or any(map(_is_loud, content.parts))


def _is_loud(part: PartFact) -> bool:
    if part.true_type in _QUIET_TEXT:
        return bool(part.name)
    return part.true_type == "image/svg+xml" or not part.true_type.startswith(_QUIET)


def owner_of(recipient: str) -> str:
    """The mailbox of a recipient: without the detail behind a plus sign (RFC 5233)."""
    local, _, domain = recipient.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
