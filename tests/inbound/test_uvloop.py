"""The same doors on uvloop, which the product runs on: its transports and its TLS are other code than asyncio's."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import uvloop

from gateway.mail import replies
from tests.inbound.dialog import FOLDER, play
from tests.inbound.house import open_house
from tests.inbound.talk import MESSAGE, Talk

STORIES = ("basic", "pipelining", "starttls", "starttls-injection", "submission", "submissions", "long-lines")


@pytest.mark.parametrize("name", STORIES)
def test_dialog(name: str, tls: ssl.SSLContext) -> None:
    uvloop.run(play(FOLDER / f"{name}.smtp", tls))


def test_half_closed_clients_are_answered() -> None:
    async def story() -> None:
        async with open_house() as house:
            talk = await Talk.to(house.port)
            assert (await talk.line()).startswith("220 ")
            await talk.send(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<u@example.net>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
            talk.writer.write_eof()
            assert [(await talk.line())[:3] for _ in range(6)] == ["250", "250", "250", "354", "250", "221"]
            assert await talk.is_closed()
            await talk.close()

    uvloop.run(story())


def test_drain() -> None:
    async def story() -> None:
        async with open_house() as house:
            idle, busy = await Talk.to(house.port), await Talk.to(house.port)
            await idle.say_hello()
            await busy.begin()
            await busy.send(MESSAGE)
            draining = asyncio.ensure_future(house.front.drain(5.0))
            assert await idle.line() == str(replies.SHUTTING_DOWN)
            await busy.send(b".\r\n")
            assert (await busy.line()).startswith("250 2.0.0 ")
            await draining
            await idle.close()
            await busy.close()

    uvloop.run(story())


def test_who_does_not_finish_is_cut_off() -> None:
    async def story() -> None:
        async with open_house() as house:
            talk = await Talk.to(house.port)
            await talk.begin()
            await house.front.drain(0.05)
            assert house.front.connections == 0
            assert await talk.is_closed()
            await talk.close()

    uvloop.run(story())


def test_a_client_that_vanishes_within_tls(tls: ssl.SSLContext) -> None:
    async def story() -> None:
        async with open_house(tls=tls) as house:
            talk = await Talk.to(house.port)
            await talk.say_hello()
            await talk.ask("STARTTLS")
            await talk.start_tls()
            await talk.send(b"EHLO again.example\r\nMAIL FROM:<>\r\n")
            talk.writer.transport.abort()
            await house.is_left()

    uvloop.run(story())
