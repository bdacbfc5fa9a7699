"""The counters as other rooms ask them: one object a process, every question one round trip to the thread that has the
file, with a deadline, and a stated answer where the file cannot be asked.

| Question | Where the file is down, frozen or slow |
|---|---|
| counts of clients, networks, senders, recipients | each process counts for itself, against its share of the limit |
| connections of other processes | none are known: the process's own count holds |
| bans | the last snapshot holds |
| greylist | `Unknown`: nobody is asked to wait who could not be written down |
| notes | what this process remembers itself |
| who was met when | `Unknown`: nobody is called new whom we cannot look up |

None of it ever raises but for what people ask by command, which raises `CountersUnavailable`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, Self, TypeVar
from uuid import uuid4

from gateway.clock import Clock
from gateway.counters import acquaintance, bans, greylist, notes, presence, rates
from gateway.counters.breaker import Breaker
from gateway.counters.keeper import Keeper
from gateway.counters.local import LocalCounters
from gateway.counters.records import Ban, Counted, CountersUnavailable, Memory, Met, Note, Passage, Take, Visit, Waiting
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.policy.policy import Greylisting
from gateway.telemetry import COUNTERS_UNAVAILABLE

T = TypeVar("T")

PATIENCE: Final = 0.1
"""Seconds that a client may have to wait for an answer of ours."""

PATIENCE_OF_PEOPLE: Final = 5.0

MAX_LISTED: Final = 10_000


class Counters:
    """Safe to use from one event loop; several processes open the same folder at a time."""

    def __init__(self, keeper: Keeper, *, process: str, clock: Clock, processes: int) -> None:
        self._keeper = keeper
        self._process = process
        self._clock = clock
        self._processes = processes
        self._local = LocalCounters(share=1.0 / processes)
        self._breaker = Breaker()

    @classmethod
    def open(cls, folder: Path, *, clock: Clock, processes: int = 1) -> Self:
        """Open or make the file in the folder. `processes` is how many take connections, for limits that they cannot
        share. Never raises: what is wrong with the folder stands in `readiness`."""
        process = uuid4().hex
        keeper = Keeper(folder, process=process, clock=clock)
        keeper.start()
        return cls(keeper, process=process, clock=clock, processes=processes)

    async def close(self) -> None:
        """Write what waits and let go."""
        await asyncio.to_thread(self._keeper.close)

    def readiness(self) -> tuple[bool, str]:
        """Whether the processes count together, and if not, why."""
        if self._keeper.failure:
            return False, self._keeper.failure
        return (False, "does not answer in time") if self._breaker.is_open else (True, "")

    def now(self) -> float:
        """The time that all of this is about."""
        return self._clock.now()

    # ---------------------------------------------------------------- how much

    async def count(self, takes: Sequence[Take]) -> Counted:
        """Count all of them, or none where one would go over its limit."""
        now = self._clock.now()
        answer = await self._ask(partial(rates.count, takes=takes, now=now)) if takes else Known(Counted(None, ()))
        return answer.value if isinstance(answer, Known) else self._local.count(takes, now=now)

    def tally(self, take: Take) -> None:
        """Count what has no limit: together with others, and without anybody waiting."""
        self._keeper.tally(take)

    async def peek(self, takes: Sequence[Take]) -> Counted:
        """What `count` would answer; nothing is counted."""
        now = self._clock.now()
        answer = await self._ask(partial(rates.peek, takes=takes, now=now)) if takes else Known(Counted(None, ()))
        return answer.value if isinstance(answer, Known) else self._local.peek(takes, now=now)

    async def connections_elsewhere(self, network: str, *, here: int) -> int:
        """How many connections of that client the other processes have, who learn that this one has `here`."""
        self._keeper.present(network, here)
        work = partial(presence.elsewhere, process=self._process, network=network, now=self._clock.now())
        answer = await self._ask(work)
        return answer.value if isinstance(answer, Known) else 0

    async def has_room(self, network: str, *, here: int, limit: int) -> bool:
        """Whether the client's connections, `here` and in the other processes together, are within the limit. Where
        each process has no more than its part of it nobody needs to be asked."""
        if here > limit:
            return False
        if here * self._processes <= limit:
            self._keeper.present(network, here)
            return True
        return here + await self.connections_elsewhere(network, here=here) <= limit

    def connections_changed(self, network: str, *, here: int) -> None:
        """Tell the others, without waiting for anything."""
        self._keeper.present(network, here)

    # ---------------------------------------------------------------- who is shut out

    def ban_of(self, ip: str) -> Ban | None:
        """The ban that holds for the address, as known a second ago."""
        return self._keeper.snapshot.ban_of(ip, now=self._clock.now())

    async def ban(self, network: str, *, seconds: float, reason: str, by: str) -> Ban:
        """Shut a network or address out. Raises ValueError for what is none, `CountersUnavailable`."""
        now = self._clock.now()
        ban = Ban(bans.canonical(network), reason, by, now, now + seconds)
        await self._insist(partial(bans.add, ban=ban))
        return ban

    async def unban(self, network: str) -> bool:
        """Let it in again; False if it was not shut out. Raises ValueError, `CountersUnavailable`."""
        return await self._insist(partial(bans.remove, network=bans.canonical(network)))

    async def bans(self) -> list[Ban]:
        """All that hold, the newest first. Raises `CountersUnavailable`."""
        return await self._insist(partial(bans.every, now=self._clock.now()))

    # ---------------------------------------------------------------- who has to come back

    async def meet(self, visits: Sequence[Visit], timing: Greylisting) -> Outcome[tuple[Passage, ...]]:
        """What the greylist says to each. Those who do not pass are on the list when this returns."""
        now = self._clock.now()

        def work(connection: sqlite3.Connection) -> tuple[Passage, ...]:
            return tuple(greylist.meet(connection, visit, timing, now=now) for visit in visits)

        return await self._ask(work)

    async def waiting(self, *, limit: int = MAX_LISTED) -> list[Waiting]:
        """Who was asked to come back and has not passed yet, the newest first. Raises `CountersUnavailable`."""
        return await self._insist(partial(greylist.waiting, limit=limit))

    async def release(self, numbers: Sequence[int]) -> int:
        """Let these pass at their next try. Answers how many were still waiting. Raises `CountersUnavailable`."""
        return await self._insist(partial(greylist.release, numbers=list(numbers)))

    # ---------------------------------------------------------------- what is remembered

    async def remember(self, topic: str, values: Mapping[str, str], *, seconds: float) -> frozenset[str]:
        """Write these down for so long, over what stood there. The keys that nothing was known of."""
        now = self._clock.now()
        fresh = self._local.remember(topic, values, now=now, until=now + seconds)
        answer = await self._ask(partial(notes.remember, topic=topic, notes=values, now=now, until=now + seconds))
        return answer.value if isinstance(answer, Known) else fresh

    async def recall(self, topic: str, keys: Collection[str]) -> dict[str, Note]:
        """What is known of these keys."""
        now = self._clock.now()
        answer = await self._ask(partial(notes.recall, topic=topic, keys=keys, now=now))
        return answer.value if isinstance(answer, Known) else self._local.recall(topic, keys, now=now)

    async def notes(self, topic: str, *, limit: int = MAX_LISTED) -> list[Note]:
        """What is known of a topic, the newest first; nothing where the file cannot be asked."""
        answer = await self._ask(partial(notes.about, topic=topic, now=self._clock.now(), limit=limit))
        return answer.value if isinstance(answer, Known) else []

    # ---------------------------------------------------------------- who was met when

    async def first_met(self, met: Sequence[Met]) -> Outcome[Memory]:
        """When these were first met, as far as they ever were."""
        return await self._ask(partial(acquaintance.recall, met=met, now=self._clock.now()))

    async def meet_again(self, met: Collection[Met]) -> None:
        """They were met now. What cannot be written down is met for the first time later."""
        await self._ask(partial(acquaintance.note, met=met, now=self._clock.now()))

    # ---------------------------------------------------------------- asking

    async def _ask(self, work: Callable[[sqlite3.Connection], T]) -> Outcome[T]:
        if not self._breaker.allows(self._clock.monotonic()):
            COUNTERS_UNAVAILABLE.inc()
            return Unknown("the counters are at rest after failures")
        try:
            async with asyncio.timeout(PATIENCE):
                value = await self._keeper.ask(work)
        except (CountersUnavailable, TimeoutError) as error:
            self._breaker.failed(self._clock.monotonic())
            COUNTERS_UNAVAILABLE.inc()
            return Unknown(f"the counters did not answer: {str(error) or 'too slow'}")
        self._breaker.succeeded()
        return Known(value)

    async def _insist(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            async with asyncio.timeout(PATIENCE_OF_PEOPLE):
                return await self._keeper.ask(work)
        except TimeoutError:
            raise CountersUnavailable("the counters do not answer") from None
