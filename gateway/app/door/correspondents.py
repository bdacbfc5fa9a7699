"""Who writes to whom: people to whom one of us wrote are known to that one, and their answers are never asked to come
back. Remembered in the counters, as digests: the list of somebody's correspondents is nobody's business."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from gateway.counters.counters import Counters
from gateway.facts.evidence import Evidence

TOPIC: Final = "correspondent"

REMEMBERED: Final = 180 * 86400.0
"""Seconds since one of us wrote to them last."""


class Correspondents:
    """Remembers pairs of ours and theirs."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def wrote(self, evidence: Evidence) -> None:
        """One of us wrote this to others."""
        pairs = {pair_of(ours, theirs): "" for ours in _names_of(evidence) for theirs in evidence.recipients}
        if pairs:
            await self._counters.remember(TOPIC, pairs, seconds=REMEMBERED)

    async def know(self, evidence: Evidence, recipients: Sequence[str]) -> bool:
        """Whether one of these recipients wrote to whoever wrote this: then it is somebody whom the house knows."""
        return await self.know_each_other(ours=recipients, theirs=_names_of(evidence))

    async def among(self, evidence: Evidence) -> tuple[str, ...]:
        """The recipients who wrote to the first author of this. The reverse-path does not count: whoever proves to be
        the author may still write whatever name there."""
        authors = [author.address for author in evidence.message.authors[:1]]
        pairs = {pair_of(ours, theirs): ours for ours in evidence.recipients for theirs in authors}
        found = await self._counters.recall(TOPIC, pairs) if pairs else {}
        return tuple(ours for pair, ours in pairs.items() if pair in found)

    async def know_each_other(self, *, ours: Sequence[str], theirs: Sequence[str]) -> bool:
        """Whether one of ours wrote to one of theirs."""
        return bool(await self.who_wrote_to(theirs, ours=ours))

    async def who_wrote_to(self, theirs: Sequence[str], *, ours: Sequence[str]) -> frozenset[str]:
        """Which of ours wrote to one of theirs."""
        pairs = {pair_of(one, other): one for one in ours for other in theirs}
        return frozenset(pairs[key] for key in await self._counters.recall(TOPIC, pairs.keys()))


def _names_of(evidence: Evidence) -> list[str]:
    """The reverse-path and the first author of a message, in as far as there are any."""
    authors = [author.address for author in evidence.message.authors[:1]]
    return [name for name in dict.fromkeys((evidence.reverse_path.lower(), *map(str.lower, authors))) if name]


def pair_of(ours: str, theirs: str) -> str:
    """The digest under which a pair of addresses is remembered."""
    return hashlib.sha256(f"{ours.lower()}\0{theirs.lower()}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
