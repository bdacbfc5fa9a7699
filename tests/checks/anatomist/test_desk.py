"""Jobs and workers meet first come, first served, and nobody is forgotten."""

from __future__ import annotations

from gateway.checks.anatomist.desk import Desk, Job
from gateway.checks.anatomist.wire import Examination, Kind
from gateway.facts.outcome import Unknown


def job(octets: bytes = b"") -> Job:
    return Job(Kind.EXAMINE, octets, Examination)


async def test_jobs_wait_in_order() -> None:
    desk = Desk()
    jobs = [job(bytes([number])) for number in range(3)]
    for each in jobs:
        desk.hand_in(each)
    assert [await desk.next_job() for _ in jobs] == jobs


async def test_the_worker_that_waits_longest_is_next() -> None:
    desk = Desk()
    first, second = desk.next_job(), desk.next_job()
    one, other = job(), job()
    desk.hand_in(one)
    desk.hand_in(other)
    assert (await first, await second) == (one, other)


async def test_a_job_that_was_given_up_is_passed_over() -> None:
    desk = Desk()
    gone, waiting = job(), job()
    desk.hand_in(gone)
    desk.hand_in(waiting)
    gone.started.cancel()
    assert await desk.next_job() is waiting


async def test_a_worker_that_left_is_passed_over() -> None:
    desk = Desk()
    left, other, idle = desk.next_job(), desk.next_job(), desk.next_job()
    left.set_result(None)
    other.cancel()
    given = job()
    desk.hand_in(given)
    assert await idle is given


async def test_a_job_that_was_handed_back_is_the_next() -> None:
    desk = Desk()
    first, second = job(), job()
    desk.hand_in(first)
    desk.hand_in(second)
    desk.hand_back(await desk.next_job() or first)
    assert await desk.next_job() is first


async def test_closing_answers_who_waits() -> None:
    desk = Desk()
    waiting, gone = job(), job()
    desk.hand_in(waiting)
    desk.hand_in(gone)
    gone.started.cancel()
    desk.close("closing")
    assert waiting.started.done()
    assert (await waiting.answer).outcome == Unknown("closing")
    assert not gone.answer.done()
