from __future__ import annotations

import pytest

from gateway.mail.address import Address
from gateway.queue.custody import Custody
from gateway.queue.records import Bounce
from gateway.queue.states import IllegalTransition, State
from tests.queue.samples import LARGE, NOW, accept, attempt, kinds_of, state_of

BOUNCE = Bounce(b"Subject: Undelivered\r\n\r\nSorry\r\n", Address("ann", "shop.example"), "mx:shop.example", NOW)


@pytest.mark.parametrize("octets", [BOUNCE.octets, LARGE], ids=["small", "large"])
async def test_a_bounce_waits_once_the_recipient_is_closed(custody: Custody, octets: bytes) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    bounce = Bounce(octets, BOUNCE.to, BOUNCE.destination, BOUNCE.at)
    assert await custody.finish(claim, attempt(State.FAILED), bounce=bounce)
    assert await state_of(custody, id) == [State.FAILED]
    assert await kinds_of(custody, id) == ["accepted", "failed", "bounced"]
    (next_claim,) = await custody.claim("courier", lease=60)
    assert next_claim.reverse_path is None
    assert not next_claim.may_bounce
    assert next_claim.recipient.address == BOUNCE.to
    assert next_claim.destination == "mx:shop.example"
    assert await custody.delivered_octets(next_claim.message_id) == octets
    assert (await custody.events(id))[-1].detail == {"bounce": next_claim.message_id}


async def test_a_late_courier_bounces_nothing(custody: Custody) -> None:
    await accept(custody)
    (claim,) = await custody.claim("courier", lease=-1)
    (newer,) = await custody.claim("another", lease=60)
    assert not await custody.finish(claim, attempt(State.FAILED), bounce=BOUNCE)
    assert await custody.finish(newer, attempt())
    assert await custody.queue_items() == []


async def test_an_impossible_end_bounces_nothing(custody: Custody) -> None:
    id = await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    with pytest.raises(IllegalTransition):
        await custody.finish(claim, attempt(State.EXPIRED), bounce=BOUNCE)
    assert await state_of(custody, id) == [State.QUEUED]
    assert len(await custody.queue_items()) == 1
