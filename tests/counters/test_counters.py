"""gateway/counters/counters.py over a real file: counting, bans, greylist, notes, several processes, a restart."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import FixedClock, SystemClock
from gateway.counters import keeper
from gateway.counters.counters import Counters
from gateway.counters.looking import OnlyLooking
from gateway.counters.records import Take, Visit
from gateway.facts.outcome import Known
from gateway.policy.policy import Greylisting

ROOT = Path(__file__).resolve().parents[2]
TIMING = Greylisting(delay=180.0, window=3600.0, memory=86400.0)
VISIT = Visit(("192.0.2.0/24 a.example",), "ann@a.example", "bob@example.org", "192.0.2.7", "mx.a.example")


def five(key: str = "client 192.0.2.1") -> Take:
    return Take(key, 60.0, limit=5)


async def test_the_sixth_of_five_is_refused_and_not_counted(counters: Counters, clock: FixedClock) -> None:
    for _ in range(5):
        assert (await counters.count([five()])).exhausted is None
    refused = await counters.count([five()])
    assert (refused.exhausted, refused.levels) == (0, (5.0,))
    clock.advance(120.0)
    assert (await counters.count([five()])).exhausted is None


async def test_all_are_counted_or_none(counters: Counters) -> None:
    narrow = Take("network", 60.0, limit=1)
    assert (await counters.count([five(), narrow])).exhausted is None
    refused = await counters.count([five(), narrow])
    assert (refused.exhausted, refused.levels) == (1, (1.0, 1.0))


async def test_a_peek_says_the_same_and_counts_nothing(counters: Counters) -> None:
    one = Take("key", 60.0, limit=1)
    assert (await counters.peek([one])).exhausted is None
    assert (await counters.peek([one])).exhausted is None
    await counters.count([one])
    assert (await counters.peek([one])).exhausted == 0


async def test_what_is_counted_outlives_the_process(tmp_path: Path, clock: FixedClock) -> None:
    first = Counters.open(tmp_path, clock=clock)
    for _ in range(5):
        await first.count([five()])
    await first.close()
    second = Counters.open(tmp_path, clock=clock)
    try:
        assert (await second.count([five()])).exhausted == 0
    finally:
        await second.close()


COUNT = """
import asyncio, sys
from pathlib import Path
from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.counters.records import Take

async def main():
    counters = Counters.open(Path(sys.argv[1]), clock=SystemClock())
    taken = [await counters.count([Take("shared", 86400.0, limit=100)]) for _ in range(80)]
    ready, why = counters.readiness()
    assert ready, why
    await counters.close()
    print(sum(each.exhausted is None for each in taken))

asyncio.run(main())
"""


def test_processes_count_together(tmp_path: Path) -> None:
    """Two processes at a time and a third after them: together they get what one would have got."""
    argv = [sys.executable, "-c", COUNT, str(tmp_path)]
    pair = [subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    taken = [int(each.communicate(timeout=60)[0]) for each in pair]
    assert sum(taken) == 100
    late = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert int(late.stdout) == 0


async def test_connections_of_all_processes_are_known(tmp_path: Path, clock: FixedClock) -> None:
    one, two = (Counters.open(tmp_path, clock=clock, processes=2) for _ in range(2))
    try:
        assert await one.connections_elsewhere("192.0.2.1", here=3) == 0
        assert await two.connections_elsewhere("192.0.2.1", here=1) == 3
        assert await one.connections_elsewhere("192.0.2.1", here=4) == 1
        assert await one.connections_elsewhere("192.0.2.9", here=1) == 0
        assert await one.has_room("192.0.2.1", here=4, limit=5)
        assert not await one.has_room("192.0.2.1", here=5, limit=5)
        await two.close()
        assert await one.has_room("192.0.2.1", here=5, limit=5)
    finally:
        await one.close()


async def test_what_a_dead_process_said_ends(tmp_path: Path) -> None:
    """The living say so every second; `kill -9` leaves numbers behind."""
    early, late = FixedClock(1000.0), FixedClock(1060.0)
    dead, living = Counters.open(tmp_path, clock=early), Counters.open(tmp_path, clock=early)
    await dead.connections_elsewhere("192.0.2.1", here=9)
    assert await living.connections_elsewhere("192.0.2.1", here=1) == 9
    await living.close()
    after = Counters.open(tmp_path, clock=late)
    try:
        assert await after.connections_elsewhere("192.0.2.1", here=1) == 0
    finally:
        await after.close()
        await dead.close()


# ---------------------------------------------------------------- bans


async def until(counters: Counters, ip: str, *, banned: bool) -> bool:
    for _ in range(3600):
        if (counters.ban_of(ip) is not None) is banned:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_a_ban_is_known_to_all_processes_in_seconds_and_ends(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(keeper, "ROUND", 0.05)
    clock = FixedClock(1000.0)
    one, two = Counters.open(tmp_path, clock=clock), Counters.open(tmp_path, clock=clock)
    try:
        ban = await one.ban("192.0.2.77/24", seconds=60.0, reason="harvest", by="auto")
        assert ban.network == "192.0.2.0/24"
        assert await until(two, "192.0.2.1", banned=True)
        assert two.ban_of("192.0.3.1") is None
        assert two.ban_of("::1") is None
        assert [each.reason for each in await two.bans()] == ["harvest"]
        assert await two.unban("192.0.2.0/24")
        assert await until(one, "192.0.2.1", banned=False)
        assert not await two.unban("192.0.2.0/24")
        await one.ban("2001:db8::1", seconds=60.0, reason="x", by="auto")
        assert await until(two, "2001:db8::1", banned=True)
        clock.advance(61.0)
        assert two.ban_of("2001:db8::1") is None
        assert await two.bans() == []
    finally:
        await one.close()
        await two.close()


async def test_bans_outlive_a_restart_and_hold_from_the_first_moment(tmp_path: Path, clock: FixedClock) -> None:
    first = Counters.open(tmp_path, clock=clock)
    await first.ban("192.0.2.1", seconds=60.0, reason="x", by="ana")
    await first.close()
    second = Counters.open(tmp_path, clock=clock)
    ban = second.ban_of("192.0.2.1")
    await second.close()
    assert ban is not None
    assert (ban.network, ban.by) == ("192.0.2.1/32", "ana")


async def test_a_shorter_ban_does_not_shorten_one(counters: Counters, clock: FixedClock) -> None:
    await counters.ban("192.0.2.1", seconds=600.0, reason="long", by="ana")
    await counters.ban("192.0.2.1", seconds=60.0, reason="short", by="auto")
    (ban,) = await counters.bans()
    assert (ban.reason, ban.until) == ("long", clock.now() + 600.0)


async def test_what_is_no_network_is_refused(counters: Counters) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        await counters.ban("nonsense", seconds=1.0, reason="", by="")


# ---------------------------------------------------------------- greylist


async def meet(counters: Counters, visit: Visit = VISIT) -> tuple[bool, float | None]:
    outcome = await counters.meet([visit], TIMING)
    assert isinstance(outcome, Known)
    (passage,) = outcome.value
    return passage.passed, passage.waited


async def test_who_comes_back_passes_and_its_whole_pool_is_known(counters: Counters, clock: FixedClock) -> None:
    assert await meet(counters) == (False, None)
    clock.advance(60.0)
    assert await meet(counters) == (False, None)
    (waiting,) = await counters.waiting()
    assert (waiting.sender, waiting.tries, waiting.client_ip) == ("ann@a.example", 2, "192.0.2.7")
    clock.advance(120.0)
    assert await meet(counters) == (True, 180.0)
    assert await counters.waiting() == []
    another = Visit(VISIT.pools, "carl@a.example", "eve@example.org")
    assert await meet(counters, another) == (True, None)
    assert await meet(counters, Visit(("198.51.100.0/24 a.example",), VISIT.sender, VISIT.recipient)) == (False, None)


async def test_a_known_pool_is_remembered_from_when_it_was_seen_last(counters: Counters, clock: FixedClock) -> None:
    await meet(counters)
    clock.advance(200.0)
    await meet(counters)
    clock.advance(80_000.0)
    assert await meet(counters) == (True, None)
    clock.advance(80_000.0)
    assert await meet(counters) == (True, None)
    clock.advance(90_000.0)
    assert await meet(counters) == (False, None)


async def test_a_visit_is_known_by_any_of_its_pools_and_makes_all_of_them_known(
    counters: Counters, clock: FixedClock
) -> None:
    signed, spf, near = "dkim a.example", "spf a.example", "192.0.2.0/24 a.example"
    assert await meet(counters, Visit((near,), VISIT.sender, VISIT.recipient)) == (False, None)
    clock.advance(180.0)
    assert await meet(counters, Visit((spf, near), VISIT.sender, VISIT.recipient)) == (True, 180.0)
    assert await counters.waiting() == []
    assert await meet(counters, Visit((spf, "203.0.113.0/24 b.example"), "x@a.example", "x@example.org")) == (
        True,
        None,
    )
    assert await meet(counters, Visit((signed, near), "y@a.example", "y@example.org")) == (True, None)
    assert await meet(counters, Visit((signed,), "y@a.example", "y@example.org")) == (False, None)


async def test_who_only_looks_writes_nobody_down(counters: Counters, clock: FixedClock, tmp_path: Path) -> None:
    looking = OnlyLooking.open(tmp_path, clock=clock)
    assert await meet(looking) == (False, None)
    assert await counters.waiting() == []
    await meet(counters)
    clock.advance(180.0)
    assert await meet(looking) == (True, 180.0)
    assert len(await counters.waiting()) == 1
    await looking.close()


async def test_who_comes_back_too_late_begins_anew(counters: Counters, clock: FixedClock) -> None:
    await meet(counters)
    clock.advance(3601.0)
    assert await meet(counters) == (False, None)
    clock.advance(180.0)
    assert (await meet(counters))[0]


async def test_people_let_somebody_in_at_once(counters: Counters) -> None:
    await meet(counters)
    (waiting,) = await counters.waiting()
    assert await counters.release([waiting.id, 999]) == 1
    assert (await meet(counters))[0]


# ---------------------------------------------------------------- notes


async def test_notes_are_remembered_for_a_while(counters: Counters, clock: FixedClock) -> None:
    assert await counters.remember("topic", {"a": "1", "b": "2"}, seconds=60.0) == {"a", "b"}
    assert await counters.remember("topic", {"a": "3", "c": "4"}, seconds=60.0) == {"c"}
    found = await counters.recall("topic", ["a", "b", "nothing"])
    assert {key: note.value for key, note in found.items()} == {"a": "3", "b": "2"}
    assert await counters.recall("other", ["a"]) == {}
    assert {note.key for note in await counters.notes("topic")} == {"a", "b", "c"}
    clock.advance(61.0)
    assert await counters.recall("topic", ["a"]) == {}


async def test_what_has_ended_is_swept(tmp_path: Path) -> None:
    clock = FixedClock(1000.0)
    first = Counters.open(tmp_path, clock=clock)
    await first.count([five()])
    await first.remember("topic", {"a": "1"}, seconds=60.0)
    await first.ban("192.0.2.1", seconds=60.0, reason="x", by="ana")
    await first.close()
    second = Counters.open(tmp_path, clock=FixedClock(100_000.0))
    await second.close()
    import sqlite3

    connection = sqlite3.connect(tmp_path / "counters.sqlite")
    kept = {
        table: connection.execute(f"select count(*) from {table}").fetchone()[0] for table in ("counter", "note", "ban")
    }
    connection.close()
    assert kept == {"counter": 0, "note": 0, "ban": 0}


async def test_many_askers_are_answered_within_their_patience(tmp_path: Path) -> None:
    counters = Counters.open(tmp_path, clock=SystemClock())
    try:
        counted = await asyncio.gather(*(counters.count([Take(f"key {n}", 60.0, limit=1)]) for n in range(100)))
        assert all(each.exhausted is None for each in counted)
        assert counters.readiness() == (True, "")
    finally:
        await counters.close()
