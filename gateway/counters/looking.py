"""The counters for somebody who only looks: every question is answered, nothing is counted, noted or changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence

from gateway.counters import greylist
from gateway.counters.counters import Counters
from gateway.counters.records import Ban, Counted, Met, Passage, Take, Visit
from gateway.facts.outcome import Outcome
from gateway.policy.policy import Greylisting


class OnlyLooking(Counters):
    """What would be answered next."""

    async def count(self, takes: Sequence[Take]) -> Counted:
        """What it would answer."""
        return await self.peek(takes)

    def tally(self, take: Take) -> None:
        """Not counted."""

    async def ban(self, network: str, *, seconds: float, reason: str, by: str) -> Ban:
        """Nobody is shut out for what did not happen."""
        now = self.now()
        return Ban(network, reason, by, now, now)

    async def meet(self, visits: Sequence[Visit], timing: Greylisting) -> Outcome[tuple[Passage, ...]]:
        """What it would say."""
        now = self.now()

        def work(connection: sqlite3.Connection) -> tuple[Passage, ...]:
            return tuple(greylist.look(connection, visit, timing, now=now) for visit in visits)

        return await self._ask(work)

    async def meet_again(self, met: Collection[Met]) -> None:
        """Not written down."""

    async def remember(self, topic: str, values: Mapping[str, str], *, seconds: float) -> frozenset[str]:
        """Not remembered."""
        return frozenset()
