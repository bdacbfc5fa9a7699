"""Where shortened links lead. Only the known shorteners are asked, one after the other where one leads to the next; the
first place that is none of them is the answer, and is never asked itself.

Bounded for each message (links, hops, seconds) and for the process (questions at a time, answers kept). Trouble is told
as the reason why a link's target is not known. Never judges a link.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

from gateway.anatomy.sight.links import SHORTENERS, host_of
from gateway.checks.dns.answering import Answering
from gateway.checks.redirects.public_addresses import IsPublic, is_public, public_addresses
from gateway.checks.redirects.web_head import Dial, dial, location_of
from gateway.checks.redirects.web_place import WebPlace, as_read, place_of, sent_on
from gateway.clock import Clock
from gateway.facts.content import LinkFact, ShortenedFact, ShortLinkFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.policy.policy import Following

MAX_QUESTIONS: Final = 16
"""Places that one process asks at a time."""
MAX_KEPT: Final = 2_000
KEPT_FOR: Final = 3600.0
"""Seconds for which it is remembered where a place leads."""
TROUBLE_KEPT_FOR: Final = 60.0

_LATE: Final = Unknown("it did not answer in time")
_BUSY: Final = Unknown("too many others are being asked")
_ROUND: Final = Unknown("it leads round in a circle")


class Shorteners:
    """Asks shorteners for one process, and remembers what they said. `services` are their hosts; `is_public` says which
    addresses may be connected to, and `dial` connects."""

    def __init__(
        self,
        *,
        clock: Clock,
        services: frozenset[str] = SHORTENERS,
        is_public: IsPublic = is_public,
        dial: Dial = dial,
        kept: int = MAX_KEPT,
    ) -> None:
        self._clock = clock
        self._services = services
        self._is_public = is_public
        self._dial = dial
        self._limit = kept
        self._kept: OrderedDict[WebPlace, tuple[str | Unknown, float]] = OrderedDict()
        self._turns = asyncio.Semaphore(MAX_QUESTIONS)

    async def follow(self, resolver: Answering, links: Iterable[LinkFact], bounds: Following) -> Outcome[ShortenedFact]:
        """Where the shortened ones of these links lead: the first `bounds.links` of them. Unknown where there are some,
        and of none it is known."""
        short = list(dict.fromkeys(link.url for link in links if link.host in self._services))
        deadline = asyncio.get_running_loop().time() + bounds.seconds
        walks = (self._walk(resolver, url, bounds.hops, deadline) for url in short[: bounds.links])
        ends = await asyncio.gather(*walks)
        told = tuple(
            ShortLinkFact(url, why=end.why) if isinstance(end, Unknown) else ShortLinkFact(url, end, host_of(end))
            for url, end in zip(short, ends, strict=False)
        )
        if told and not any(each.target for each in told):
            return Unknown(told[0].why)
        return Known(ShortenedFact(told))

    async def _walk(self, resolver: Answering, url: str, hops: int, deadline: float) -> str | Unknown:
        seen: set[WebPlace] = set()
        url = as_read(url, scheme="http")
        for _ in range(hops):
            place = place_of(url)
            if isinstance(place, Unknown):
                return place
            if place in seen:
                return _ROUND
            seen.add(place)
            end = self._remembered(place) or await self._in_turn(resolver, place, deadline)
            if isinstance(end, Unknown) or host_of(end) not in self._services:
                return end
            url = end
        return Unknown(f"it leads on after {hops} hops")

    async def _in_turn(self, resolver: Answering, place: WebPlace, deadline: float) -> str | Unknown:
        try:
            async with asyncio.timeout_at(deadline):
                await self._turns.acquire()
        except TimeoutError:
            return _BUSY
        try:
            async with asyncio.timeout_at(deadline):
                end = await self._ask(resolver, place)
        except TimeoutError:
            end = _LATE
        finally:
            self._turns.release()
        self._remember(place, end)
        return end

    async def _ask(self, resolver: Answering, place: WebPlace) -> str | Unknown:
        addresses = await public_addresses(resolver, place.host, is_public=self._is_public)
        if isinstance(addresses, Unknown):
            return addresses
        # One address, and no other way to choose one: what was judged is what is connected to.
        location = await location_of(place, addresses[0], dial=self._dial)
        if isinstance(location, Unknown):
            return location
        end = sent_on(place, location.value)
        return end if isinstance(end, Unknown) or host_of(end) else Unknown("it leads to no host")

    def _remembered(self, place: WebPlace) -> str | Unknown | None:
        kept = self._kept.get(place)
        if kept is None:
            return None
        end, until = kept
        if until <= self._clock.monotonic():
            del self._kept[place]
            return None
        self._kept.move_to_end(place)
        return end

    def _remember(self, place: WebPlace, end: str | Unknown) -> None:
        seconds = TROUBLE_KEPT_FOR if isinstance(end, Unknown) else KEPT_FOR
        self._kept[place] = (end, self._clock.monotonic() + seconds)
        self._kept.move_to_end(place)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)


def as_links(shortened: ShortenedFact) -> list[LinkFact]:
    """What shortened links lead to, as links of the message."""
    return [LinkFact(each.target, "", each.host, "shortened") for each in shortened.links if each.target]
