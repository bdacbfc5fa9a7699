"""The courier with a real ledger and scripted hosts: what is due is delivered, once, in whatever company."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.clock import FixedClock, SystemClock
from gateway.delivery.routes import Routes
from gateway.delivery.worker import Courier, in_one_transaction
from gateway.mail.address import Address
from gateway.mail.envelope import Recipient
from gateway.queue.custody import Custody
from gateway.queue.states import State
from tests.delivery.deposits import (
    OCTETS,
    PREFIX,
    all_in,
    delivering,
    no_dns,
    put,
    small_settings,
    states,
    store_at,
    until,
)
from tests.delivery.sink import CLOSE, HANG, Sink, running


async def test_octets_come_out_as_they_went_in(custody: Custody, clock: FixedClock) -> None:
    large = OCTETS + b".\r\n" + b"0123456789abcdef\r\n" * 20_000
    async with running(Sink()) as sink, delivering(custody, clock):
        ids = [await put(custody, clock, sink.route, "bob@example.org", octets=each) for each in (OCTETS, large)]
        await until(lambda: all_in(custody, ids, State.DELIVERED))
    assert sorted(each.octets for each in sink.taken) == sorted([PREFIX + OCTETS, PREFIX + large])


async def test_copies_that_differ_go_by_themselves(custody: Custody, clock: FixedClock) -> None:
    strict = b"X-Strict: yes\r\n"
    async with running(Sink()) as sink, delivering(custody, clock):
        everybody = ("a@example.org", "b@example.org", "c@example.org")
        id = await put(custody, clock, sink.route, *everybody, fields={"b@example.org": strict})
        await until(lambda: all_in(custody, [id], State.DELIVERED))
    copies = {tuple(sorted(each.recipients)): each.octets for each in sink.taken}
    assert copies == {
        ("a@example.org", "c@example.org"): PREFIX + OCTETS,
        ("b@example.org",): strict + PREFIX + OCTETS,
    }


async def test_recipients_of_one_message_share_a_transaction_and_have_their_own_ends(
    custody: Custody, clock: FixedClock
) -> None:
    script = {"END:b@example.org": "550 5.1.1 gone", "END:c@example.org": "451 4.2.0 later"}
    async with running(Sink(lmtp=True, script=script)) as sink, delivering(custody, clock):
        id = await put(custody, clock, sink.route, "a@example.org", "b@example.org", "c@example.org")
        await until(lambda: _none_queued(custody, id))
        assert await states(custody, id) == [State.DELIVERED, State.FAILED, State.DEFERRED]
    assert sum(command == "DATA" for command in sink.commands) == 1
    record = await custody.message(id)
    assert record is not None
    assert [each.last_reply for each in record.recipients] == ["250 2.0.0 taken", "550 5.1.1 gone", "451 4.2.0 later"]


async def test_the_mailbox_is_the_store_that_the_composition_root_names(custody: Custody, clock: FixedClock) -> None:
    async with running(Sink(lmtp=True)) as store:
        async with delivering(custody, clock, routes=Routes(mailbox=store_at(store.port))):
            id = await put(custody, clock, "mailbox", "alice@example.org")
            await until(lambda: all_in(custody, [id], State.DELIVERED))
        assert store.commands[0] == "LHLO mx.example.org"


async def test_connections_are_reused(custody: Custody, clock: FixedClock) -> None:
    async with running(Sink()) as sink:
        ids = [await put(custody, clock, sink.route, "bob@example.org") for _ in range(100)]
        async with delivering(custody, clock):
            await until(lambda: all_in(custody, ids, State.DELIVERED))
    assert len(sink.taken) == 100
    assert sink.connections <= 20
    assert not Counter(each.octets for each in sink.taken).keys() - {PREFIX + OCTETS}


async def test_a_destination_has_its_limit(custody: Custody, clock: FixedClock) -> None:
    async with running(Sink(delay=0.02)) as sink:
        ids = [await put(custody, clock, sink.route, "bob@example.org") for _ in range(30)]
        async with delivering(custody, clock, settings=small_settings(per_destination=3)):
            await until(lambda: all_in(custody, ids, State.DELIVERED))
    assert sink.most_open == 3


async def test_nobody_starves(custody: Custody, clock: FixedClock) -> None:
    """Hundreds wait for a host that never answers and for one that is dead; mail for others passes them by."""
    settings = small_settings(timeout=30.0, connect_timeout=30.0)
    async with running(Sink(script={"greeting": HANG})) as silent, running(Sink()) as live:
        for _ in range(60):
            await put(custody, clock, silent.route, "bob@silent.example")
            await put(custody, clock, "smtp://127.0.0.1:1", "bob@dead.example")
        async with delivering(custody, clock, settings=settings, drain=0.1):
            await until(lambda: silent.open_now == 20)
            ids = [await put(custody, clock, live.route, "bob@live.example") for _ in range(200)]
            await until(lambda: all_in(custody, ids, State.DELIVERED))
            assert silent.open_now == 20
    assert len(live.taken) == 200
    waiting = {each.name: each for each in await custody.queue_summary()}
    assert waiting[silent.route].waiting == 60
    rested = waiting["smtp://127.0.0.1:1"]
    assert rested.waiting == 60
    assert rested.ready_at == clock.now() + 60
    items = await custody.queue_items(destination="smtp://127.0.0.1:1")
    assert sum(each.attempt > 0 for each in items) == 20  # one look found out, the rest was spared


async def test_a_life_of_attempts_with_a_held_clock(custody: Custody, clock: FixedClock) -> None:
    """Every attempt at its time by the table, a warning at four hours, a bounce after five days."""
    received_at = clock.now()
    script = {"MAIL": "451 4.7.1 greylisted"}
    bob = Recipient(Address("bob", "example.org"))
    async with running(Sink(script=script)) as sink, running(Sink(lmtp=True)) as store:
        id = await put(custody, clock, sink.route, bob)
        routes = Routes(mailbox=store_at(store.port), domains={"example.net": "mailbox"})
        gaps: list[float] = []
        async with delivering(custody, clock, routes=routes) as courier:
            while True:
                await until(lambda: _tried(custody, id, len(gaps) + 1))
                record = await custody.message(id)
                assert record is not None
                [recipient] = record.recipients
                if recipient.state is not State.DEFERRED:
                    break
                assert recipient.due is not None
                gaps.append(recipient.due - clock.now())
                # The clock would outrun the lease of a warning that is under way.
                await until(lambda: _only_waits(custody, sink.route))
                clock.advance(gaps[-1])
                courier.wake()
            await until(lambda: len(store.taken) == 2)
    assert recipient.state is State.EXPIRED
    assert 5 * 86400 <= clock.now() - received_at <= 5 * 86400 + 3960
    for gap, table in zip(gaps, [60, 300, 900, 1800] + [3600] * 200, strict=False):
        assert 0.9 * table - 0.01 <= gap <= 1.1 * table + 0.01
    warning, bounce = (each.octets for each in store.taken)
    assert b"Action: delayed" in warning and b"Will-Retry-Until:" in warning
    assert b"Action: failed" in bounce and b"Status: 4.4.7" in bounce and b"451 4.7.1 greylisted" in bounce
    assert {each.mail.split(" SIZE")[0] for each in store.taken} == {"MAIL FROM:<>"}
    assert {each.recipients[0] for each in store.taken} == {"alice@example.net"}


async def test_a_lease_is_renewed_while_a_host_takes_its_time(tmp_path: Path) -> None:
    clock = SystemClock()
    custody = Custody.open(tmp_path / "ledger", clock=clock, free_disk=0)
    async with running(Sink(delay=2.2)) as sink:
        id = await put(custody, clock, sink.route, "bob@example.org")
        settings = small_settings(timeout=5.0)
        async with (
            delivering(custody, clock, settings=settings, lease=1.0, owner="one"),
            delivering(custody, clock, settings=settings, lease=1.0, owner="two"),
        ):
            await until(lambda: all_in(custody, [id], State.DELIVERED))
    assert len(sink.taken) == 1
    await custody.close()


async def test_stopping_finishes_what_is_in_flight(custody: Custody, clock: FixedClock) -> None:
    async with running(Sink(delay=0.1)) as sink:
        ids = [await put(custody, clock, sink.route, "bob@example.org") for _ in range(5)]
        async with delivering(custody, clock):
            await until(lambda: sink.open_now == 5)
        assert await all_in(custody, ids, State.DELIVERED)
        await until(lambda: sink.open_now == 0)


async def test_what_cannot_be_finished_in_time_comes_back(custody: Custody, clock: FixedClock) -> None:
    async with running(Sink(script={"END": [HANG, "250 2.0.0 ok"]})) as sink:
        id = await put(custody, clock, sink.route, "bob@example.org")
        async with delivering(custody, clock, settings=small_settings(timeout=60), drain=0.05):
            await until(lambda: "DATA" in sink.commands)
        assert await states(custody, id) == [State.QUEUED]
        clock.advance(31)
        async with delivering(custody, clock):
            await until(lambda: all_in(custody, [id], State.DELIVERED))


async def test_a_rested_destination_is_tried_again_and_a_delivery_ends_the_rest(
    custody: Custody, clock: FixedClock
) -> None:
    async with running(Sink(script={"greeting": ["421 4.3.2 busy", "220 back"]})) as sink:
        id = await put(custody, clock, sink.route, "bob@example.org")
        async with delivering(custody, clock) as courier:
            await until(lambda: _none_queued(custody, id))
            late = await put(custody, clock, sink.route, "carol@example.org")
            await asyncio.sleep(0.2)
            assert await states(custody, late) == [State.QUEUED]  # the destination rests, so nobody is tried
            clock.advance(70)
            courier.wake()
            await until(lambda: all_in(custody, [id, late], State.DELIVERED))


async def test_a_ledger_that_fails_for_a_while_does_not_stop_the_courier(
    custody: Custody, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, calls = custody.claim, 0

    async def failing(*args: object, **kwargs: object) -> object:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise OperationalError("begin", {}, Exception("disk I/O error"))
        return await claim(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(custody, "claim", failing)
    async with running(Sink()) as sink:
        id = await put(custody, clock, sink.route, "bob@example.org")
        async with delivering(custody, clock):
            await until(lambda: all_in(custody, [id], State.DELIVERED))


async def test_a_new_routing_table_holds_from_the_next_attempt_on(custody: Custody, clock: FixedClock) -> None:
    async with running(Sink(lmtp=True)) as store, delivering(custody, clock, routes=Routes()) as courier:
        id = await put(custody, clock, "mailbox", "alice@example.org")
        await until(lambda: all_in(custody, [id], State.DEFERRED))
        courier.use(Routes(mailbox=store_at(store.port)))
        clock.advance(70)
        courier.wake()
        await until(lambda: all_in(custody, [id], State.DELIVERED))


async def test_groups_never_mix_messages_and_never_exceed_a_transaction(custody: Custody, clock: FixedClock) -> None:
    many = [f"u{n}@example.org" for n in range(150)]
    first = await put(custody, clock, "smtp://a:25", *many)
    await put(custody, clock, "smtp://a:25", "x@example.org")
    await put(custody, clock, "smtp://b:25", "x@example.org")
    claims = await custody.claim("test", lease=60, per_destination=200)
    groups = in_one_transaction(claims)
    assert sorted(len(each) for each in groups) == [1, 1, 50, 100]
    assert {each.message_id for group in groups if len(group) > 1 for each in group} == {first}
    assert all(len({(each.message_id, each.destination) for each in group}) == 1 for group in groups)


async def test_a_connection_closed_in_between_costs_no_attempt(custody: Custody, clock: FixedClock) -> None:
    async with running(Sink(script={"MAIL": ["250 ok", CLOSE, "250 ok"]})) as sink, delivering(custody, clock):
        for _ in range(2):
            id = await put(custody, clock, sink.route, "bob@example.org")
            await until(lambda id=id: all_in(custody, [id], State.DELIVERED))  # type: ignore[misc]
        record = await custody.message(id)
        assert record is not None
        assert record.recipients[0].attempt == 1
    assert sink.connections == 2


async def test_the_courier_is_made_as_the_composition_root_makes_it(custody: Custody, clock: FixedClock) -> None:
    stop = asyncio.Event()
    stop.set()
    await Courier(custody, Routes(), small_settings(), clock, random.Random(), query=no_dns).run(stop)


async def _none_queued(custody: Custody, id: int) -> bool:
    return State.QUEUED not in await states(custody, id)


async def _only_waits(custody: Custody, destination: str) -> bool:
    return {each.name for each in await custody.queue_summary()} == {destination}


async def _tried(custody: Custody, id: int, attempts: int) -> bool:
    record = await custody.message(id)
    assert record is not None
    [recipient] = record.recipients
    return recipient.attempt >= attempts and recipient.lease_until is None
