"""Whatever a worker does, the caller gets an outcome in time and the next message is examined."""

from __future__ import annotations

import asyncio
import mmap
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from gateway.checks.anatomist import pool as pool_module
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.facts.content import ContentFact
from gateway.facts.outcome import Known, Unknown
from tests.freezing import freeze

from .conftest import HOSTILE, MEMORY, order


async def said(pool: AnatomistPool, words: str, body: bytes = b"") -> str:
    """What hostile work answered."""
    outcome = (await pool.examine(order(words, body))).content
    assert isinstance(outcome, Known), outcome
    return outcome.value.excerpt


async def why(pool: AnatomistPool, words: str) -> str:
    """Why hostile work gave no answer."""
    examination = await pool.examine(order(words))
    assert isinstance(examination.content, Unknown), examination
    assert examination.spam == examination.content
    return examination.content.why


async def end_of(pid: int) -> None:
    """Wait until that process has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    async with asyncio.timeout(180):
        await ended.wait()
    loop.remove_reader(handle)
    os.close(handle)


async def test_an_honest_answer_arrives(pool: AnatomistPool) -> None:
    examination = await pool.examine(order("fine"))
    assert examination.content == Known(ContentFact(excerpt="ok"))
    assert examination.spam == Unknown("no model")
    assert pool.problem == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("crash", "anatomist worker died"),
        ("fault", "anatomist worker died"),
        ("allocate", "anatomy failed: MemoryError"),
        ("fork", "anatomy failed: PermissionError"),
        ("raise", "anatomy failed: LookupError"),
        ("garbage", "anatomist answered nonsense: no Reply (JSONDecodeError)"),
        ("twice", "anatomist answered nonsense: no Reply (JSONDecodeError)"),
        ("giant", "anatomist answered nonsense: a reply beyond the bound"),
        ("deep", "anatomist answered nonsense: no Reply (RecursionError)"),
        ("lie", "anatomist answered nonsense: no Examination (ValueError)"),
        ("nan", "anatomist answered nonsense: no Reply (ValueError)"),
    ],
)
async def test_a_worker_that_misbehaves_is_replaced(pool: AnatomistPool, words: str, expected: str) -> None:
    before = await said(pool, "pid")
    assert await why(pool, words) == expected
    assert await said(pool, "pid") != before


@pytest.mark.parametrize("words", ["loop", "sleep 60", "drip"])
async def test_a_job_that_does_not_end_is_killed_at_the_deadline(hasty_pool: AnatomistPool, words: str) -> None:
    before = await said(hasty_pool, "pid")
    assert await why(hasty_pool, words) == "anatomist took longer than 1 s"
    assert await said(hasty_pool, "pid") != before


async def test_a_stopped_worker_is_killed_at_the_deadline(hasty_pool: AnatomistPool) -> None:
    before = int(await said(hasty_pool, "pid"))
    freeze(before)
    assert await why(hasty_pool, "fine") == "anatomist took longer than 1 s"
    assert await said(hasty_pool, "pid") != str(before)


async def test_a_worker_that_died_while_idle_costs_no_message(pool: AnatomistPool) -> None:
    before = int(await said(pool, "pid"))
    os.kill(before, signal.SIGKILL)
    await end_of(before)
    assert await said(pool, "pid") != str(before)


async def test_a_second_answer_never_reaches_the_next_message(pool: AnatomistPool) -> None:
    for _ in range(20):
        assert (await pool.examine(order("extra"))).spam == Unknown("forged")  # its own message it may lie about
        outcome = (await pool.examine(order("pid"))).content
        # Whether the extra answer was there before the next message was sent, or came after, is the kernel's choice.
        assert outcome == Unknown("anatomist answered nonsense: a reply to another message") or (
            isinstance(outcome, Known) and outcome.value.excerpt.isdigit()
        )


async def test_a_worker_that_has_grown_is_replaced_after_its_answer(pool: AnatomistPool) -> None:
    before = await said(pool, "pid")
    assert await said(pool, "grow") == "ok"
    assert await said(pool, "pid") != before


async def test_a_worker_is_replaced_when_it_has_done_its_share(
    pool: AnatomistPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "JOBS_OF_A_WORKER", 3)
    await why(pool, "crash")  # the next worker has the smaller share
    pids = [await said(pool, "pid") for _ in range(6)]
    assert pids[0] == pids[1] == pids[2] != pids[3] == pids[4] == pids[5]


async def test_text_that_is_no_unicode_does_not_leave_the_worker(pool: AnatomistPool) -> None:
    assert await said(pool, "surrogate") == "?"


async def test_a_reason_of_the_workers_own_is_short_and_printable(pool: AnatomistPool) -> None:
    spam = (await pool.examine(order("babble"))).spam
    assert isinstance(spam, Unknown)
    assert spam.why.startswith("aX-Evil: y[2Jz")
    assert len(spam.why) <= 300


async def test_a_worker_has_one_socket_and_no_secret_of_the_environment(
    pool: AnatomistPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await said(pool, "descriptors") == "4"  # /dev/null three times, and its channel
    names = set((await said(pool, "environment")).split())
    assert names <= {
        *("LANG", "PATH", "PYTHONPATH", "LD_LIBRARY_PATH"),
        *("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    }


@pytest.mark.parametrize("size", [0, 1, 256 * 1024 - 30, 256 * 1024 + 1, 5_000_000])
async def test_octets_of_every_size_arrive_whole(pool: AnatomistPool, size: int, tmp_path: Path) -> None:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    message = order("mapped", body)
    (tmp_path / "octets").write_bytes(message.octets)
    way = "mmap" if message.size > 256 * 1024 else "bytes"
    expected = f"{way} {message.size} {sum(message.octets) % 65536}"
    assert await said(pool, "mapped", body) == expected
    with open(tmp_path / "octets", "rb") as file:
        octets = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    outcome = (await pool.examine(type(message).from_wire(octets))).content
    assert outcome == Known(ContentFact(excerpt=expected))
    octets.close()


async def test_jobs_are_done_first_come_first_served_and_all_of_them() -> None:
    started = await AnatomistPool.start(workers=2, timeout=10.0, memory=MEMORY, model=None, work=HOSTILE)
    async with started as pool:
        answers = await asyncio.gather(*(said(pool, "pid") for _ in range(300)))
    assert len(answers) == 300
    assert len(set(answers)) == 2


async def test_who_waits_too_long_for_a_worker_is_told(hasty_pool: AnatomistPool) -> None:
    busy = [asyncio.ensure_future(hasty_pool.examine(order("sleep 60"))) for _ in range(2)]
    await asyncio.sleep(0)
    assert await why(hasty_pool, "fine") == "no anatomist was free within 1 s"
    await asyncio.gather(*busy)
    assert await said(hasty_pool, "fine") == "ok"


async def test_a_cancelled_caller_leaves_the_pool_whole(pool: AnatomistPool) -> None:
    callers = [asyncio.ensure_future(pool.examine(order("sleep 0.05"))) for _ in range(5)]
    await asyncio.sleep(0.02)
    for each in callers:
        each.cancel()
    assert all(
        isinstance(each, asyncio.CancelledError) for each in await asyncio.gather(*callers, return_exceptions=True)
    )
    assert await said(pool, "fine") == "ok"


async def test_a_dead_zygote_is_started_again(pool: AnatomistPool) -> None:
    process = pool._nursery._process
    assert process is not None
    worker = int(await said(pool, "pid"))
    process.kill()
    await process.wait()
    # Its workers die with it; the message that finds out may be the one that is lost.
    await pool.examine(order("fine"))
    outcome = await until_known(pool, "pid")
    assert outcome != str(worker)


async def until_known(pool: AnatomistPool, words: str) -> str:
    for _ in range(40):
        outcome = (await pool.examine(order(words))).content
        if isinstance(outcome, Known):
            return outcome.value.excerpt
    raise AssertionError(outcome)


async def test_a_worker_dies_with_its_zygote(pool: AnatomistPool) -> None:
    worker = int(await said(pool, "pid"))
    await pool._nursery.close()
    await end_of(worker)


async def test_work_that_cannot_be_prepared_is_a_problem_and_not_an_exception(
    capfd: pytest.CaptureFixture[str],
) -> None:
    started = await AnatomistPool.start(
        workers=1, timeout=30.0, memory=MEMORY, model=None, work="hostile_work:prepare_badly"
    )
    async with started as pool:
        assert pool.problem == "the zygote ended"
        examination = await pool.examine(order("fine"))
    assert examination.content == Unknown("no anatomist: the zygote ended")
    assert "this work cannot be prepared" in capfd.readouterr().err


async def test_a_jail_that_is_not_whole_does_no_work() -> None:
    started = await AnatomistPool.start(
        workers=1, timeout=30.0, memory=MEMORY, model=None, work="hostile_work:prepare_without_seccomp"
    )
    async with started as pool:
        assert pool.problem == "the jail is not whole: seccomp: ENOSYS"
        assert (await pool.examine(order("fine"))).content == Unknown(f"no anatomist: {pool.problem}")


async def test_a_refused_model_is_named(tmp_path: Path) -> None:
    started = await AnatomistPool.start(workers=1, timeout=30.0, memory=MEMORY, model=tmp_path, work=HOSTILE)
    async with started as pool:
        assert pool.model_problem == "model refused: no such thing here"


async def test_after_close_the_answer_is_unknown(pool: AnatomistPool) -> None:
    waiting = [asyncio.ensure_future(pool.examine(order("sleep 60"))) for _ in range(3)]
    await asyncio.sleep(0.05)
    await pool.close()
    outcomes = [each.content for each in await asyncio.gather(*waiting)]
    assert all(isinstance(each, Unknown) for each in outcomes)
    assert isinstance((await pool.examine(order("fine"))).content, Unknown)


def test_the_pool_works_on_uvloop_too() -> None:
    import uvloop

    async def run() -> tuple[str, str, Any]:
        started = await AnatomistPool.start(workers=1, timeout=30.0, memory=MEMORY, model=None, work=HOSTILE)
        async with started as pool:
            before = await said(pool, "pid")
            lost = await pool.examine(order("crash"))
            large = await said(pool, "mapped", b"x" * 400_000)
            return before, large, lost.content

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        before, large, lost = runner.run(run())
    assert before.isdigit()
    assert large.startswith("mmap ")
    assert lost == Unknown("anatomist worker died")
