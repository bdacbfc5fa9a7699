"""Who is in the house: the open sessions of one edge process, in all and for each client network. Decides nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

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
        self._guests: set[Guest] = set()
        self._networks: Counter[str] = Counter()
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

    def enter(self, guest: Guest, network: str) -> None:
        """Count a session in."""
        self._guests.add(guest)
        self._networks[network] += 1
        self._empty.clear()
        CONNECTIONS.inc()

    def leave(self, guest: Guest, network: str) -> None:
        """Count a session out."""
        self._guests.discard(guest)
        self._networks[network] -= 1
        if not self._networks[network]:
            del self._networks[network]
        if not self._guests:
            self._empty.set()
        CONNECTIONS.dec()

    async def until_empty(self) -> None:
        """Return when nobody is left."""
        await self._empty.wait()
