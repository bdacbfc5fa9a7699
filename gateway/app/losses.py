"""How many anatomists the same octets have killed: remembered by their hash in the shared counters, so that it holds
over retries, processes and restarts."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from gateway.checks.digests import digest_of
from gateway.counters.counters import Counters
from gateway.mail.message import Octets
from gateway.telemetry import LOST_WORKERS, log

TOPIC: Final = "lost anatomists"
REMEMBERED: Final = 14 * 86400.0
"""Seconds after the last loss: longer than any client keeps a message."""
KEPT_HERE: Final = 1000
"""Hashes that one process keeps in mind."""


class Losses:
    """The count of one installation, as one process keeps it."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._known: OrderedDict[str, int] = OrderedDict()

    async def known(self, octets: Octets) -> int:
        """How many this process has seen killed by these octets. Costs nothing while there was no loss."""
        return self._known.get((await digest_of(octets)).hex(), 0) if self._known else 0

    async def add(self, octets: Octets) -> int:
        """One more was killed: how many there are now."""
        name = (await digest_of(octets)).hex()
        note = (await self._counters.recall(TOPIC, [name])).get(name)
        before = int(note.value) if note is not None and note.value.isdigit() else 0
        number = max(before, self._known.get(name, 0)) + 1
        await self._counters.remember(TOPIC, {name: str(number)}, seconds=REMEMBERED)
        self._known[name] = number
        while len(self._known) > KEPT_HERE:
            self._known.popitem(last=False)
        LOST_WORKERS.inc()
        log().warning("anatomist_lost", octets=name, times=number)
        return number
