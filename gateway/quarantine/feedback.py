"""What people say of held mail becomes lessons: released mail that was held as unwanted is ham, and what they report is
what they say it is. A plain delete teaches nothing, for it repeats the classifier's own verdict.

A lesson that cannot be kept stops no release; it is logged.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.clock import Clock
from gateway.facts.content import MailClass
from gateway.mail.message import Octets
from gateway.queue.records import HeldItem
from gateway.spam.site.teaching import OPERATOR, Ledger, TeachingError, Way, sender_of
from gateway.spam.training.corpus import MAX_MESSAGE
from gateway.telemetry import log

JUDGED: Final = frozenset({"spam", "bulk", "phishing"})
"""Classes of the verdict that mean that somebody takes the message for unwanted, and may be wrong."""


class Feedback:
    """Takes what people say to the ledger."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def released(self, item: HeldItem, octets: Octets, *, by: str) -> None:
        """Somebody let it go: it is ham, if it was held for being unwanted."""
        if item.judgement.verdict_class in JUDGED:
            await self._teach(item, octets, label=MailClass.HAM, by=by, way=Way.RELEASE)

    async def reported(self, item: HeldItem, octets: Octets, *, label: MailClass, by: str) -> None:
        """Somebody says that it is unwanted."""
        await self._teach(item, octets, label=label, by=by, way=Way.REPORT)

    async def _teach(self, item: HeldItem, octets: Octets, *, label: MailClass, by: str, way: Way) -> None:
        # The ledger's operator is whoever has the machine; nobody becomes that by the name of an account.
        who = by if by != OPERATOR else f"{by}'s account"
        sender = sender_of(item.listing.author_address or item.reverse_path)
        try:
            if len(octets) > MAX_MESSAGE:
                raise TeachingError(f"larger than {MAX_MESSAGE:,} octets")
            await asyncio.to_thread(
                self._ledger.teach, bytes(octets), label=label, by=who, way=way, sender=sender, at=self._clock.now()
            )
        except (TeachingError, OSError) as error:
            log().warning("lesson not kept", why=str(error)[:200])
