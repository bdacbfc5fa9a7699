"""One-use tickets to the preview document: bound to a session and an item, good for 60 seconds, known to this process
only."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from typing import Final

from gateway.clock import Clock

SECONDS: Final = 60.0
MAX_TICKETS: Final = 5000


class Tickets:
    """The tickets given out and not yet used."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: OrderedDict[str, tuple[str, int, float]] = OrderedDict()

    def give(self, session: str, recipient_id: int) -> str:
        """A new ticket for that session and item."""
        ticket = secrets.token_urlsafe(18)
        self._open[ticket] = (session, recipient_id, self._clock.monotonic() + SECONDS)
        while len(self._open) > MAX_TICKETS:
            self._open.popitem(last=False)
        return ticket

    def use(self, ticket: str, session: str, recipient_id: int) -> bool:
        """Whether the ticket is good for this; whatever the answer, it is used up."""
        found = self._open.pop(ticket, None)
        return found is not None and found[:2] == (session, recipient_id) and self._clock.monotonic() < found[2]
