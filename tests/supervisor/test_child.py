from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.supervisor.child import Child
from gateway.supervisor.program import Phase, Program

SAYS_READY = (
    "import os, socket, time\n"
    "lifeline = socket.socket(fileno=int(os.environ['POSTERN_LIFELINE']))\n"
    "lifeline.send(b'ready\\n')\n"
)
BEATS = SAYS_READY + "while True:\n    lifeline.send(b'beat\\n')\n    time.sleep(0.05)\n"
FREEZES = SAYS_READY + "time.sleep(1000)\n"


def role(code: str, **how: object) -> Program:
    return Program("role", (sys.executable, "-S", "-c", code), Phase.DOORS, **how)  # type: ignore[arg-type]


def foreign(*argv: str, **how: object) -> Program:
    return Program("foreign", argv, Phase.GROUND, lifeline=False, **how)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def kept_alive(child: Child) -> AsyncIterator[Child]:
    alive = asyncio.ensure_future(child.keep_alive())
    try:
        yield child
    finally:
        await child.stop(patience=5)
        await alive


async def until(what: object) -> None:
    async with asyncio.timeout(180):
        while not what():  # type: ignore[operator]
            await asyncio.sleep(0.02)


async def test_a_role_is_ready_when_it_says_so() -> None:
    async with kept_alive(Child(role(BEATS), silence=5)) as child:
        async with asyncio.timeout(180):
            await child.ready.wait()
        assert child.restarts == 0


async def test_a_foreign_program_is_ready_when_its_probe_says_so() -> None:
    answers = iter([False, False, True])

    async def probe() -> bool:
        return next(answers)

    async with kept_alive(Child(foreign("sleep", "100", probe=probe))) as child:
        assert not child.ready.is_set()
        async with asyncio.timeout(180):
            await child.ready.wait()
        assert list(answers) == []


async def test_what_dies_is_started_again() -> None:
    async with kept_alive(Child(foreign("sleep", "100"))) as child:
        await until(lambda: child.pid)
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.pid not in (None, first))
        assert child.restarts == 1


async def test_what_cannot_be_started_is_tried_again() -> None:
    async with kept_alive(Child(foreign("/no/such/program"))) as child:
        await until(lambda: child.restarts >= 1)
        assert child.pid is None


async def test_a_role_that_stands_still_is_killed() -> None:
    async with kept_alive(Child(role(FREEZES), silence=0.2)) as child:
        await until(lambda: child.restarts >= 1)


async def test_a_role_that_beats_is_left_alone() -> None:
    async with kept_alive(Child(role(BEATS), silence=5)) as child:
        async with asyncio.timeout(180):
            await child.ready.wait()
        pid = child.pid
        await asyncio.sleep(0.3)
        assert (child.pid, child.restarts) == (pid, 0)


async def test_a_pause_does_not_hold_up_the_drain() -> None:
    child = Child(foreign("false"))
    alive = asyncio.ensure_future(child.keep_alive())
    await until(lambda: child.restarts >= 4)  # the next pause takes seconds
    async with asyncio.timeout(30):
        await child.stop(patience=60)
        await alive


async def test_what_is_being_started_while_the_drain_begins_is_stopped_too() -> None:
    child = Child(foreign("sleep", "100"))
    alive = asyncio.ensure_future(child.keep_alive())
    await asyncio.sleep(0)  # it has begun, and has no process yet
    assert child.pid is None
    async with asyncio.timeout(180):
        await child.stop(patience=10)
        await alive
    assert child.pid is None


async def test_what_does_not_end_by_itself_is_killed() -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + BEATS
    child = Child(role(code), silence=30)
    alive = asyncio.ensure_future(child.keep_alive())
    async with asyncio.timeout(180):
        await child.ready.wait()
        await child.stop(patience=0.2)
        await alive
    assert child.pid is None


async def test_a_reload_waits_until_the_role_can_hear_it(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    code = (
        "import os, pathlib, signal, socket, time\n"
        "time.sleep(0.2)\n"
        f"signal.signal(signal.SIGHUP, lambda *_: pathlib.Path({str(heard)!r}).touch())\n"
    ) + BEATS
    async with kept_alive(Child(role(code), silence=5)) as child:
        await until(lambda: child.pid)
        child.reload()
        await until(heard.exists)
        heard.unlink()
        child.reload()
        await until(heard.exists)
        assert child.restarts == 0


async def test_what_a_foreign_program_prints_goes_to_its_file(tmp_path: Path) -> None:
    output = tmp_path / "output.log"
    async with kept_alive(Child(foreign("sh", "-c", "echo out; echo err >&2; sleep 100", output=output))):
        await until(lambda: output.exists() and output.read_text() == "out\nerr\n")


NOTES = (
    "import os, pathlib, signal, socket, sys, time\n"
    "book = pathlib.Path(sys.argv[1])\n"
    "def note(word):\n"
    "    with book.open('a') as out: out.write(f'{word} {os.getpid()}\\n')\n"
    "def leave(*_):\n"
    "    time.sleep(0.2); note('ended'); sys.exit()\n"
    "signal.signal(signal.SIGTERM, leave)\n"
    "lifeline = socket.socket(fileno=int(os.environ['POSTERN_LIFELINE']))\n"
    "time.sleep(0.2); note('ready'); lifeline.send(b'ready\\n')\n"
    "while True: lifeline.send(b'beat\\n'); time.sleep(0.05)\n"
)


def noting(book: Path, phase: Phase) -> Program:
    return Program("role", (sys.executable, "-S", "-c", NOTES, str(book)), phase)


@pytest.mark.parametrize(
    ("phase", "story"),
    [
        (Phase.DOORS, ["ready old", "ready new", "ended old"]),
        (Phase.CARRIERS, ["ready old", "ended old", "ready new"]),
    ],
)
async def test_the_order_of_a_renewal(phase: Phase, story: list[str], tmp_path: Path) -> None:
    book = tmp_path / "book"
    async with kept_alive(Child(noting(book, phase), silence=5)) as child:
        await until(child.ready.is_set)
        old = child.pid
        async with asyncio.timeout(180):
            assert await child.renew(patience=10)
        assert child.ready.is_set()
        names = {str(old): "old", str(child.pid): "new"}
        told = [line.split() for line in book.read_text().splitlines()]
        assert [f"{word} {names[pid]}" for word, pid in told] == story
        assert child.restarts == 0


async def test_a_door_whose_successor_dies_stays(tmp_path: Path) -> None:
    once = tmp_path / "once"
    begins = f"import pathlib, sys\nonce = pathlib.Path({str(once)!r})\nonce.exists() and sys.exit(3)\nonce.touch()\n"
    async with kept_alive(Child(role(begins + BEATS), silence=5)) as child:
        await until(child.ready.is_set)
        old = child.pid
        async with asyncio.timeout(180):
            assert not await child.renew(patience=5)
        assert (child.pid, child.restarts) == (old, 0)


async def test_a_drain_ends_what_is_being_renewed(tmp_path: Path) -> None:
    book = tmp_path / "book"
    async with kept_alive(Child(noting(book, Phase.DOORS), silence=5)) as child:
        await until(child.ready.is_set)
        renewal = asyncio.ensure_future(child.renew(patience=10))
        await asyncio.sleep(0.05)
    async with asyncio.timeout(180):
        assert not await renewal
    assert child.pid is None
