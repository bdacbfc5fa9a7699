"""Who writes to whom: people to whom one of us wrote are known to that one, and their answers are never asked to come
back. An answer to a message of ours is known by that message's identifier (RFC 5322 section 3.6.4), which nobody can
name who has not seen it, and by its author, who must be one whom we sent it to. Remembered in the counters, as digests:
the list of somebody's correspondents is nobody's business.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from gateway.counters.counters import Counters
from gateway.facts.evidence import Evidence
from gateway.mail.message import Message
from gateway.mail.message_ids import answered_by, identifiers_in

TOPIC: Final = "correspondent"

REMEMBERED: Final = 180 * 86400.0
"""Seconds since one of us wrote to them last."""

SENT: Final = "sent"

AWAITED: Final = 30 * 86400.0
"""Seconds for which the answer to a message of ours is known as one."""


class Correspondents:
    """Remembers pairs of ours and theirs."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def wrote(self, evidence: Evidence) -> None:
        """One of us wrote this to others."""
        pairs = {pair_of(ours, theirs): "" for ours in _names_of(evidence) for theirs in evidence.recipients}
        if pairs:
            await self._counters.remember(TOPIC, pairs, seconds=REMEMBERED)
        for sent in identifiers_in(evidence.message.message_id)[:1]:
            ours = " ".join(pair_of(name, sent) for name in _names_of(evidence))
            answers = {pair_of(sent, theirs): ours for theirs in evidence.recipients}
            await self._counters.remember(SENT, answers, seconds=AWAITED)

    async def awaited_by(self, message: Message, evidence: Evidence) -> tuple[str, ...]:
        """The recipients to whose own mail this is an answer, by one whom they sent it to."""
        authors = [author.address for author in evidence.message.authors[:1]]
        asked = {pair_of(sent, theirs): sent for sent in answered_by(message) for theirs in authors}
        found = await self._counters.recall(SENT, asked) if asked else {}
        senders = {ours for note in found.values() for ours in note.value.split()}
        sent = {asked[key] for key in found}
        return tuple(ours for ours in evidence.recipients if any(pair_of(ours, each) in senders for each in sent))

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
