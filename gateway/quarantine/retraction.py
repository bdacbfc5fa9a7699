"""Delivered mail looked at again, and what proves to be malware or a lure taken out of the shipped store and held, with
its story; release is the undo. When to look is for `retro_watch.py`.

The copy comes into custody first and leaves the store second, so a crash leaves two for a while and never none. Mail
that the owner has deleted is not looked for. The store and the scan are passed in.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

from gateway.clock import Clock
from gateway.facts.content import ContentFact, Findings, PartFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Unknown, known_or_none
from gateway.policy.policy import Policy
from gateway.quarantine import weighing
from gateway.quarantine.release import Rescan
from gateway.quarantine.rescan import RETENTION, Alert
from gateway.quarantine.weighing import PHISHING, Finding
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

    def __add__(self, other: Looked) -> Looked:
        return Looked(self.scanned + other.scanned, self.taken_back + other.taken_back, self.in_doubt + other.in_doubt)


@dataclass(frozen=True, slots=True)
class Retraction:
    """Passes over delivered mail. One that is `stopping` ends between two copies, and has told nothing of the rest."""

    custody: Custody
    store: Store
    scan: Rescan
    clock: Clock
    policy: Callable[[], Policy]
    alert: Alert
    stopping: Callable[[], bool] = lambda: False

    async def look_at_all(self) -> Looked:
        """Everything of the policy's span, for the sake of our own rules: they may be about a text. What the malware
        engine cannot tell meanwhile is no doubt of this pass."""
        return await self._look(lambda _: True, weighing.doubt_of_rules)

    async def look_at_carriers(self) -> Looked:
        """What could hold malware, or nobody scanned."""
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

    async def _look(
        self, wanted: Callable[[Evidence], bool], doubt_of: Callable[[Findings], str] = weighing.doubt
    ) -> Looked:
        scanned = taken = doubt = 0
        async for copy, evidence in self._copies():
            if self.stopping():
                return Looked(scanned, taken, doubt + 1)
            if not wanted(evidence):
                continue
            octets = await self.store.read(owner_of(copy.recipient), text_of(copy.message_id))
            if octets is None:
                continue
            scanned += 1
            found = await self.scan(octets)
            bad = weighing.finding(found, evidence, copy.recipient, self.policy())
            if bad is not None and not await self._was_let_go(copy, bad):
                taken += await self._take_back(copy, octets, bad)
            elif weighing.doubt(found):
                doubt += bool(doubt_of(found))
            elif is_unscanned(evidence):
                await self._note(copy, _story_of(found))
        return Looked(scanned, taken, doubt)

    async def _copies(self) -> AsyncIterator[tuple[DeliveredCopy, Evidence]]:
        since, after = self.clock.now() - self.policy().scanning.look_back, 0
        while page := await self.custody.retractions.copies(since=since, after=after, destination=STORE, limit=PAGE):
            for copy in page:
                after = copy.recipient_id
                try:
                    yield copy, Evidence.from_json(copy.evidence)
                except ValueError:
                    continue  # a bounce of our own: nothing was judged

    async def _was_let_go(self, copy: DeliveredCopy, bad: Finding) -> bool:
        """Whether a person has released it: what a lure is, people judge."""
        if bad.quarantine != PHISHING:
            return False
        story = await self.custody.events(copy.message_id)
        return any(each.kind == "released" and each.recipient == copy.recipient for each in story)

    async def _take_back(self, copy: DeliveredCopy, octets: bytes, bad: Finding) -> int:
        done = await self.custody.retractions.take_back(
            copy,
            octets,
            quarantine=bad.quarantine,
            expires_at=self.clock.now() + self.policy().retention.get(bad.quarantine, RETENTION),
            actor=ACTOR,
            reason=f"found {bad.name} after it was delivered",
        )
        if not done:
            return 0
        await self.finish()
        RESCANNED.labels("taken back").inc()
        reference = text_of(copy.message_id)
        log().warning("taken back", message=reference, recipient=copy.recipient, found=bad.name)
        words = (
            f"{bad.name} was found in delivered mail to {copy.recipient}: it was taken out of the mailbox and is held"
        )
        await self.alert(f"{bad.quarantine} delivered {reference}", words)
        return 1

    async def _note(self, copy: DeliveredCopy, reason: str) -> None:
        """Once for each copy."""
        told = await self.custody.events(copy.message_id)
        if not any(each.actor == ACTOR and each.recipient == copy.recipient for each in told):
            await self.custody.retractions.note(copy.recipient_id, kind="rescanned", actor=ACTOR, reason=reason)


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


def _story_of(found: Findings) -> str:
    said = known_or_none(found.malware)
    return f"{said.result.value if said else 'clean'}, scanned after delivery by {weighing.who_looked(found)}"


def owner_of(recipient: str) -> str:
    """The mailbox of a recipient: without the detail behind a plus sign (RFC 5233)."""
    local, _, domain = recipient.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
