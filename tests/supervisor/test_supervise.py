from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from gateway.supervisor.program import Phase, Program
from gateway.supervisor.supervise import Supervisor

CODE = """
import os, pathlib, signal, socket, sys, time
name, book = sys.argv[1], pathlib.Path(sys.argv[2])
def note(word):
    with book.open("a") as out:
        out.write(f"{word} {name}\\n")
def leave(*_):
    time.sleep(0.1)
    note("ended")
    sys.exit()
signal.signal(signal.SIGTERM, leave)
signal.signal(signal.SIGHUP, lambda *_: note("reloaded"))
note("ready")
lifeline = socket.socket(fileno=int(os.environ["POSTERN_LIFELINE"]))
lifeline.send(b"ready\\n")
while True:
    time.sleep(0.05)
"""


def program(name: str, phase: Phase, book: Path, *, reloads: bool) -> Program:
    return Program(name, (sys.executable, "-S", "-c", CODE, name, str(book)), phase, reloads=reloads)


async def test_from_ready_over_reload_to_the_end_in_order(tmp_path: Path) -> None:
    book = tmp_path / "book"
    ready = asyncio.Event()
    supervisor = Supervisor(
        [
            program("store", Phase.GROUND, book, reloads=False),
            program("courier", Phase.CARRIERS, book, reloads=True),
            program("edge", Phase.DOORS, book, reloads=True),
        ],
        on_ready=ready.set,
    )
    running = asyncio.ensure_future(supervisor.run())
    async with asyncio.timeout(180):
        await ready.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        while book.read_text().count("reloaded") < 2:
            await asyncio.sleep(0.02)
        os.kill(os.getpid(), signal.SIGTERM)
        await running
    lines = book.read_text().splitlines()
    assert sorted(lines[:3]) == ["ready courier", "ready edge", "ready store"]
    assert sorted(lines[3:5]) == ["reloaded courier", "reloaded edge"]
    assert lines[5:] == ["ended edge", "ended courier", "ended store"]


async def test_ready_is_only_said_when_all_that_is_required_is(tmp_path: Path) -> None:
    said = asyncio.Event()

    async def never() -> bool:
        return False

    slow = Program("slow", ("sleep", "100"), Phase.GROUND, lifeline=False, probe=never, required=False)
    stuck = Program("stuck", ("sleep", "100"), Phase.GROUND, lifeline=False, probe=never)
    for programs, expected in (([slow], True), ([slow, stuck], False)):
        said.clear()
        supervisor = Supervisor(programs, on_ready=said.set)
        running = asyncio.ensure_future(supervisor.run())
        await asyncio.sleep(0.3)
        assert said.is_set() is expected
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(180):
            await running
