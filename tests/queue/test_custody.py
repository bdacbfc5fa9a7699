from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.queue.custody import WAITING_REFUSALS, Custody, as_delivered
from gateway.queue.ledger.lock import FileLock
from gateway.queue.ledger.writer import LedgerClosed
from gateway.queue.pressure import COUNTED_EVERY, STUCK
from gateway.queue.records import HeldQuery, Selection, TrackQuery
from gateway.queue.spool import OctetsGone
from gateway.queue.states import State
from tests.queue.samples import LARGE, NOW, OCTETS, accept, acceptance, attempt, kinds_of, recipient, refusal, state_of


async def test_the_life_of_a_message(custody: Custody) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    assert claim.message_id == id
    assert await custody.finish(claim, attempt())
    assert await state_of(custody, id) == [State.DELIVERED]
    assert await kinds_of(custody, id) == ["accepted", "delivered"]
    with pytest.raises(OctetsGone):
        await custody.octets(id)


async def test_what_is_delivered_is_our_prefix_and_what_came_but_for_the_cuts(custody: Custody) -> None:
    for octets in (OCTETS, LARGE):
        id = await accept(custody, acceptance(cuts=((0, 9), (16, 18))), octets)
        assert await custody.delivered_octets(id) == acceptance().prefix + octets[9:16] + octets[18:]


def test_without_cuts_the_octets_follow_the_prefix() -> None:
    assert as_delivered(b"a", (), b"bcd") == b"abcd"
    assert as_delivered(b"", ((0, 1), (2, 3)), b"bcd") == b"c"


async def test_octets_of_an_unknown_message_are_gone(custody: Custody) -> None:
    with pytest.raises(OctetsGone):
        await custody.delivered_octets(1)
    assert await custody.message(1) is None
    assert await custody.refusal(1) is None
    assert await custody.held_item(1) is None


async def test_custody_survives_being_closed_and_opened_again(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    custody = Custody.open(tmp_path, clock=clock)
    ids = [await accept(custody, octets=octets) for octets in (OCTETS, LARGE)]
    await custody.record_refusal(refusal())
    newest = custody.new_id()
    await custody.close()
    clock.advance(-86400)  # even if the clock went back
    again = Custody.open(tmp_path, clock=clock)
    assert [(await again.octets(id))[:] for id in ids] == [OCTETS, LARGE]
    assert len(await again.track(TrackQuery(), limit=10)) == 3
    assert again.new_id() > newest - (1 << 22)
    assert await accept(again) > max(ids)
    await again.close()


async def test_two_custodies_of_one_folder_see_each_others_mail(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    one, other = Custody.open(tmp_path, clock=clock), Custody.open(tmp_path, clock=clock)
    ids = await asyncio.gather(*(accept(each) for each in (one, other) * 20))
    assert len(set(ids)) == 40
    claims = await asyncio.gather(one.claim("one", lease=60), other.claim("other", lease=60))
    assert not {each.recipient_id for each in claims[0]} & {each.recipient_id for each in claims[1]}
    await one.close()
    assert len(await other.queue_items()) == 40
    await other.close()


async def test_a_closed_custody_takes_nothing(tmp_path: Path) -> None:
    custody = Custody.open(tmp_path, clock=FixedClock(NOW))
    await custody.close()
    with pytest.raises(LedgerClosed):
        await accept(custody)
    assert custody.readiness() == (False, "the ledger's writer has stopped")


async def test_closing_writes_what_still_waits(tmp_path: Path) -> None:
    custody = Custody.open(tmp_path, clock=FixedClock(NOW))
    with FileLock(tmp_path / "ledger.lock"):
        accepted = [asyncio.ensure_future(accept(custody)) for _ in range(5)]
        await asyncio.sleep(0)
        closing = asyncio.ensure_future(custody.close())
        await asyncio.sleep(0)
    assert len(await asyncio.gather(*accepted)) == 5
    await closing


async def test_ready_means_disk_and_a_ledger_that_commits(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    custody = Custody.open(tmp_path, clock=clock, free_disk=0)
    assert custody.readiness() == (True, "ready")
    with FileLock(tmp_path / "ledger.lock"):
        waiting = asyncio.ensure_future(accept(custody))
        while custody.writer.health.oldest is None:
            await asyncio.sleep(0.001)
        assert custody.readiness()[0]
        clock.advance(STUCK + 1)
        assert custody.readiness() == (False, "the ledger has not committed for 10 seconds")
    await waiting
    assert custody.readiness() == (True, "ready")
    await custody.close()


async def test_after_a_commit_that_failed_we_wait_before_we_take_mail_again(tmp_path: Path) -> None:
    failing = ["ledger:written"]

    def fail_once(step: str) -> None:
        if step in failing:
            failing.remove(step)
            raise OSError("disk I/O error")

    clock = FixedClock(NOW)
    custody = Custody.open(tmp_path, clock=clock, free_disk=0, steps=fail_once)
    with pytest.raises(OSError, match="disk I/O error"):
        await accept(custody)
    assert custody.readiness() == (False, "the ledger's last commit failed: OSError")
    clock.advance(STUCK)
    assert custody.readiness() == (True, "ready")
    await accept(custody)
    assert len(await custody.queue_items()) == 1
    await custody.close()


async def test_a_full_disk_is_not_ready(tmp_path: Path) -> None:
    custody = Custody.open(tmp_path, clock=FixedClock(NOW), free_disk=2**60)
    ready, why = custody.readiness()
    assert not ready
    assert "MiB of disk are free" in why
    await custody.close()


async def test_refusals_are_found_by_those_who_ask(custody: Custody) -> None:
    await custody.record_refusal(refusal())
    await accept(custody)  # the same batch or a later one
    (row,) = await custody.track(TrackQuery(recipient="ZOE@example.org"), limit=10)
    record = await custody.refusal(row.id)
    assert record is not None
    assert record.refusal == refusal()
    assert await kinds_of(custody, row.id) == ["refused"]


async def test_whoever_refuses_faster_than_the_disk_has_to_wait(custody: Custody) -> None:
    with FileLock(custody.folder / "ledger.lock"):
        for _ in range(WAITING_REFUSALS):
            await custody.record_refusal(refusal())
        slowed = asyncio.ensure_future(custody.record_refusal(refusal()))
        await asyncio.sleep(0.01)
        assert not slowed.done()
    await slowed
    assert (await custody.counts_since(0))["refused"] == WAITING_REFUSALS + 1


async def test_release_and_delete_of_what_is_not_held_answer_no(custody: Custody) -> None:
    id = await accept(custody, acceptance(recipient(state=State.HELD)))
    (item,) = await custody.held(HeldQuery(), after=None, limit=10)
    assert await custody.release(item.id, actor="ana", reason="fine")
    assert not await custody.release(item.id, actor="ben", reason="fine too")
    assert await custody.delete(item.id, actor="ana", reason="no, not fine")
    assert not await custody.delete(item.id, actor="ana", reason="again")
    assert not await custody.release(1, actor="ana", reason="no such recipient")
    assert await kinds_of(custody, id) == ["accepted", "held", "released", "deleted"]


async def test_octets_go_with_the_last_recipient(custody: Custody) -> None:
    given = [recipient("a@example.org", State.HELD), recipient("b@example.org", State.HELD)]
    id = await accept(custody, acceptance(*given), LARGE)
    first, second = await custody.held(HeldQuery(), after=None, limit=10)
    await custody.delete(first.id, actor="ana", reason="")
    assert (await custody.octets(id))[:] == LARGE
    await custody.delete(second.id, actor="ana", reason="")
    with pytest.raises(OctetsGone):
        await custody.octets(id)
    assert not list(custody.spool.folder.iterdir())


async def test_an_act_undone_in_time_leaves_its_story(custody: Custody) -> None:
    id = await accept(custody, acceptance(recipient(state=State.HELD, quarantine="bulk")))
    (item,) = await custody.held(HeldQuery(), after=None, limit=10)
    await custody.release(item.id, actor="ana", reason="")
    assert await custody.hold(Selection(recipient_ids=(item.id,)), actor="ana", reason="undo") == 1
    (again,) = await custody.held(HeldQuery(quarantines=frozenset({"bulk"})), after=None, limit=10)
    assert again.id == item.id
    assert await kinds_of(custody, id) == ["accepted", "held", "released", "held"]


async def test_a_page_goes_on_where_it_stopped(custody: Custody) -> None:
    await accept(custody)
    sequence = await custody.last_sequence()
    id = await accept(custody)
    (event,) = await custody.events_after(sequence, limit=10)
    assert (event.message_id, event.kind) == (id, "accepted")
    assert await custody.events_after(event.sequence, limit=10) == []


async def test_a_full_queue_is_not_ready_and_is_again_when_it_is_shorter(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    custody = Custody.open(tmp_path, clock=clock, free_disk=0, queued=2)

    async def looked() -> tuple[bool, str]:
        clock.advance(COUNTED_EVERY)
        custody.readiness()
        await custody._pressure.settle()
        return custody.readiness()

    assert await looked() == (True, "ready")
    await accept(custody)
    assert await looked() == (True, "ready")
    await accept(custody, acceptance(recipient(state=State.HELD)))
    assert await looked() == (True, "ready"), "who waits for people does not wait for a courier"
    await accept(custody)
    assert custody.readiness() == (True, "ready"), "it is counted every other second"
    assert await looked() == (False, "2 copies wait in the queue")
    await custody.delete_selected(Selection(), actor="ana", reason="")
    assert await looked() == (True, "ready")
    await custody.close()


async def test_a_process_that_writes_nothing_learns_that_the_ledger_stands_still(tmp_path: Path) -> None:
    clock = FixedClock(NOW)
    custody = Custody.open(tmp_path, clock=clock, free_disk=0)
    with FileLock(tmp_path / "ledger.lock"):
        custody.try_to_commit()
        custody.try_to_commit()
        while custody.writer.health.oldest is None:
            await asyncio.sleep(0.001)
        clock.advance(STUCK + 1)
        assert custody.readiness() == (False, "the ledger has not committed for 10 seconds")
    await accept(custody)
    assert custody.readiness() == (True, "ready")
    assert custody.writer.health.requests == 2
    await custody.close()
