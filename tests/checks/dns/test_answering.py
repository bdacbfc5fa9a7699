from __future__ import annotations

import asyncio
import math

import pytest

from gateway.checks.dns.answering import Answering, Lookup, NeedAnswer, Recorder, Solution
from gateway.checks.dns.answers import NO_SUCH_NAME, Answer, Question, Status
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.evidence import DnsRecorded
from gateway.facts.outcome import Unknown

ADDRESS = Answer(Status.OK, ("192.0.2.1",), 60)


class Scripted(Answering):
    """Answers every question with one address, and counts the rounds."""

    def __init__(self, delay: float = 0.0) -> None:
        self.asked: list[str] = []
        self._delay = delay

    async def query(self, name: str, type: str) -> Answer:
        self.asked.append(f"{name} {type}")
        await asyncio.sleep(self._delay)
        return ADDRESS

    def deadline(self) -> float:
        return math.inf


async def test_runs_again_until_nothing_is_missing() -> None:
    runs: list[int] = []

    def function(lookup: Lookup) -> tuple[str, ...]:
        runs.append(1)
        return lookup("a.example", "A").records + lookup("b.example", "MX").records

    answering = Scripted()
    solution = await answering.solve(function, deadline=math.inf, budget=10)
    assert solution == Solution(
        ("192.0.2.1", "192.0.2.1"),
        (
            DnsRecorded("a.example", "A", "ok", ("192.0.2.1",)),
            DnsRecorded("b.example", "MX", "ok", ("192.0.2.1",)),
        ),
    )
    assert len(runs) == 3
    assert answering.asked == ["a.example A", "b.example MX"]


async def test_several_and_expected_questions_are_fetched_together() -> None:
    runs: list[int] = []

    def function(lookup: Lookup) -> int:
        runs.append(1)
        lookup.expect("later.example", "A")
        lookup.all([("a.example", "A"), ("b.example", "A")])
        lookup("later.example", "A")
        return len(runs)

    solution = await Scripted().solve(function, deadline=math.inf, budget=3)
    assert isinstance(solution, Solution)
    assert solution.value == 2


async def test_expected_questions_give_way_to_the_budget() -> None:
    def function(lookup: Lookup) -> Answer:
        for n in range(50):
            lookup.expect(f"n{n}.example", "A")
        return lookup("needed.example", "A")

    answering = Scripted()
    assert isinstance(await answering.solve(function, deadline=math.inf, budget=2), Solution)
    assert answering.asked[0] == "needed.example A"
    assert len(answering.asked) == 2


async def test_the_budget_ends_it() -> None:
    def endless(lookup: Lookup) -> None:
        for n in range(1000):
            lookup(f"n{n}.example", "A")

    answering = Scripted()
    assert await answering.solve(endless, deadline=math.inf, budget=7) == Unknown("more than 7 DNS questions")
    assert len(answering.asked) == 7


async def test_a_swallowed_need_is_seen_all_the_same() -> None:
    def careless(lookup: Lookup) -> str:
        try:
            return lookup("a.example", "A").records[0]
        except Exception:
            return "guessed"

    solution = await Scripted().solve(careless, deadline=math.inf, budget=5)
    assert isinstance(solution, Solution)
    assert solution.value == "192.0.2.1"


async def test_at_the_deadline_what_is_missing_has_timed_out() -> None:
    def function(lookup: Lookup) -> list[Status]:
        return [lookup("a.example", "A").status, lookup("b.example", "A").status]

    deadline = asyncio.get_running_loop().time() + 0.05
    solution = await Scripted(delay=30).solve(function, deadline=deadline, budget=5)
    assert isinstance(solution, Solution)
    assert solution.value == [Status.TIMEOUT, Status.TIMEOUT]


async def test_what_the_function_raises_passes_through() -> None:
    def broken(lookup: Lookup) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Scripted().solve(broken, deadline=math.inf, budget=5)


def test_a_name_that_cannot_be_is_answered_without_asking() -> None:
    assert Lookup(lambda asked: None)("a..b", "A") is NO_SUCH_NAME


def test_what_is_missing_is_named() -> None:
    lookup = Lookup(lambda asked: None)
    with pytest.raises(NeedAnswer, match=r"a\.example A, b\.example MX"):
        lookup.all([("a.example", "A"), ("b.example", "mx")])
    assert list(lookup.missing) == [Question("a.example", "A"), Question("b.example", "MX")]


async def test_a_recorder_keeps_every_answer_once() -> None:
    recorder = Recorder(ZoneResolver({"a.example": [{"A": "192.0.2.1"}], "b.example": ["SERVFAIL"]}))
    await recorder.query("a.example", "A")
    await recorder.solve(
        lambda lookup: lookup.all([("A.example.", "a"), ("b.example", "A")]), deadline=math.inf, budget=5
    )
    assert recorder.recorded == (
        DnsRecorded("a.example", "A", "ok", ("192.0.2.1",)),
        DnsRecorded("b.example", "A", "servfail"),
    )


async def test_a_recorder_does_not_grow_with_what_senders_publish() -> None:
    recorder = Recorder(ZoneResolver({f"n{n}.example": [{"TXT": "x" * 10_000}] for n in range(20)}))
    for n in range(20):
        await recorder.query(f"n{n}.example", "TXT")
    assert [bool(each.records) for each in recorder.recorded] == [True] * 6 + [False] * 14
    assert {each.status for each in recorder.recorded} == {"ok"}
