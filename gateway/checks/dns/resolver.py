"""The resolver that all checks share: a cache, nameservers in order of preference, and a breaker.

Identical questions that are in flight are asked once. A nameserver that is dead is left out until a probe finds it
alive, so that with all of them dead a check fails at once instead of costing each message the full time-out. Never
raises but for cancellation; never decides what a failed answer means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import NO_SUCH_NAME, TIMED_OUT, Answer, Question, Status, question
from gateway.checks.dns.cache import Cache
from gateway.checks.dns.nameserver import Nameserver, Unreachable, ask, is_alive, system_nameservers
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import Clock
from gateway.settings import Dns

__all__ = ["Answer", "Resolver", "Status", "ZoneResolver"]

MAX_ATTEMPTS: Final = 3
"""Nameservers that are tried for one question; a single one is tried twice, since datagrams get lost."""

MAX_SOCKETS: Final = 256
"""Questions that may be on the wire at a time."""

SUSPECT_AFTER: Final = 3
"""Datagrams without an answer in a row, after which a nameserver must prove that it lives."""

REST: Final = 2.0
"""Seconds that a dead nameserver is left alone before it is probed again."""


class _Watched:
    """One nameserver and what is known of its health.

    Silence about a name may be the name's own fault, and senders choose the names that we ask. So silence only makes
    a nameserver suspect; what takes it out is silence about the root.
    """

    def __init__(self, address: Nameserver) -> None:
        self.address = address
        self.silent = 0
        self.dead = False
        self.rests_until = 0.0
        self.probe: asyncio.Future[None] | None = None


class Resolver(Answering):
    """Asks nameservers over the network. One for each event loop; call `close` at the end."""

    def __init__(
        self,
        nameservers: Sequence[Nameserver],
        *,
        clock: Clock,
        query_timeout: float = 1.0,
        check_timeout: float = 2.5,
        cache_entries: int = 20_000,
    ) -> None:
        self._nameservers = [_Watched(each) for each in nameservers]
        self._clock = clock
        self._query_timeout = query_timeout
        self._check_timeout = check_timeout
        self._cache = Cache(entries=cache_entries, clock=clock)
        self._in_flight: dict[Question, asyncio.Future[Answer]] = {}
        self._sockets = asyncio.Semaphore(MAX_SOCKETS)

    @classmethod
    def from_settings(cls, settings: Dns, *, clock: Clock) -> Resolver:
        """As configured; without nameservers in the configuration those of the system. Raises `BadNameserver`."""
        named = tuple(Nameserver.parse(each) for each in settings.nameservers)
        return cls(
            named or system_nameservers(),
            clock=clock,
            query_timeout=settings.query_timeout,
            check_timeout=settings.check_timeout,
            cache_entries=settings.cache_entries,
        )

    async def close(self) -> None:
        """Give up all that is in flight."""
        pending: list[asyncio.Future[Any]] = [*self._in_flight.values()]
        pending += [each.probe for each in self._nameservers if each.probe is not None]
        for each in pending:
            each.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    def deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._check_timeout

    def cached(self, asked: Question) -> Answer | None:
        return self._cache.get(asked)

    async def query(self, name: str, type: str) -> Answer:
        asked = question(name, type)
        if asked is None:
            return NO_SUCH_NAME
        cached = self._cache.get(asked)
        if cached is not None:
            return cached
        flight = self._in_flight.get(asked)
        if flight is None:
            flight = self._in_flight[asked] = asyncio.ensure_future(self._ask(asked))
            flight.add_done_callback(lambda _: self._in_flight.pop(asked, None))
        try:
            # Shielded: who gives up waiting does not take the answer from the others, or from the cache.
            return await asyncio.shield(flight)
        except asyncio.CancelledError:
            waiting = asyncio.current_task()
            if flight.cancelled() and not (waiting and waiting.cancelling()):
                return TIMED_OUT  # the resolver was closed under us
            raise

    async def _ask(self, asked: Question) -> Answer:
        candidates = self._candidates()
        answer = TIMED_OUT
        for watched in candidates:
            try:
                async with self._sockets:
                    answer = await ask(watched.address, asked, timeout=self._query_timeout)
            except Unreachable:
                self._note_silence(watched)
                continue
            watched.silent = 0
            if answer.status is not Status.SERVFAIL:
                break
        if candidates:  # that nobody was asked is no knowledge about the name
            self._cache.put(asked, answer)
        return answer

    def _candidates(self) -> list[_Watched]:
        """Whom to ask, in order. Wakes a probe for each dead one whose rest is over."""
        now = self._clock.monotonic()
        alive = []
        for watched in self._nameservers:
            if not watched.dead:
                alive.append(watched)
            elif watched.rests_until <= now:
                self._start_probe(watched)
        return alive * 2 if len(alive) == 1 else alive[:MAX_ATTEMPTS]

    def _note_silence(self, watched: _Watched) -> None:
        watched.silent += 1
        if watched.silent >= SUSPECT_AFTER and not watched.dead:
            self._start_probe(watched)

    def _start_probe(self, watched: _Watched) -> None:
        if watched.probe is None:
            watched.probe = asyncio.ensure_future(self._probe(watched))

    async def _probe(self, watched: _Watched) -> None:
        try:
            alive = await is_alive(watched.address, timeout=self._query_timeout)
            watched.dead = not alive
            watched.silent = 0
            watched.rests_until = self._clock.monotonic() + REST
        finally:
            watched.probe = None
