"""The numbers of the Overview, once for page and API: what happened, what stands now, what the house is missing,
what people taught."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from gateway.console.office import Office
from gateway.console.ports import Component, Mood
from gateway.quarantine import review
from gateway.quarantine.rights import Actor
from gateway.queue.records import HeldItem, HeldQuery
from gateway.spam.site.drift import Drift

LATEST: Final = 5


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the Overview tells. `outcomes` counts events of the period by kind; `held` counts what is held now by
    quarantine; `waiting` is the queue now and `oldest` when its oldest was accepted."""

    hours: int
    outcomes: dict[str, int]
    held: dict[str, int]
    waiting: int
    oldest: float | None
    components: tuple[Component, ...]
    policy_version: str
    latest: tuple[HeldItem, ...]
    sequence: int
    drift: Drift

    @property
    def missing(self) -> tuple[Component, ...]:
        """The components that are not well."""
        return tuple(each for each in self.components if each.mood is not Mood.UP)


async def numbers(office: Office, actor: Actor, *, hours: int) -> Numbers:
    """Read them now."""
    custody = office.ports.custody
    sequence = office.newsroom.head
    destinations = await custody.queue_summary()
    latest, _ = await review.page(custody, actor, HeldQuery(), after=None, limit=LATEST)
    return Numbers(
        hours=hours,
        outcomes=await custody.counts_since(office.ports.clock.now() - hours * 3600),
        held=await review.counts(custody, actor),
        waiting=sum(each.waiting + each.in_flight for each in destinations),
        oldest=min((each.oldest for each in destinations if each.oldest is not None), default=None),
        components=office.ports.status(),
        policy_version=office.ports.policy_version(),
        latest=tuple(latest),
        sequence=sequence,
        drift=(await asyncio.to_thread(office.ports.classifier)).drift,
    )
