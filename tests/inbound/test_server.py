from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from gateway.inbound.ports import Door
from gateway.inbound.server import FrontDoor, Listener
from gateway.mail import replies
from gateway.settings import Settings
from tests.inbound.house import NOW, PlainGroup, PlainLimits, PlainPolicy, open_house
from tests.inbound.talk import MESSAGE, Talk


async def test_one_message_comes_through_every_door(tls: ssl.SSLContext) -> None:
    async with open_house(tls=tls) as house:
        for door in Door:
            talk = await Talk.to(house.ports[door], tls=door is Door.SUBMISSIONS)
            await talk.say_hello()
            if door is Door.SUBMISSION:
                await talk.ask("STARTTLS")
                await talk.start_tls()
                await talk.ask("EHLO client.example")
            if door.is_submission:
                await talk.ask("AUTH PLAIN AGFsaWNlAGNvcnJlY3QgaG9yc2U=")
            for line in ("MAIL FROM:<alice@example.net>", "RCPT TO:<u@example.net>", "DATA"):
                await talk.ask(line)
            await talk.send(MESSAGE + b".\r\n")
            assert (await talk.line()).startswith("250 2.0.0 Accepted as ")
            assert await talk.ask("QUIT") == str(replies.BYE)
            assert await talk.is_closed()
            await talk.close()
    assert [octets for _, octets in house.shelf.accepted] == [MESSAGE] * 3
    assert {acceptance.received_at for acceptance, _ in house.shelf.accepted} == {NOW}


async def test_idle_clients_are_sent_away_and_an_open_data_finishes() -> None:
    async with open_house() as house:
        idle, busy = await Talk.to(house.port), await Talk.to(house.port)
        await idle.say_hello()
        await busy.begin()
        await busy.send(MESSAGE)
        draining = asyncio.ensure_future(house.front.drain(5.0))
        assert await idle.line() == str(replies.SHUTTING_DOWN)
        assert await idle.is_closed()
        with pytest.raises(ConnectionRefusedError):
            await Talk.to(house.port)
        await busy.send(b".\r\n")
        assert (await busy.line()).startswith("250 2.0.0 ")
        assert await busy.line() == str(replies.SHUTTING_DOWN)
        assert await busy.is_closed()
        await draining
        assert len(house.shelf.accepted) == 1
        await idle.close()
        await busy.close()


async def test_who_does_not_finish_is_cut_off_but_custody_is_waited_for() -> None:
    async with open_house() as house:
        house.shelf.gate = asyncio.Event()
        slow, given = await Talk.to(house.port), await Talk.to(house.port)
        await slow.begin()
        await given.begin()
        await given.send(MESSAGE + b".\r\n")
        await house.shelf.reached.wait()
        draining = asyncio.ensure_future(house.front.drain(0.05))
        assert await slow.is_closed()
        assert await given.is_closed()
        assert not draining.done()
        house.shelf.gate.set()
        await draining
        assert len(house.shelf.accepted) == 1, "a commit that has begun is not torn"
        assert house.front.connections == 0
        await slow.close()
        await given.close()


async def test_a_full_house() -> None:
    async with open_house(limits={"connections": 1}) as house:
        first, second = await Talk.to(house.port), await Talk.to(house.port)
        await first.say_hello()
        assert await second.line() == str(replies.TOO_BUSY)
        assert await second.is_closed()
        await second.close()
        assert (await first.ask("QUIT")).startswith("221 ")
        await first.close()
        await house.is_left()
        third = await Talk.to(house.port)
        await third.say_hello()
        await third.close()


async def test_too_many_from_one_client() -> None:
    policy = PlainPolicy(groups={"127.0.0.1": PlainGroup("few", limits=PlainLimits(connections=2))})
    async with open_house(policy=policy) as house:
        talks = [await Talk.to(house.port) for _ in range(3)]
        said = [await talk.line() for talk in talks]
        assert said[2] == str(replies.TOO_MANY_CONNECTIONS)
        assert [each.rule for each in house.shelf.refusals] == ["few"]
        for talk in talks:
            await talk.close()


async def test_a_full_house_says_nothing_in_clear_where_tls_is_expected(tls: ssl.SSLContext) -> None:
    async with open_house(limits={"connections": 1}, tls=tls) as house:
        first = await Talk.to(house.port)
        await first.say_hello()
        second = await Talk.to(house.ports[Door.SUBMISSIONS])
        assert await second.is_closed()
        await first.close()
        await second.close()


async def test_garbage_in_place_of_a_handshake_ends_the_session_and_nothing_else(tls: ssl.SSLContext) -> None:
    async with open_house(tls=tls) as house:
        talk = await Talk.to(house.ports[Door.SUBMISSIONS])
        await talk.send(b"EHLO client.example\r\n")
        await talk.reader.read()
        await talk.close()
        await house.is_left()
        other = await Talk.to(house.ports[Door.SUBMISSIONS], tls=True)
        await other.say_hello()
        await other.close()


async def test_submission_without_tls_is_not_opened(tls: ssl.SSLContext) -> None:
    async with open_house() as house:
        listener = Listener(Door.SUBMISSION, socket.create_server(("127.0.0.1", 0)))
        ports = house.front._household.ports
        with pytest.raises(ValueError, match="needs a certificate"):
            FrontDoor([listener], ports=ports, settings=Settings(), tls_context=None)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with pytest.warns(DeprecationWarning):
            old.minimum_version = ssl.TLSVersion.TLSv1
        with pytest.raises(ValueError, match=r"TLS 1\.2"):
            FrontDoor([listener], ports=ports, settings=Settings(), tls_context=old)
        listener.socket.close()
