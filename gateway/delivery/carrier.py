"""Takes a parcel to a route: finds the doors (DNS for exchangers), tries them in order (RFC 5321 section 5.1), over a
connection at hand or a new one. Never raises for what the world does; never retries later (that is the schedule's).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final

from gateway.clock import Clock
from gateway.delivery.handover import Ending, Handover, Parcel
from gateway.delivery.mx import Query, find_addresses, find_exchangers, is_elsewhere
from gateway.delivery.pool import Pool
from gateway.delivery.relay import Connection, Timeouts, Tls, open_connection
from gateway.delivery.routes import SMTP_PORT, Endpoint, Language, Route, Routes, ToExchangers, ToHops, ToMailbox
from gateway.delivery.transaction import Passage, transact
from gateway.mail import replies
from gateway.mail.replies import Reply

MAX_HOSTS: Final = 5
"""Exchangers asked for their addresses in one attempt."""

MAX_DOORS: Final = 8
"""Addresses tried in one attempt: each may cost a connect timeout."""


class Carrier:
    """One per process. `greet_as` is our name; `query` asks DNS; `is_usable` says which addresses DNS may send us
    to."""

    def __init__(
        self,
        *,
        routes: Routes,
        query: Query,
        greet_as: str,
        clock: Clock,
        randomness: random.Random,
        timeouts: Timeouts | None = None,
        pool: Pool | None = None,
        exchange_port: int = SMTP_PORT,
        is_usable: Callable[[str], bool] = is_elsewhere,
    ) -> None:
        self.routes = routes
        self.pool = pool or Pool(monotonic=clock.monotonic)
        self._query = query
        self._greet_as = greet_as
        self._randomness = randomness
        self._timeouts = timeouts or Timeouts()
        self._exchange_port = exchange_port
        self._is_usable = is_usable

    async def carry(self, parcel: Parcel, route: Route) -> tuple[Handover, ...]:
        """One attempt: a handover for each recipient, in order."""
        doors = await self.doors(route)
        if isinstance(doors, Reply):
            return _for_all(parcel, Handover(_ending(doors), doors))
        result: tuple[Handover, ...] = ()
        for door in self.pool.rested_first(doors)[:MAX_DOORS]:
            passage = await self._through(door, parcel)
            if isinstance(passage, Reply):
                self.pool.rest(door)
                result = result or _for_all(parcel, Handover(Ending.UNREACHABLE, passage, remote=str(door)))
                continue
            self.pool.wakened(door)
            result = passage.handovers
            if passage.was_sent or not passage.is_broken:
                break
        return result

    async def _through(self, door: Endpoint, parcel: Parcel) -> Passage | Reply:
        """Over a connection at hand while there are any, else over a new one. A reply means that there was no
        session."""
        while (kept := self.pool.take(door)) is not None:
            passage = await self._transact(kept, parcel)
            if passage.was_sent or not passage.is_broken:
                return passage
            # It had been closed on the other side in the meantime: no fault of this message.
        tls = Tls.OPPORTUNISTIC if door.language is Language.SMTP else Tls.NONE
        opened = await open_connection(door, greet_as=self._greet_as, timeouts=self._timeouts, tls=tls)
        if isinstance(opened, Reply):
            return opened
        return await self._transact(opened, parcel)

    async def _transact(self, connection: Connection, parcel: Parcel) -> Passage:
        try:
            passage = await transact(connection, parcel)
        except BaseException:
            connection.abandon(replies.CONNECTION_LOST)  # somewhere in mid-transaction: nothing else may follow on it
            raise
        connection.carried += 1
        self.pool.give_back(connection)
        return passage

    async def doors(self, route: Route) -> Sequence[Endpoint] | Reply:
        """Where the route leads, best first, or why nowhere."""
        match route:
            case ToMailbox():
                return (self.routes.mailbox,) if self.routes.mailbox else replies.NO_ROUTE
            case ToHops(endpoints):
                return endpoints
            case ToExchangers(domain):
                return await self._exchange_doors(domain)

    async def _exchange_doors(self, domain: str) -> Sequence[Endpoint] | Reply:
        hosts = await find_exchangers(self._query, domain, own_name=self._greet_as, randomness=self._randomness)
        if isinstance(hosts, Reply):
            return hosts
        hosts = hosts[:MAX_HOSTS]
        found = await asyncio.gather(*(find_addresses(self._query, host, is_usable=self._is_usable) for host in hosts))
        doors = list(
            chain.from_iterable(
                (self._exchange_door(host, address) for address in addresses)
                for host, addresses in zip(hosts, found, strict=True)
                if not isinstance(addresses, Reply)
            )
        )
        if doors:
            return doors
        refusals = [each for each in found if isinstance(each, Reply)]
        return next((each for each in refusals if each.is_transient), refusals[0])

    def _exchange_door(self, host: str, address: str) -> Endpoint:
        name = "" if host == address else host
        return Endpoint(Language.SMTP, host=address, port=self._exchange_port, name=name)


def _for_all(parcel: Parcel, handover: Handover) -> tuple[Handover, ...]:
    return (handover,) * len(parcel.recipients)


def _ending(reply: Reply) -> Ending:
    """A domain that cannot be looked up now is as good as unreachable; one that refuses mail has failed."""
    return Ending.FAILED if reply.is_permanent else Ending.UNREACHABLE
