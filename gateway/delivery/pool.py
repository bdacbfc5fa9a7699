"""Open connections kept for the next message, and hosts that get a rest because they did not answer.

Never decides where mail goes: it says which connection is at hand, and which hosts to ask last.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Final

from gateway.delivery.relay import Connection
from gateway.delivery.routes import Endpoint

IDLE: Final = 10.0
"""Seconds that a connection may lie unused: long enough for a burst, short enough not to be a burden on the other
side."""

MAX_CARRIED: Final = 100
"""Messages over one connection, then a new one: a balancer behind the address gets its chance."""

REST: Final = 60.0
"""Seconds for which a host that did not answer is asked last."""

MAX_RESTING: Final = 10_000


class Pool:
    """Connections by endpoint. The one given back last is taken first, so that a quiet hour lets the others go."""

    def __init__(self, *, monotonic: Callable[[], float], idle: float = IDLE, max_carried: int = MAX_CARRIED) -> None:
        self._monotonic = monotonic
        self._idle = idle
        self._max_carried = max_carried
        self._kept: defaultdict[Endpoint, deque[tuple[float, Connection]]] = defaultdict(deque)
        self._resting: dict[Endpoint, float] = {}

    def take(self, endpoint: Endpoint) -> Connection | None:
        """A connection that was usable when last looked at, or None."""
        kept = self._kept.get(endpoint)
        oldest = self._monotonic() - self._idle
        while kept:
            since, connection = kept.pop()
            if connection.is_usable and since >= oldest:
                return connection
            connection.close()
        return None

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next message, or close it when it is worn out or broken."""
        if connection.is_usable and connection.carried < self._max_carried:
            self._kept[connection.endpoint].append((self._monotonic(), connection))
        else:
            connection.close()

    def sweep(self) -> None:
        """Close what has lain unused for too long. Cheap: call it often."""
        oldest = self._monotonic() - self._idle
        for endpoint in list(self._kept):
            kept = self._kept[endpoint]
            while kept and (kept[0][0] < oldest or not kept[0][1].is_usable):
                kept.popleft()[1].close()
            if not kept:
                del self._kept[endpoint]

    def close(self) -> None:
        """Close all that are kept; those in use are closed when they are given back."""
        for kept in self._kept.values():
            for _, connection in kept:
                connection.close()
        self._kept.clear()
        self._max_carried = 0

    def rest(self, endpoint: Endpoint) -> None:
        """Ask this host last for a while."""
        now = self._monotonic()
        if len(self._resting) >= MAX_RESTING:
            self._resting = {each: until for each, until in self._resting.items() if until > now}
        if len(self._resting) < MAX_RESTING:
            self._resting[endpoint] = now + REST

    def wakened(self, endpoint: Endpoint) -> None:
        """The host answered: no more rest."""
        self._resting.pop(endpoint, None)

    def rested_first(self, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
        """The same hosts in the same order, but those at rest last."""
        if not self._resting:
            return list(endpoints)
        now = self._monotonic()
        return sorted(endpoints, key=lambda each: self._resting.get(each, 0.0) > now)
