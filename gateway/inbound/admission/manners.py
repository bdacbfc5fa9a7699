"""Whether a client waits for its turn, as mail servers do and many programs that send spam do not (RFC 5321 sections
3.1 and 4.3.1, RFC 2920 section 3.1). Only strangers are tried, once: who waited is remembered, and greeted at once.
"""

from __future__ import annotations

from typing import Final

from gateway.counters.counters import Counters
from gateway.facts.connection import ClientFact
from gateway.inbound.admission.counting import client_name
from gateway.inbound.ports import Door, Group

TOPIC: Final = "manners"

REMEMBERED: Final = 30 * 86400.0
"""Seconds since the client waited last."""

LOOK: Final = 0.1
"""Seconds between two looks whether it has spoken."""


class Manners:
    """Remembers who waited, for all processes together."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def trial_of(self, client: ClientFact, door: Door, group: Group) -> float:
        """Seconds for which the client has to show that it waits; 0.0 where nobody asks, or it has done so before."""
        if door.is_submission or group.patience <= 0.0:
            return 0.0
        name = client_name(client.ip)
        return 0.0 if await self._counters.recall(TOPIC, (name,)) else group.patience

    async def waited(self, client: ClientFact) -> None:
        """It did."""
        await self._counters.remember(TOPIC, {client_name(client.ip): ""}, seconds=REMEMBERED)
