"""Which door is tried, in which order, over which connection."""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from gateway.clock import FixedClock
from gateway.delivery.carrier import Carrier
from gateway.delivery.handover import Ending, Handover, Parcel
from gateway.delivery.pool import IDLE, MAX_CARRIED, REST, Pool
from gateway.delivery.relay import Timeouts
from gateway.delivery.routes import Routes, ToExchangers, ToMailbox, parse_route
from gateway.mail import replies
from gateway.mail.address import Address
from gateway.mail.envelope import Recipient
from tests.delivery.deposits import no_dns
from tests.delivery.sink import CLOSE, Sink, running

PARCEL = Parcel(None, (Recipient(Address("bob", "d.example")),), b"Subject: x\r\n\r\nx\r\n")


@dataclass(frozen=True)
class Answer:
    status: str
    records: tuple[str, ...] = ()


def carrier(clock: FixedClock, *, port: int = 25, zone: dict[str, tuple[str, ...]] | None = None) -> Carrier:
    async def query(name: str, type: str) -> Answer:
        records = (zone or {}).get(f"{name} {type}")
        return Answer("ok", records) if records else Answer("nodata")

    return Carrier(
        routes=Routes(),
        query=query if zone is not None else no_dns,
        greet_as="mx.example.org",
        clock=clock,
        randomness=random.Random(1),
        timeouts=Timeouts(connect=10.0, command=10.0, data_block=10.0, data_end=10.0),
        exchange_port=port,
        is_usable=lambda _address: True,
    )


async def carry(carrier: Carrier, route: str, times: int = 1) -> list[Handover]:
    ends: list[Handover] = []
    for _ in range(times):
        ends += await carrier.carry(PARCEL, parse_route(route))
    return ends


async def sinks(stack: AsyncExitStack, *scripted: Sink) -> Sequence[Sink]:
    return [await stack.enter_async_context(running(sink)) for sink in scripted]


async def test_one_connection_carries_many_messages(clock: FixedClock) -> None:
    async with running(Sink()) as sink:
        one = carrier(clock)
        ends = await carry(one, sink.route, MAX_CARRIED + 1)
        assert {each.ending for each in ends} == {Ending.DELIVERED}
        assert sink.connections == 2  # it is worn out after a hundred
        one.pool.close()


async def test_a_connection_is_not_kept_for_ever(clock: FixedClock) -> None:
    async with running(Sink()) as sink:
        one = carrier(clock)
        await carry(one, sink.route)
        clock.advance(IDLE + 1)
        one.pool.sweep()
        await carry(one, sink.route)
        assert sink.connections == 2
        assert sink.commands.count("QUIT") == 1
        one.pool.close()


async def test_the_second_host_is_used_and_the_first_gets_a_rest(clock: FixedClock) -> None:
    async with AsyncExitStack() as stack:
        down, up = await sinks(stack, Sink(script={"greeting": ["421 4.3.2 busy"] * 2 + ["220 back"]}), Sink())
        one = carrier(clock)
        route = f"smtp://127.0.0.1:{down.port},127.0.0.1:{up.port}"
        assert [each.ending for each in await carry(one, route, 3)] == [Ending.DELIVERED] * 3
        assert (down.connections, up.connections) == (1, 1)
        clock.advance(REST + 1)
        await carry(one, route)
        assert down.connections == 2  # asked first again, still busy
        clock.advance(REST + 1)
        await carry(one, route)
        assert len(down.taken) == 1
        one.pool.close()


async def test_when_nobody_answers_the_destination_is_unreachable_in_the_words_of_the_first(clock: FixedClock) -> None:
    async with running(Sink(script={"greeting": "421 4.3.2 busy"})) as busy:
        [end] = await carry(carrier(clock), f"smtp://127.0.0.1:{busy.port},127.0.0.1:1")
    assert end.ending is Ending.UNREACHABLE
    assert str(end.reply) == "421 4.3.2 busy"


@pytest.mark.parametrize(("script", "tried"), [({"MAIL": CLOSE}, 1), ({"DATA": CLOSE}, 1), ({"END": CLOSE}, 0)])
async def test_another_host_is_tried_only_while_no_octets_went_out(
    clock: FixedClock, script: dict[str, str | list[str]], tried: int
) -> None:
    async with AsyncExitStack() as stack:
        bad, good = await sinks(stack, Sink(script=script), Sink())
        one = carrier(clock)
        [end] = await carry(one, f"smtp://127.0.0.1:{bad.port},127.0.0.1:{good.port}")
        assert len(good.taken) == tried
        assert end.ending is (Ending.DELIVERED if tried else Ending.DEFERRED)
        one.pool.close()


async def test_a_refusal_is_final_for_this_attempt(clock: FixedClock) -> None:
    async with AsyncExitStack() as stack:
        refusing, other = await sinks(stack, Sink(script={"RCPT": "550 5.1.1 who?"}), Sink())
        one = carrier(clock)
        [end] = await carry(one, f"smtp://127.0.0.1:{refusing.port},127.0.0.1:{other.port}")
        assert (end.ending, other.connections) == (Ending.FAILED, 0)
        one.pool.close()


async def test_exchangers_are_found_by_dns_and_tried_in_order(clock: FixedClock) -> None:
    async with running(Sink()) as sink:
        zone = {
            "d.example MX": ("20 backup.example.", "10 main.example.", "30 nowhere.example."),
            "main.example A": ("127.0.0.2",),  # nobody listens there
            "backup.example A": ("127.0.0.1",),
        }
        one = carrier(clock, port=sink.port, zone=zone)
        [end] = await one.carry(PARCEL, ToExchangers("d.example"))
        assert end.ending is Ending.DELIVERED
        assert end.remote == f"backup.example[127.0.0.1]:{sink.port}"
        one.pool.close()


@pytest.mark.parametrize(
    ("zone", "ending", "reply"),
    [
        (None, Ending.UNREACHABLE, replies.DOMAIN_UNKNOWN_NOW),
        ({"d.example MX": ("0 .",)}, Ending.FAILED, replies.NULL_MX),
        ({"d.example MX": ("10 mx.example.org.",)}, Ending.FAILED, replies.MAIL_LOOP),
        ({"d.example MX": ("10 a.example.",)}, Ending.FAILED, replies.BAD_EXCHANGER),
    ],
)
async def test_dns_that_names_nobody(
    clock: FixedClock, zone: dict[str, tuple[str, ...]] | None, ending: Ending, reply: replies.Reply
) -> None:
    [end] = await carrier(clock, zone=zone).carry(PARCEL, ToExchangers("d.example"))
    assert (end.ending, end.reply) == (ending, reply)


async def test_without_a_store_mail_for_it_waits(clock: FixedClock) -> None:
    [end] = await carrier(clock).carry(PARCEL, ToMailbox())
    assert (end.ending, end.reply) == (Ending.UNREACHABLE, replies.NO_ROUTE)


def test_the_memory_of_silent_hosts_is_bounded(clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.delivery.pool.MAX_RESTING", 3)
    pool = Pool(monotonic=clock.monotonic)
    route = parse_route("smtp://a:25,b:25,c:25,d:25,e:25")
    doors = route.endpoints  # type: ignore[union-attr]
    for door in doors[:4]:
        pool.rest(door)
    assert pool.rested_first(doors) == [doors[3], doors[4], *doors[:3]]
    clock.advance(REST + 1)
    pool.rest(doors[4])
    assert pool.rested_first(doors) == list(doors)
