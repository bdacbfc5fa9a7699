"""Who is in the house: the open sessions of one edge process, in all and for each client network. Decides nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

from gateway.counters.pools import network_of
from gateway.telemetry import CONNECTIONS


class Guest(Protocol):
    """An open session, as far as the end of the day is concerned."""

    def drain(self) -> None:
        """Finish what is open, then go."""

    def abort(self) -> None:
        """Go."""


class Occupancy:
    """Counts sessions as they come and go."""

    def __init__(self) -> None:
        self._guests: dict[Guest, str] = {}
        self._networks: Counter[str] = Counter()
        self._neighbourhoods: Counter[str] = Counter()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def total(self) -> int:
        """Open sessions."""
        return len(self._guests)

    @property
    def guests(self) -> tuple[Guest, ...]:
        """The open sessions themselves."""
        return tuple(self._guests)

    def of(self, network: str) -> int:
        """Open sessions of one client network."""
        return self._networks[network]

    def near(self, network: str) -> int:
        """Open sessions of the /24 of IPv4 that the client is in; an IPv6 client is a /64 of its own."""
        return self._neighbourhoods[network_of(network)]

    def enter(self, guest: Guest) -> None:
        """Count a session in. Whose it is may not be known yet, or be nobody's."""
        self._guests[guest] = ""
        self._empty.clear()
        CONNECTIONS.inc()

    def identify(self, guest: Guest, network: str) -> None:
        """The session is of that client network, and of no other one."""
        if before := self._guests[guest]:
            self._uncount(before)
        self._guests[guest] = network
        self._networks[network] += 1
        self._neighbourhoods[network_of(network)] += 1

    def leave(self, guest: Guest) -> None:
        """Count a session out."""
        if before := self._guests.pop(guest):
            self._uncount(before)
        if not self._guests:
            self._empty.set()
        CONNECTIONS.dec()

    def _uncount(self, network: str) -> None:
        for counter, name in ((self._networks, network), (self._neighbourhoods, network_of(network))):
            counter[name] -= 1
            if counter[name] <= 0:
                del counter[name]

    async def until_empty(self) -> None:
        """Return when nobody is left."""
        await self._empty.wait()
