"""Errands that go wrong on our side: parked in the end, recorded always; and the notices that errands cause."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from gateway.clock import FixedClock
from gateway.delivery import carrier
from gateway.delivery.routes import Routes
from gateway.mail import replies
from gateway.mail.address import Address
from gateway.mail.envelope import Recipient
from gateway.queue.custody import Custody
from gateway.queue.ledger.connection import FILE
from gateway.queue.states import State
from tests.delivery.deposits import all_in, delivering, put, states, store_at, until
from tests.delivery.sink import Sink, running


@pytest.mark.parametrize("damage", ["X'0D0A0A'", "X'610D62'", "X'0A2E0D0A'"])
async def test_damaged_octets_are_parked_and_others_flow(custody: Custody, clock: FixedClock, damage: str) -> None:
    async with running(Sink()) as sink:
        bad = await put(custody, clock, sink.route, "bob@example.org", "carol@example.org")
        engine = create_engine(f"sqlite:///{custody.folder / FILE}")
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE body SET octets = {damage} WHERE message_id = {bad}"))
        engine.dispose()
        good = await put(custody, clock, sink.route, "bob@example.org")
        async with delivering(custody, clock):
            await until(lambda: all_in(custody, [good], State.DELIVERED))
            await until(lambda: all_in(custody, [bad], State.CORRUPT))
    assert len(sink.taken) == 1


async def test_a_message_whose_octets_are_gone_is_parked(custody: Custody, clock: FixedClock) -> None:
    large = b"Subject: x\r\n\r\n" + b"0123456789\r\n" * 10_000
    id = await put(custody, clock, "smtp://127.0.0.1:1", "bob@example.org", octets=large)
    for path in (custody.folder / "spool").iterdir():
        path.unlink()
    async with delivering(custody, clock):
        await until(lambda: all_in(custody, [id], State.CORRUPT))


async def test_three_stumbles_park_a_message_even_across_restarts(
    custody: Custody, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    healthy = carrier.transact

    async def stumbling(connection: carrier.Connection, parcel: carrier.Parcel) -> carrier.Passage:
        if parcel.recipients[0].address.local == "poison":
            raise RecursionError("our own mistake")
        return await healthy(connection, parcel)

    monkeypatch.setattr(carrier, "transact", stumbling)
    async with running(Sink()) as sink:
        id = await put(custody, clock, sink.route, "poison@example.org")
        seen = []
        for _ in range(3):
            async with delivering(custody, clock):
                good = await put(custody, clock, sink.route, "bob@example.org")
                await until(lambda good=good: all_in(custody, [good], State.DELIVERED))  # type: ignore[misc]
                await until(lambda: _free(custody, id))
            seen += await states(custody, id)
            clock.advance(400)
        async with delivering(custody, clock):
            good = await put(custody, clock, sink.route, "bob@example.org")
            await until(lambda: all_in(custody, [good], State.DELIVERED))
    assert seen == [State.DEFERRED, State.DEFERRED, State.CORRUPT]
    record = await custody.message(id)
    assert record is not None
    assert record.recipients[0].attempt == 3
    assert record.octets_kept


async def test_a_failure_is_told_to_the_sender_and_the_notice_is_never_answered(
    custody: Custody, clock: FixedClock
) -> None:
    async with running(Sink(script={"RCPT": "550 5.1.1 who?"})) as sink, running(Sink(lmtp=True)) as store:
        store.script = {"END": "550 5.1.1 alice has left"}
        routes = Routes(mailbox=store_at(store.port), domains={"example.net": "mailbox"})
        spam = await put(custody, clock, sink.route, "bob@example.org", may_bounce=False)
        quiet = await put(custody, clock, sink.route, Recipient(Address("b", "example.org"), frozenset({"NEVER"})))
        null = await put(custody, clock, sink.route, "bob@example.org", reverse_path=None)
        plain = await put(custody, clock, sink.route, "bob@example.org")
        async with delivering(custody, clock, routes=routes):
            await until(lambda: all_in(custody, [spam, quiet, null, plain], State.FAILED))
            await until(lambda: _is_empty(custody))
    assert store.commands.count("DATA") == 1
    kinds = [event.kind for event in await custody.events(plain)]
    assert kinds[-2:] == ["failed", "bounced"]
    [bounced] = [event for event in await custody.events(plain) if event.kind == "bounced"]
    assert await states(custody, int(str(bounced.detail["bounce"]))) == [State.FAILED]
    for other in (spam, quiet, null):
        assert "bounced" not in [event.kind for event in await custody.events(other)]


async def test_success_is_told_when_it_was_asked_for(custody: Custody, clock: FixedClock) -> None:
    bob = Recipient(Address("bob", "example.org"), frozenset({"SUCCESS"}), "rfc822;bob@example.org")
    async with running(Sink()) as sink, running(Sink(lmtp=True)) as store:
        routes = Routes(mailbox=store_at(store.port), domains={"example.net": "mailbox"})
        await put(custody, clock, sink.route, bob)
        await put(custody, clock, "mailbox", bob)
        async with delivering(custody, clock, routes=routes):
            await until(lambda: len(store.taken) == 3)
    notices = sorted(each.octets for each in store.taken if each.mail.startswith("MAIL FROM:<>"))
    assert sum(b"Action: relayed" in each for each in notices) == 1
    assert sum(b"Action: delivered" in each for each in notices) == 1
    assert all(b"Original-Recipient: rfc822; bob@example.org" in each for each in notices)


async def test_a_destination_that_is_no_route_waits(custody: Custody, clock: FixedClock) -> None:
    id = await put(custody, clock, "carrier pigeon", "bob@example.org")
    async with delivering(custody, clock):
        await until(lambda: all_in(custody, [id], State.DEFERRED))
    record = await custody.message(id)
    assert record is not None
    assert record.recipients[0].last_reply == str(replies.NO_ROUTE)


async def test_old_mail_that_was_released_is_not_given_up_at_once(custody: Custody, clock: FixedClock) -> None:
    async with running(Sink(script={"MAIL": "451 4.7.1 later"})) as sink:
        id = await put(custody, clock, sink.route, "bob@example.org")
        for _ in range(6):  # it has had its attempts, by a courier that died each time
            assert await custody.claim("dying", lease=1)
            clock.advance(86400)
        async with delivering(custody, clock) as courier:
            await until(lambda: all_in(custody, [id], State.DEFERRED))
            clock.advance(4000)
            courier.wake()
            await until(lambda: all_in(custody, [id], State.EXPIRED))


async def _free(custody: Custody, id: int) -> bool:
    record = await custody.message(id)
    assert record is not None
    return record.recipients[0].lease_until is None and record.recipients[0].state is not State.QUEUED


async def _is_empty(custody: Custody) -> bool:
    return not await custody.queue_summary()
