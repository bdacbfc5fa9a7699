from __future__ import annotations

import asyncio

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.states import State
from tests.queue.samples import NOW, accept, acceptance, attempt, recipient, refusal


async def test_sequences_grow_and_a_reader_who_resumes_misses_nothing(custody: Custody) -> None:
    seen = []
    last = 0
    writing = asyncio.gather(*(accept(custody) for _ in range(50)))
    while not writing.done() or len(seen) < 50:
        page = await custody.events_after(last, limit=7)
        seen += [event.sequence for event in page]
        last = seen[-1] if seen else 0
        await asyncio.sleep(0)
    await writing
    assert seen == sorted(set(seen))
    assert len(seen) == 50


async def test_every_change_of_state_has_its_event(custody: Custody, clock: FixedClock) -> None:
    id = await accept(custody, acceptance(recipient(state=State.HELD)))
    record = await custody.message(id)
    assert record is not None
    recipient_id = record.recipients[0].id
    await custody.release(recipient_id, actor="ana", reason="known sender")
    (claim,) = await custody.claim("courier", lease=60)
    await custody.finish(claim, attempt(State.DEFERRED, due=NOW))
    (claim,) = await custody.claim("courier", lease=60)
    await custody.finish(claim, attempt())
    told = [(each.kind, each.actor, each.detail.get("reason")) for each in await custody.events(id)]
    assert told == [
        ("accepted", "", None),
        ("held", "", None),
        ("released", "ana", "known sender"),
        ("deferred", "", None),
        ("delivered", "", None),
    ]


async def test_the_tally_is_the_number_of_events(custody: Custody) -> None:
    for _ in range(3):
        await accept(custody, acceptance(recipient(state=State.HELD), recipient("b@example.org", State.HELD)))
        await custody.record_refusal(refusal())
    await accept(custody)
    kinds = [event.kind for event in await custody.events_after(0, limit=100)]
    counts = await custody.counts_since(0)
    assert {kind: kinds.count(kind) for kind in kinds} == {
        kind: number for kind, number in counts.items() if kind not in ("waiting", "held_now")
    }
