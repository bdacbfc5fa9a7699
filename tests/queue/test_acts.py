from __future__ import annotations

import pytest

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.ledger import acting
from gateway.queue.records import Selection
from gateway.queue.states import State
from tests.queue.samples import LARGE, NOW, accept, acceptance, attempt, recipient, state_of


async def defer(custody: Custody, *, due: float) -> None:
    """Let every waiting recipient fail once."""
    for claim in await custody.claim("courier", lease=60, per_destination=1000):
        assert await custody.finish(claim, attempt(State.DEFERRED, due=due))


async def test_retry_makes_deferred_mail_due_now_and_ends_the_back_off(custody: Custody) -> None:
    await accept(custody, acceptance(recipient(destination="mx:a"), recipient("b@example.org", destination="mx:b")))
    await defer(custody, due=NOW + 3600)
    await custody.back_off("mx:a", until=NOW + 3600, reply="no route to host")
    assert await custody.claim("courier", lease=60) == []
    assert await custody.retry(Selection(destination="mx:a"), actor="ana") == 1
    (claim,) = await custody.claim("courier", lease=60)
    assert (claim.destination, claim.attempt) == ("mx:a", 2)


async def test_retry_of_one_message_ends_the_back_off_of_where_it_goes(custody: Custody) -> None:
    id = await accept(custody, acceptance(recipient(destination="mx:a")))
    await defer(custody, due=NOW + 3600)
    await custody.back_off("mx:a", until=NOW + 3600, reply="no route to host")
    assert await custody.retry(Selection(message_id=id), actor="ana") == 1
    assert len(await custody.claim("courier", lease=60)) == 1


async def test_retry_puts_corrupt_mail_back_in_the_queue(custody: Custody) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    await custody.finish(claim, attempt(State.CORRUPT))
    assert await custody.retry(Selection(message_id=id), actor="ana") == 1
    assert await state_of(custody, id) == [State.QUEUED]


async def test_what_a_courier_has_is_left_alone_until_its_lease_ends(custody: Custody, clock: FixedClock) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    assert await custody.hold(Selection(message_id=id), actor="ana", reason="") == 0
    assert not await custody.delete(claim.recipient_id, actor="ana", reason="")
    clock.advance(61)
    assert await custody.hold(Selection(message_id=id), actor="ana", reason="") == 1
    assert not await custody.finish(claim, attempt())
    assert await state_of(custody, id) == [State.HELD]


async def test_a_selection_restricts_by_all_that_it_names(custody: Custody) -> None:
    one = await accept(
        custody, acceptance(recipient(destination="mx:a"), recipient("b@example.org", destination="mx:b"))
    )
    other = await accept(custody, acceptance(recipient(destination="mx:a")))
    assert await custody.hold(Selection(message_id=one, destination="mx:a"), actor="ana", reason="") == 1
    assert await state_of(custody, one) == [State.HELD, State.QUEUED]
    assert await state_of(custody, other) == [State.QUEUED]
    assert await custody.hold(Selection(), actor="ana", reason="") == 2


async def test_deleting_a_selection_removes_octets_and_spares_what_is_held(custody: Custody) -> None:
    gone = await accept(custody, acceptance(recipient(), recipient("b@example.org")), LARGE)
    kept = await accept(custody, acceptance(recipient(state=State.HELD)))
    assert await custody.delete_selected(Selection(), actor="ana", reason="flood") == 2
    assert await state_of(custody, gone) == [State.DROPPED, State.DROPPED]
    assert await state_of(custody, kept) == [State.HELD]
    assert not list(custody.spool.folder.iterdir())
    assert await custody.queue_summary() == []


async def test_a_bulk_act_goes_in_chunks(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acting, "CHUNK", 10)
    for _ in range(25):
        await accept(custody)
    commits = custody.writer.health.commits
    assert await custody.hold(Selection(), actor="ana", reason="", quarantine="review", expires_at=NOW + 60) == 25
    assert custody.writer.health.commits - commits == 3
    assert await custody.held_counts(recipients=None) == {"review": 25}


async def test_every_act_leaves_its_name_and_reason(custody: Custody) -> None:
    id = await accept(custody)
    await custody.hold(Selection(), actor="ana", reason="looks odd")
    event = (await custody.events(id))[-1]
    assert (event.kind, event.actor, event.recipient) == ("held", "ana", "bob@example.org")
    assert event.detail == {"from": "queued", "to": "held", "reason": "looks odd"}
