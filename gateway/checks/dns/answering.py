"""Running synchronous code over DNS answers: the function is run; where it asks for what is not there yet, that is
fetched and the function is run again, until it needs nothing more.

So an evaluator stays a pure function of its table, never blocks the loop, and can be run again from the record. Knows
no library and no network: those who answer derive from `Answering`.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from gateway.checks.dns.answers import NO_SUCH_NAME, TIMED_OUT, Answer, Question, question
from gateway.facts.evidence import DnsRecorded
from gateway.facts.outcome import Unknown

T = TypeVar("T")

MAX_RECORDED: Final = 64 * 1024
"""Characters of DNS records that are kept with the evidence of one message."""


class NeedAnswer(Exception):
    """The function cannot go on without the answers that its table now names as missing."""


class Lookup:
    """The table that a function under `solve` asks. Calling it gives an `Answer` or raises `NeedAnswer`.

    A name that the DNS cannot hold is answered as one that does not exist.
    """

    def __init__(self, cached: Callable[[Question], Answer | None]) -> None:
        self._cached = cached
        self._table: dict[Question, Answer] = {}
        self._closed = False
        self._hints: dict[Question, None] = {}
        self.missing: dict[Question, None] = {}

    def __call__(self, name: str, type: str) -> Answer:
        asked = question(name, type)
        if asked is None:
            return NO_SUCH_NAME
        answer = self._find(asked)
        if answer is None:
            self.missing[asked] = None
            raise NeedAnswer(str(asked))
        return answer

    def all(self, questions: Iterable[tuple[str, str]]) -> list[Answer]:
        """Several answers at once; what is missing is fetched together."""
        found: list[Answer] = []
        for name, type in questions:
            try:
                found.append(self(name, type))
            except NeedAnswer:
                continue
        if self.missing:
            raise NeedAnswer(", ".join(map(str, self.missing)))
        return found

    def expect(self, name: str, type: str) -> None:
        """Say that a question is likely to come: it is fetched together with the next one that is needed."""
        asked = question(name, type)
        if asked is not None and self._find(asked) is None:
            self._hints[asked] = None

    @property
    def recorded(self) -> tuple[DnsRecorded, ...]:
        """All answers in the table, in the order in which they came."""
        return tuple(answer.recorded(asked) for asked, answer in self._table.items())

    @property
    def failures(self) -> tuple[Question, ...]:
        """The questions that nobody could answer."""
        return tuple(asked for asked, answer in self._table.items() if answer.failed)

    def wanted(self, *, at_most: int) -> Sequence[Question]:
        """What to fetch before the next run: all that is missing, then what is expected. Empties both lists."""
        both = [*self.missing, *(each for each in self._hints if each not in self.missing)]
        needed = len(self.missing)
        self.missing = {}
        self._hints = {}
        return both[: max(needed, at_most)]

    def put(self, asked: Question, answer: Answer) -> None:
        """Add one answer."""
        self._table[asked] = answer

    def close(self) -> None:
        """From now on what is missing is answered as timed out: there is no more time to ask."""
        self._closed = True

    def _find(self, asked: Question) -> Answer | None:
        answer = self._table.get(asked)
        if answer is None:
            answer = self._cached(asked)
            if answer is None and self._closed:
                answer = TIMED_OUT
            if answer is not None:
                self._table[asked] = answer
        return answer


@dataclass(frozen=True, slots=True)
class Solution(Generic[T]):
    """What the function returned, and every DNS answer that it stood on."""

    value: T
    answers: tuple[DnsRecorded, ...] = ()


class Answering(ABC):
    """Whoever answers questions: nameservers, a zone in a file, the record of an old message."""

    @abstractmethod
    async def query(self, name: str, type: str) -> Answer:
        """The answer to one question. Never raises but for cancellation."""

    def cached(self, asked: Question) -> Answer | None:
        """The answer if it can be had without waiting."""
        return None

    @abstractmethod
    def deadline(self) -> float:
        """When a check that starts now must end, on the clock of the running event loop."""

    async def solve(self, function: Callable[[Lookup], T], *, deadline: float, budget: int) -> Solution[T] | Unknown:
        """Run the function until it needs no more answers, asking at most `budget` questions over the network.

        At the deadline what is missing is answered as timed out, so the function ends by itself with what its standard
        says about that. More questions than the budget give `Unknown`. What the function raises passes through.
        """
        lookup = Lookup(self.cached)
        left = budget
        while True:
            try:
                value = function(lookup)
            except NeedAnswer:
                pass
            else:
                # A library may have swallowed NeedAnswer: only a run that missed nothing counts.
                if not lookup.missing:
                    return Solution(value, lookup.recorded)
            if left < len(lookup.missing):
                return Unknown(f"more than {budget} DNS questions")
            wanted = lookup.wanted(at_most=left)
            left -= len(wanted)
            await self._fetch(wanted, lookup, deadline)

    async def _fetch(self, wanted: Sequence[Question], lookup: Lookup, deadline: float) -> None:
        async def one(asked: Question) -> None:
            lookup.put(asked, await self.query(asked.name, asked.type))

        try:
            async with asyncio.timeout_at(None if math.isinf(deadline) else deadline):
                if len(wanted) == 1:
                    await one(wanted[0])
                else:
                    async with asyncio.TaskGroup() as group:
                        for asked in wanted:
                            group.create_task(one(asked))
        except TimeoutError:
            lookup.close()


class Recorder(Answering):
    """Passes questions on and keeps every answer that went by: the DNS part of a message's evidence."""

    def __init__(self, inner: Answering) -> None:
        self._inner = inner
        self._seen: dict[Question, Answer] = {}

    async def query(self, name: str, type: str) -> Answer:
        answer = await self._inner.query(name, type)
        asked = question(name, type)
        if asked is not None:
            self._seen[asked] = answer
        return answer

    def cached(self, asked: Question) -> Answer | None:
        answer = self._inner.cached(asked)
        if answer is not None:
            self._seen[asked] = answer
        return answer

    def deadline(self) -> float:
        return self._inner.deadline()

    @property
    def recorded(self) -> tuple[DnsRecorded, ...]:
        """All answers so far, in the order in which they were first needed.

        Beyond `MAX_RECORDED` characters only the status of an answer is kept: senders choose how long answers are.
        """
        left = MAX_RECORDED
        kept: list[DnsRecorded] = []
        for asked, answer in self._seen.items():
            left -= sum(map(len, answer.records))
            kept.append(answer.recorded(asked) if left >= 0 else replace(answer, records=()).recorded(asked))
        return tuple(kept)
