from __future__ import annotations

import asyncio

import pytest

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.states import TRANSITIONS, IllegalTransition, State
from tests.queue.samples import LARGE, NOW, accept, acceptance, attempt, kinds_of, recipient, state_of


@pytest.mark.parametrize("state", [State.DELIVERED, State.DEFERRED, State.FAILED, State.CORRUPT])
async def test_the_end_of_an_attempt_is_recorded_with_the_remotes_words(custody: Custody, state: State) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    ended = attempt(state, at=NOW + 5, due=NOW + 300 if state is State.DEFERRED else None)
    assert await custody.finish(claim, ended)
    record = await custody.message(id)
    assert record is not None
    (found,) = record.recipients
    assert (found.state, found.last_reply, found.last_remote) == (state, str(ended.reply), "store.example.org")
    assert (found.lease_until, found.owner, found.changed_at) == (None, "", NOW + 5)
    assert found.due == (NOW + 300 if state is State.DEFERRED else None)
    event = (await custody.events(id))[-1]
    assert (event.kind, event.at, event.recipient) == (state.value, NOW + 5, "bob@example.org")
    assert event.detail["reply"] == str(ended.reply)
    assert event.detail["tls"] == "TLSv1.3"


@pytest.mark.parametrize("state", sorted(set(State) - TRANSITIONS[State.QUEUED]))
async def test_an_end_that_the_table_does_not_have_changes_nothing(custody: Custody, state: State) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    with pytest.raises(IllegalTransition):
        await custody.finish(claim, attempt(state))
    assert await state_of(custody, id) == [State.QUEUED]
    assert await custody.finish(claim, attempt())  # the claim is as good as before


async def test_a_claim_ends_once(custody: Custody) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    answers = await asyncio.gather(*(custody.finish(claim, attempt()) for _ in range(3)))
    assert sorted(answers) == [False, False, True]
    assert not await custody.finish(claim, attempt(State.FAILED))
    assert await kinds_of(custody, id) == ["accepted", "delivered"]


async def test_a_deferred_message_expires_when_the_courier_says_so(custody: Custody, clock: FixedClock) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    await custody.finish(claim, attempt(State.DEFERRED, due=NOW + 1))
    clock.advance(1)
    (claim,) = await custody.claim("courier", lease=60)
    assert await custody.finish(claim, attempt(State.EXPIRED))
    assert await state_of(custody, id) == [State.EXPIRED]


async def test_octets_stay_until_nobody_is_owed_them(custody: Custody) -> None:
    given = [recipient(f"u{number}@example.org", destination=f"mx:{number}") for number in range(3)]
    id = await accept(custody, acceptance(*given), LARGE)
    claims = await custody.claim("courier", lease=60)
    for claim, state in zip(claims, (State.DELIVERED, State.FAILED, State.CORRUPT), strict=True):
        await custody.finish(claim, attempt(state))
        assert (await custody.octets(id))[:] == LARGE  # CORRUPT is not final: a person may still want them
    (record,) = await custody.queue_items(states=frozenset({State.CORRUPT}))
    await custody.delete(record.recipient_id, actor="ana", reason="")
    assert not list(custody.spool.folder.iterdir())


async def test_the_summary_repeats_what_the_destination_said_last(custody: Custody) -> None:
    await accept(custody)
    await accept(custody)
    first, _ = await custody.claim("courier", lease=60)
    await custody.finish(first, attempt(State.DEFERRED, at=NOW + 2, due=NOW + 60))
    (summary,) = await custody.queue_summary()
    assert (summary.name, summary.waiting, summary.in_flight) == ("mailbox", 2, 1)
    assert (summary.last_reply, summary.last_at) == ("451 4.2.0 Mailbox busy", NOW + 2)
    assert summary.next_due == NOW + 60
    assert summary.oldest == NOW
