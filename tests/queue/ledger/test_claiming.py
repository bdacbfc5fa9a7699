from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import event

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.records import Claim
from gateway.queue.states import State
from tests.queue.samples import NOW, accept, acceptance, attempt, kinds_of, recipient


async def fill(custody: Custody, numbers: dict[str, int]) -> None:
    """So many messages for each destination."""
    await asyncio.gather(
        *(
            accept(custody, acceptance(recipient(destination=destination)))
            for destination, number in numbers.items()
            for _ in range(number)
        )
    )


def by_destination(claims: list[Claim]) -> dict[str, int]:
    """How many claims each destination got."""
    return {name: sum(each.destination == name for each in claims) for name in {each.destination for each in claims}}


async def test_a_claim_says_what_the_courier_needs(custody: Custody) -> None:
    id = await accept(custody, acceptance(recipient(notify=("DELAY", "FAILURE"))))
    (claim,) = await custody.claim("courier", lease=60)
    assert claim.message_id == id
    assert claim.recipient == recipient(notify=("DELAY", "FAILURE")).recipient
    assert (claim.attempt, claim.lease_until, claim.destination) == (1, NOW + 60, "mailbox")
    assert str(claim.reverse_path) == "ann@shop.example"
    assert claim.may_bounce


async def test_the_attempt_is_on_record_before_it_is_made(custody: Custody) -> None:
    id = await accept(custody)
    await custody.claim("courier", lease=60)
    record = await custody.message(id)
    assert record is not None
    (found,) = record.recipients
    assert (found.attempt, found.owner, found.lease_until) == (1, "courier", NOW + 60)


async def test_nobody_gets_what_another_has(custody: Custody) -> None:
    await fill(custody, {"mailbox": 8})
    claims = await asyncio.gather(*(custody.claim(f"courier {n}", lease=60, per_destination=4) for n in range(4)))
    ids = [each.recipient_id for some in claims for each in some]
    assert len(ids) == len(set(ids)) == 4  # four may be in flight to one destination, over all couriers


async def test_each_destination_gets_its_share_however_long_its_queue(custody: Custody) -> None:
    await fill(custody, {"mx:busy": 30, "mx:quiet": 2})
    claims = await custody.claim("courier", lease=60, per_destination=5)
    assert by_destination(claims) == {"mx:busy": 5, "mx:quiet": 2}


async def test_what_is_in_flight_counts_until_it_ends(custody: Custody) -> None:
    await fill(custody, {"mx:a": 6})
    first = await custody.claim("courier", lease=60, per_destination=4)
    assert await custody.claim("courier", lease=60, per_destination=4) == []
    assert await custody.finish(first[0], attempt())
    assert len(await custody.claim("courier", lease=60, per_destination=4)) == 1


async def test_a_destination_that_is_full_takes_nobodys_place(custody: Custody) -> None:
    await fill(custody, {"mx:a": 3})
    await custody.claim("courier", lease=60, per_destination=2)
    await fill(custody, {"mx:b": 1})
    (claim,) = await custody.claim("courier", lease=60, destinations=1, per_destination=2)
    assert claim.destination == "mx:b"


async def test_what_is_not_due_waits(custody: Custody, clock: FixedClock) -> None:
    await fill(custody, {"mx:a": 1})
    (claim,) = await custody.claim("courier", lease=60)
    await custody.finish(claim, attempt(State.DEFERRED, due=NOW + 300))
    assert await custody.claim("courier", lease=60) == []
    clock.advance(299)
    assert await custody.claim("courier", lease=60) == []
    clock.advance(1)
    (again,) = await custody.claim("courier", lease=60)
    assert again.attempt == 2


async def test_a_destination_that_rests_is_passed_over(custody: Custody, clock: FixedClock) -> None:
    await fill(custody, {"mx:dead": 3, "mx:live": 1})
    await custody.back_off("mx:dead", until=NOW + 100, reply="connection refused")
    assert by_destination(await custody.claim("courier", lease=600)) == {"mx:live": 1}
    summary = {each.name: each for each in await custody.queue_summary()}
    assert (summary["mx:dead"].ready_at, summary["mx:dead"].last_reply) == (NOW + 100, "connection refused")
    clock.advance(100)
    assert by_destination(await custody.claim("courier", lease=60)) == {"mx:dead": 3}


async def test_a_delivery_ends_the_rest(custody: Custody) -> None:
    await fill(custody, {"mx:a": 2})
    (claim,) = await custody.claim("courier", lease=60, per_destination=1)
    await custody.back_off("mx:a", until=NOW + 100)
    await custody.finish(claim, attempt())
    assert len(await custody.claim("courier", lease=60)) == 1


async def test_an_expired_lease_comes_before_new_work_and_fences_off_the_old_owner(
    custody: Custody, clock: FixedClock
) -> None:
    lost = await accept(custody, acceptance(recipient(destination="mx:a")))
    (old,) = await custody.claim("frozen", lease=10)
    await fill(custody, {"mx:b": 5})
    clock.advance(11)
    claims = await custody.claim("courier", lease=60, per_destination=1)
    assert claims[0].message_id == lost
    assert claims[0].attempt == old.attempt + 1
    assert not await custody.finish(old, attempt())
    assert await custody.finish(claims[0], attempt())
    assert await kinds_of(custody, lost) == ["accepted", "attempt", "delivered"]


async def test_a_lease_that_is_renewed_does_not_expire(custody: Custody, clock: FixedClock) -> None:
    await fill(custody, {"mx:a": 1})
    claims = await custody.claim("courier", lease=10)
    clock.advance(8)
    await custody.renew(claims, lease=10)
    clock.advance(8)
    assert await custody.claim("other", lease=10) == []
    assert await custody.finish(claims[0], attempt())


async def test_a_lease_that_was_lost_cannot_be_renewed(custody: Custody, clock: FixedClock) -> None:
    await fill(custody, {"mx:a": 1})
    old = await custody.claim("frozen", lease=10)
    clock.advance(11)
    (new,) = await custody.claim("courier", lease=10)
    await custody.renew(old, lease=1000)
    clock.advance(11)
    (newest,) = await custody.claim("third", lease=10)
    assert newest.attempt == new.attempt + 1


async def test_no_step_of_a_claim_or_its_end_reads_a_whole_table(custody: Custody, clock: FixedClock) -> None:
    """However long the queue: each statement finds what it wants through an index, in the order of the index."""
    said: dict[str, object] = {}

    def listen(
        _connection: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool
    ) -> None:
        said[statement] = parameters[0] if many else parameters

    event.listen(custody.writer.engine, "before_cursor_execute", listen)
    await fill(custody, {"mx:a": 1, "mx:b": 1})
    await custody.claim("frozen", lease=1)
    clock.advance(2)
    claims = await custody.claim("courier", lease=60)
    await custody.renew(claims, lease=60)
    await custody.finish(claims[0], attempt(State.DEFERRED, due=NOW + 100))
    await custody.finish(claims[1], attempt())
    questions = [each for each in said if each.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert len(questions) >= 9
    with custody.readers.engine.connect() as connection:
        for question in questions:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", said[question])
            steps = [row.detail for row in plan]
            assert not any(step.startswith("SCAN") and "INDEX" not in step for step in steps), (question, steps)
            assert not any("ORDER BY" in step for step in steps), (question, steps)
