"""What the next hop of a route can take: internationalised addresses and header fields (RFC 6531). Asks the hosts that
an operator named, and remembers for all processes; the exchangers of the world are left to the courier, as is a host
that does not answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.counters.counters import Counters
from gateway.delivery.callahead import CallAhead
from gateway.delivery.routes import BadRoute, Language, Route, ToExchangers, ToHops, ToMailbox, parse_route
from gateway.facts.outcome import Known, Outcome, Unknown

TOPIC: Final = "smtputf8"

FRESH: Final = 3600.0
"""Seconds for which an answer holds: a host that has learnt it is not refused for long."""


class NextHops:
    """The `NextHopInquiry` that the front door is given."""

    def __init__(self, call_ahead: CallAhead, counters: Counters, *, now: Callable[[], float]) -> None:
        self._call_ahead = call_ahead
        self._counters = counters
        self._now = now
        self._asking: dict[str, asyncio.Future[Outcome[bool]]] = {}

    async def takes_utf8_address(self, destination: str) -> Outcome[bool]:
        """Whether addresses beyond ASCII can go there."""
        try:
            route = parse_route(destination)
        except BadRoute as error:
            return Unknown(str(error))
        if isinstance(route, ToExchangers):
            return Unknown("exchangers are not asked beforehand")
        note = (await self._counters.recall(TOPIC, [destination])).get(destination)
        if note is not None and self._now() - note.at < FRESH:
            return Known(note.value == "yes")
        asking = self._asking.get(destination)
        if asking is None:
            asking = asyncio.ensure_future(self._ask(destination, route))
            self._asking[destination] = asking
            asking.add_done_callback(lambda _: self._asking.pop(destination, None))
        return await asyncio.shield(asking)

    async def takes_utf8_header(self, destination: str) -> Outcome[bool]:
        """The same for header fields. A store, where the journey ends, keeps any."""
        return Known(True) if _is_store(destination) else await self.takes_utf8_address(destination)

    async def _ask(self, destination: str, route: Route) -> Outcome[bool]:
        outcome = await self._call_ahead.offers(route, "SMTPUTF8")
        if isinstance(outcome, Known):
            await self._counters.remember(TOPIC, {destination: "yes" if outcome.value else "no"}, seconds=FRESH)
        return outcome


def _is_store(destination: str) -> bool:
    try:
        route = parse_route(destination)
    except BadRoute:
        return False
    if isinstance(route, ToHops):
        return route.endpoints[0].language is Language.LMTP
    return isinstance(route, ToMailbox)
