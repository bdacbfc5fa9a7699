"""gateway/counters/acquaintance.py over a real file: who was first met when, bounds, an end, a restart, processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.counters import acquaintance
from gateway.counters.acquaintance import FORGOTTEN
from gateway.counters.counters import Counters
from gateway.counters.file import SCHEMA
from gateway.counters.looking import OnlyLooking
from gateway.counters.records import Memory, Met
from gateway.facts.outcome import Known, Unknown
from tests.counters.conftest import NOON

ROOT = Path(__file__).resolve().parents[2]
DAY = 86400.0
ONE, TWO = Met("domain", "one.example"), Met("domain", "two.example")


async def remembered(counters: Counters, *met: Met) -> Memory:
    outcome = await counters.first_met(met)
    assert isinstance(outcome, Known)
    return outcome.value


async def test_the_first_time_stays_however_often_they_come(counters: Counters, clock: FixedClock) -> None:
    assert (await remembered(counters, ONE)).first == {}
    await counters.meet_again([ONE])
    clock.advance(DAY)
    await counters.meet_again([ONE, TWO])
    assert await remembered(counters, ONE, TWO) == Memory(NOON, {ONE: NOON, TWO: NOON + DAY})


async def test_kinds_are_apart(counters: Counters) -> None:
    await counters.meet_again([ONE])
    assert (await remembered(counters, Met("pair", ONE.key))).first == {}


async def test_who_stays_away_for_half_a_year_is_new_again(counters: Counters, clock: FixedClock) -> None:
    await counters.meet_again([ONE])
    clock.advance(FORGOTTEN - 1.0)
    assert (await remembered(counters, ONE)).first == {ONE: NOON}
    clock.advance(1.0)
    assert (await remembered(counters, ONE)).first == {}
    await counters.meet_again([ONE])
    assert (await remembered(counters, ONE)).first == {ONE: NOON + FORGOTTEN}


async def test_what_was_met_and_since_when_notes_are_kept_outlives_the_process(
    tmp_path: Path, clock: FixedClock
) -> None:
    first = Counters.open(tmp_path, clock=clock)
    await first.meet_again([ONE])
    begun = (await remembered(first, ONE)).begun
    await first.close()
    clock.advance(40 * DAY)
    second = Counters.open(tmp_path, clock=clock)
    try:
        assert await remembered(second, ONE) == Memory(begun, {ONE: NOON})
    finally:
        await second.close()


MEET = """
import asyncio, sys
from pathlib import Path
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.counters.records import Met

async def main():
    counters = Counters.open(Path(sys.argv[1]), clock=FixedClock(float(sys.argv[2])))
    for number in range(50):
        await counters.meet_again([Met("domain", f"{number}.example")])
    await counters.close()

asyncio.run(main())
"""


async def test_of_several_processes_the_earliest_word_holds(tmp_path: Path, clock: FixedClock) -> None:
    argv = [sys.executable, "-c", MEET, str(tmp_path)]
    pair = [subprocess.Popen([*argv, str(NOON + ahead)], cwd=ROOT) for ahead in (50.0, 90.0)]
    assert [each.wait(60) for each in pair] == [0, 0]
    clock.advance(100.0)
    counters = Counters.open(tmp_path, clock=clock)
    try:
        every = [Met("domain", f"{number}.example") for number in range(50)]
        assert (await remembered(counters, *every)).first == dict.fromkeys(every, NOON + 50.0)
    finally:
        await counters.close()


async def test_without_the_file_nothing_is_known(tmp_path: Path, clock: FixedClock) -> None:
    (tmp_path / "counters").write_text("a file, where the folder should be")
    counters = Counters.open(tmp_path / "counters", clock=clock)
    try:
        await counters.meet_again([ONE])
        assert isinstance(await counters.first_met([ONE]), Unknown)
    finally:
        await counters.close()


async def test_who_only_looks_makes_nobody_known(tmp_path: Path, clock: FixedClock) -> None:
    looking = OnlyLooking.open(tmp_path, clock=clock)
    try:
        await looking.meet_again([ONE])
        assert (await remembered(looking, ONE)).first == {}
    finally:
        await looking.close()


def table() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    return connection


def test_a_flood_of_names_displaces_nobody_who_is_known_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquaintance, "MAX_MET", 10)
    connection = table()
    begun = acquaintance.recall(connection, [], now=NOON).begun
    acquaintance.note(connection, [ONE], now=NOON)
    acquaintance.note(connection, [ONE], now=NOON + 40 * DAY)
    flood = [Met("domain", f"{number}.flood.example") for number in range(100)]
    for place, each in enumerate(flood):
        acquaintance.note(connection, [each], now=NOON + 50 * DAY + place)
    acquaintance.sweep(connection, now=NOON + 51 * DAY)
    memory = acquaintance.recall(connection, [ONE, *flood], now=NOON + 51 * DAY)
    assert (memory.begun, memory.first[ONE]) == (begun, NOON)
    assert set(memory.first) == {ONE, *flood[-7:]}
    connection.close()


def test_the_sweep_forgets_what_has_ended_and_never_the_beginning() -> None:
    connection = table()
    acquaintance.recall(connection, [], now=NOON)
    acquaintance.note(connection, [ONE], now=NOON)
    acquaintance.sweep(connection, now=NOON + 2 * FORGOTTEN)
    assert connection.execute("select kind, first from met").fetchall() == [("beginning", NOON)]
    connection.close()


def test_a_beginning_in_the_future_is_set_right() -> None:
    """The clock stood a year ahead at the first start."""
    connection = table()
    acquaintance.sweep(connection, now=NOON + 365 * DAY)
    acquaintance.sweep(connection, now=NOON)
    assert acquaintance.recall(connection, [], now=NOON + DAY).begun == NOON
    connection.close()
