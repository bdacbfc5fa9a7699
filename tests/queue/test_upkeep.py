from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.deeds import Deed
from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.retaining import Drift
from gateway.queue.records import HeldQuery, TrackQuery
from gateway.queue.states import State
from gateway.queue.upkeep import DAY, LOCK, Upkeep, UpkeepReport
from tests.queue.samples import LARGE, NOW, accept, acceptance, attempt, kinds_of, recipient, refusal, state_of


async def round_of(custody: Custody, clock: FixedClock) -> UpkeepReport:
    report = await Upkeep(custody, clock).round()
    assert report is not None
    return report


async def test_a_round_with_nothing_to_do_does_nothing(custody: Custody, clock: FixedClock) -> None:
    await accept(custody)
    assert await round_of(custody, clock) == UpkeepReport()


async def test_a_hold_ends_at_its_time_and_not_before(custody: Custody, clock: FixedClock) -> None:
    id = await accept(custody, acceptance(recipient(state=State.HELD, expires_at=NOW + 60)), LARGE)
    assert (await round_of(custody, clock)).holds_ended == 0
    clock.advance(61)
    assert (await round_of(custody, clock)).holds_ended == 1
    assert await state_of(custody, id) == [State.DROPPED]
    assert await kinds_of(custody, id) == ["accepted", "held", "expired"]
    assert not list(custody.spool.folder.iterdir())


async def test_a_hold_without_an_end_stays(custody: Custody, clock: FixedClock) -> None:
    await accept(custody, acceptance(recipient(state=State.HELD)))
    clock.advance(1000 * DAY)
    assert await round_of(custody, clock) == UpkeepReport()


async def test_what_ended_long_ago_is_forgotten_and_what_is_owed_never(custody: Custody, clock: FixedClock) -> None:
    ended = await accept(custody, acceptance(recipient(state=State.HELD)))
    (item,) = await custody.held(HeldQuery(), after=None, limit=1)
    await custody.delete(item.id, actor="ana", reason="")
    owed = await accept(custody)
    await custody.record_refusal(refusal())
    clock.advance(31 * DAY)
    fresh = await accept(custody)
    report = await round_of(custody, clock)
    assert (report.messages, report.refusals) == (1, 1)
    assert await custody.message(ended) is None
    assert await kinds_of(custody, ended) == []
    assert await state_of(custody, owed) == [State.QUEUED]
    assert [row.message_id for row in await custody.track(TrackQuery(), limit=10)] == [fresh, owed]
    assert await custody.held(HeldQuery(terms=("hello",), state=State.DROPPED), after=None, limit=10) == []


async def test_what_people_did_to_the_house_is_kept_as_long_as_the_counts(custody: Custody, clock: FixedClock) -> None:
    await custody.note(Deed.BANNED, actor="ana", detail={"network": "192.0.2.0/24"})
    clock.advance(399 * DAY)
    await round_of(custody, clock)
    (event,) = await custody.events_after(0, limit=9)
    assert (event.kind, event.actor, event.detail) == ("banned", "ana", {"network": "192.0.2.0/24"})
    clock.advance(2 * DAY)
    await round_of(custody, clock)
    assert await custody.events_after(0, limit=9) == []


async def test_the_age_of_a_message_counts_from_its_last_change(custody: Custody, clock: FixedClock) -> None:
    id = await accept(custody)
    clock.advance(31 * DAY)
    (claim,) = await custody.claim("courier", lease=60)
    await custody.finish(claim, attempt(at=clock.now()))
    assert (await round_of(custody, clock)).messages == 0
    clock.advance(31 * DAY)
    assert (await round_of(custody, clock)).messages == 1
    assert await custody.message(id) is None
    assert await custody.queue_summary() == []


async def test_orphans_are_collected(custody: Custody, clock: FixedClock) -> None:
    kept = await accept(custody, octets=LARGE)
    (custody.spool.folder / "0000000000001").write_bytes(b"x")
    (custody.spool.folder / "0000000000002.arriving").write_bytes(b"x")
    assert (await round_of(custody, clock)).orphans == ("0000000000001", "0000000000002.arriving")
    assert (await custody.octets(kept))[:] == LARGE


async def test_drift_is_reported_and_mended(custody: Custody, clock: FixedClock) -> None:
    await accept(custody)
    with (
        FileLock(custody.folder / "ledger.lock"),
        closing(sqlite3.connect(custody.folder / "ledger.sqlite")) as connection,
    ):
        connection.execute("UPDATE destination SET next_due = NULL")
        connection.commit()
    assert await custody.claim("courier", lease=60) == []
    assert (await round_of(custody, clock)).drift == (Drift("mailbox", None, NOW),)
    assert len(await custody.claim("courier", lease=60)) == 1
    assert (await round_of(custody, clock)).drift == ()


async def test_one_process_at_a_time_does_upkeep(custody: Custody, clock: FixedClock) -> None:
    lock = FileLock(custody.folder / LOCK)
    assert lock.try_acquire()
    assert await Upkeep(custody, clock).round() is None
    lock.close()
    assert await Upkeep(custody, clock).round() is not None


async def test_it_runs_until_told_to_stop(custody: Custody, clock: FixedClock) -> None:
    await accept(custody, acceptance(recipient(state=State.HELD, expires_at=NOW - 1)))
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(Upkeep(custody, clock).run(stop, interval=0.001))
        while (await custody.held_counts(recipients=None)) != {}:
            await asyncio.sleep(0.001)
        stop.set()
