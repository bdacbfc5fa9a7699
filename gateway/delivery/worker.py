"""The courier: takes due mail out of custody, hands it over, and has the result recorded. Delivery is at least once.

The order is the promise: the claim is durable before the attempt, the result is recorded before the message is
forgotten, and a crash at any point leaves a lease that runs out, after which a courier takes over. Never judges a
message."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.clock import Clock, pause
from gateway.delivery.carrier import Carrier
from gateway.delivery.departure import unchanged
from gateway.delivery.errand import Departing, Errand, Sign, Steps, no_steps, unsigned
from gateway.delivery.mx import Query
from gateway.delivery.relay import Timeouts
from gateway.delivery.routes import Routes
from gateway.delivery.transaction import MAX_RECIPIENTS
from gateway.mail.address import ReversePath
from gateway.queue.custody import Custody
from gateway.queue.records import Claim
from gateway.settings import Settings
from gateway.telemetry import log

LEASE: Final = 30.0
"""Seconds until what a dead courier had in hand is taken over. Renewed at a third, so that two renewals may fail."""

DESTINATIONS: Final = 50
"""Destinations of one claim: bounds what one courier has in hand, with `delivery.per_destination`."""

IDLE: Final = (0.05, 0.5)
"""Seconds between two looks for work: at first, and at most. Each look without work doubles the wait."""

DRAIN: Final = 25.0
"""Seconds that what is in flight has to finish when we stop; supervisors kill after 30."""


class Courier:
    """One per process. `query` asks DNS for exchangers; `owner` is the name under which leases are held; `sign` puts
    our signature on what we write ourselves; `departing` says under which reverse-path a copy leaves."""

    def __init__(
        self,
        custody: Custody,
        routes: Routes,
        settings: Settings,
        clock: Clock,
        randomness: random.Random,
        *,
        query: Query,
        owner: str = "courier",
        carrier: Carrier | None = None,
        lease: float = LEASE,
        drain: float = DRAIN,
        sign: Sign = unsigned,
        steps: Steps = no_steps,
        departing: Departing = unchanged,
        heir: bool = False,
    ) -> None:
        """`heir` says that no other process of this name is alive (see `tenure.py`): what one has left is ours."""
        name = settings.delivery.helo or settings.hostname
        self._custody = custody
        self._per_destination = settings.delivery.per_destination
        self._owner = owner
        self._is_heir = heir
        self._lease = lease
        self._drain = drain
        self._carrier = carrier or Carrier(
            routes=routes,
            query=query,
            greet_as=name,
            clock=clock,
            randomness=randomness,
            timeouts=timeouts_of(settings),
        )
        self._errand = Errand(
            custody=custody,
            carrier=self._carrier,
            clock=clock,
            randomness=randomness,
            lifetime=settings.delivery.lifetime,
            reporter=settings.hostname,
            sign=sign,
            steps=steps,
            departing=departing,
        )
        self._departing = departing
        self._in_hand: dict[asyncio.Task[None], Sequence[Claim]] = {}
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Look for work now: something was accepted, released or retried. Without it work is found within half a
        second."""
        self._news.set()

    def use(self, routes: Routes) -> None:
        """A new routing table, from the next attempt on."""
        self._carrier.routes = routes

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set, then finish what is in flight, for `drain` seconds at most."""
        if self._is_heir:
            await self._take_back()
        async with asyncio.TaskGroup() as tasks:
            keepers = [tasks.create_task(self._keep_leases()), tasks.create_task(self._hear(stop))]
            try:
                await self._deliver(stop, tasks)
                await self._finish()
            finally:
                for keeper in keepers:
                    keeper.cancel()
                self._carrier.pool.close()

    async def _deliver(self, stop: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        idle, longest = IDLE
        while not stop.is_set():
            self._news.clear()
            claims = await self._claim()
            for together in in_one_transaction(claims, self._departing):
                task = tasks.create_task(self._errand.run(together))
                self._in_hand[task] = together
                task.add_done_callback(self._put_down)
            idle = IDLE[0] if claims else min(2 * idle, longest)
            self._carrier.pool.sweep()
            await pause(idle if not claims else longest, until=self._news)

    async def _take_back(self) -> None:
        try:
            left = await self._custody.take_back(self._owner)
        except Exception as error:  # noqa: BLE001 - logged; the leases run out by themselves
            log().error("nothing could be taken back", error=repr(error))
            return
        if left:
            log().warning("taken back from a courier that died", recipients=left)

    async def _claim(self) -> list[Claim]:
        """What may be attempted now. A ledger that does not answer is no reason to stop: it may come back."""
        try:
            return await self._custody.claim(
                self._owner,
                lease=self._lease,
                destinations=DESTINATIONS,
                per_destination=self._per_destination,
            )
        except Exception as error:  # noqa: BLE001 - logged; the next look is the retry
            log().error("nothing could be claimed", error=repr(error))
            return []

    async def _hear(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._news.set()

    def _put_down(self, task: asyncio.Task[None]) -> None:
        self._in_hand.pop(task, None)
        self._news.set()  # there is room for more

    async def _keep_leases(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            claims = [claim for together in self._in_hand.values() for claim in together]
            if not claims:
                continue
            try:
                await self._custody.renew(claims, lease=self._lease)
            except Exception as error:  # noqa: BLE001 - logged; two more renewals fit into the lease
                log().error("leases could not be renewed", claims=len(claims), error=repr(error))

    async def _finish(self) -> None:
        """What is not done in time is cancelled: its lease runs out and another courier has it."""
        if not self._in_hand:
            return
        _, late = await asyncio.wait(self._in_hand, timeout=self._drain)
        for task in late:
            task.cancel()
        if late:
            log().warning("stopped with deliveries in flight", number=len(late))


def in_one_transaction(claims: Iterable[Claim], departing: Departing = unchanged) -> list[Sequence[Claim]]:
    """Recipients of one message whose copies are the same and go the same way under the same reverse-path, together, as
    many as one transaction may have."""
    together: defaultdict[tuple[int, str, bytes, ReversePath], list[Claim]] = defaultdict(list)
    for claim in claims:
        path = departing(claim.reverse_path, claim.recipient.address)
        together[claim.message_id, claim.destination, claim.fields, path].append(claim)
    return [
        claims[start : start + MAX_RECIPIENTS]
        for claims in together.values()
        for start in range(0, len(claims), MAX_RECIPIENTS)
    ]


def timeouts_of(settings: Settings) -> Timeouts:
    usual = Timeouts()
    patience = settings.delivery.timeout
    return Timeouts(
        connect=settings.delivery.connect_timeout,
        command=patience,
        data_block=min(usual.data_block, patience),
        data_end=min(usual.data_end, 2 * patience),
    )
