"""gateway/app/recipients/next_hops.py: what the next hop can take, at a real front door with a real next hop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.recipients.next_hops import FRESH, NextHops
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.delivery.callahead import CallAhead
from gateway.delivery.relay import Timeouts
from gateway.delivery.routes import ToHops
from gateway.facts.outcome import Known, Unknown
from gateway.inbound.ports import Ports
from gateway.mail import replies
from tests.delivery.sink import ALL, CLOSE, Sink, running
from tests.inbound.house import House, PlainPolicy, open_house
from tests.inbound.talk import Talk

UTF8 = (*ALL, "SMTPUTF8")


def call_ahead() -> CallAhead:
    async def doors(route: object) -> object:
        assert isinstance(route, ToHops)
        return route.endpoints

    return CallAhead(doors=doors, greet_as="mx.example.org", timeouts=Timeouts(connect=1.0, command=2.0))  # type: ignore[arg-type]


@pytest.fixture
async def counters(tmp_path: Path) -> AsyncIterator[tuple[Counters, FixedClock]]:
    clock = FixedClock(1_800_000_000.0)
    opened = Counters.open(tmp_path / "counters", clock=clock)
    yield opened, clock
    await opened.close()


async def test_it_is_asked_once_while_its_answer_is_fresh(counters: tuple[Counters, FixedClock]) -> None:
    notes, clock = counters
    sink = Sink()
    async with running(sink):
        for _ in range(2):  # two processes
            hops = NextHops(call_ahead(), notes, now=clock.now)
            assert await hops.takes_utf8_address(sink.route) == Known(False)
            assert await hops.takes_utf8_header(sink.route) == Known(False)
        assert sink.connections == 1
        sink.extensions = UTF8
        clock.advance(FRESH + 1)
        assert await hops.takes_utf8_address(sink.route) == Known(True)
        assert "MAIL" not in " ".join(sink.commands)


async def test_a_store_keeps_any_header(counters: tuple[Counters, FixedClock]) -> None:
    notes, clock = counters
    sink = Sink(lmtp=True)
    async with running(sink):
        hops = NextHops(call_ahead(), notes, now=clock.now)
        assert await hops.takes_utf8_header(sink.route) == Known(True)
        assert await hops.takes_utf8_header("mailbox") == Known(True)
        assert await hops.takes_utf8_address(sink.route) == Known(False)


async def test_who_does_not_answer_has_said_nothing_and_is_asked_again(counters: tuple[Counters, FixedClock]) -> None:
    notes, clock = counters
    sink = Sink(extensions=UTF8, script={"greeting": [CLOSE, "220 sink.example"]})
    async with running(sink):
        hops = NextHops(call_ahead(), notes, now=clock.now)
        assert isinstance(await hops.takes_utf8_address(sink.route), Unknown)
        assert await hops.takes_utf8_address(sink.route) == Known(True)


@pytest.mark.parametrize("destination", ["mx:example.net", "nonsense"])
async def test_exchangers_and_what_is_no_route_are_not_asked(
    destination: str, counters: tuple[Counters, FixedClock]
) -> None:
    hops = NextHops(call_ahead(), counters[0], now=counters[1].now)
    assert isinstance(await hops.takes_utf8_address(destination), Unknown)


@asynccontextmanager
async def house_before(sink: Sink) -> AsyncIterator[House]:
    def edit(ports: Ports) -> Ports:
        return replace(ports, next_hops=NextHops(call_ahead(), ports.counters, now=ports.clock.now))

    async with (
        running(sink),
        open_house(policy=PlainPolicy(routes={"example.net": sink.route}), edit=edit) as house,
    ):
        yield house


async def dialogue(house: House, *commands: str) -> list[str]:
    talk = await Talk.to(house.port)
    await talk.say_hello()
    said = [(await talk.ask(command))[:9] for command in commands]
    await talk.close()
    return said


FROM_GREEK, TO_GERMAN = "MAIL FROM:<δοκιμή@sender.example> SMTPUTF8", "RCPT TO:<ü@example.net>"
PLAIN, TO_U = "MAIL FROM:<a@sender.example> SMTPUTF8", "RCPT TO:<u@example.net>"


async def test_addresses_are_refused_at_rcpt_where_the_next_hop_cannot_take_them() -> None:
    async with house_before(Sink()) as house:
        assert await dialogue(house, FROM_GREEK, TO_U) == ["250 2.1.0", "550 5.6.7"]
        assert await dialogue(house, PLAIN, TO_GERMAN, TO_U) == ["250 2.1.0", "550 5.6.7", "250 2.1.5"]
        assert {each.reply for each in house.shelf.refusals} == {replies.NO_UTF8}


async def test_they_are_taken_where_it_can_and_where_it_cannot_be_told() -> None:
    async with house_before(Sink(extensions=UTF8)) as house:
        assert await dialogue(house, FROM_GREEK, TO_GERMAN) == ["250 2.1.0", "250 2.1.5"]
    async with house_before(Sink(script={"greeting": CLOSE})) as house:
        assert await dialogue(house, FROM_GREEK, TO_GERMAN) == ["250 2.1.0", "250 2.1.5"]


HEADER = "Subject: δοκιμή\r\n\r\nbody\r\n."


async def test_a_header_is_refused_after_the_data_and_mail_that_merely_declares_it_is_not() -> None:
    async with house_before(Sink()) as house:
        said = await dialogue(house, PLAIN, TO_U, "DATA", HEADER, PLAIN, TO_U, "DATA", "Subject: t\r\n\r\nδοκιμή\r\n.")
        assert said[3] == str(replies.NO_UTF8_HEADER)[:9]
        assert said[-1] == "250 2.0.0"
        assert len(house.shelf.accepted) == 1
    async with house_before(Sink(extensions=UTF8)) as house:
        assert (await dialogue(house, PLAIN, TO_U, "DATA", HEADER))[-1] == "250 2.0.0"
