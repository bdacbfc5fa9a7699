"""Clients that are slow, deaf or never stop: none holds more than its share, and each can hear why it goes."""

from __future__ import annotations

import asyncio
import socket
import ssl

import pytest

from gateway.inbound.ports import Door
from gateway.mail import replies
from tests.inbound.house import PATIENCE, open_house
from tests.inbound.talk import Talk


async def test_who_never_reads_replies_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbound.protocol.wire.CLOSING_PATIENCE", 0.1)
    async with open_house(limits={"idle": 0.3, "transactions": 900_000}) as house:
        plug = socket.create_connection(("127.0.0.1", house.port))
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plug.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_recv(plug, 100)
        (guest,) = house.front._occupancy.guests
        guest.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        await loop.sock_sendall(plug, b"EHLO c\r\n")
        talking = b"MAIL FROM:<>\r\nRCPT TO:<u@example.net>\r\nRSET\r\n" * 2000

        async def talk_on() -> None:
            while True:
                await loop.sock_sendall(plug, talking)

        talking_on = asyncio.ensure_future(talk_on())
        try:
            await house.is_left()
        finally:
            talking_on.cancel()
            await asyncio.wait([talking_on])
            plug.close()
        assert isinstance(talking_on.exception(), ConnectionError)


async def test_a_drip_of_data_is_no_sign_of_life() -> None:
    async with open_house(limits={"idle": 0.3}) as house:
        talk = await Talk.to(house.port)
        await talk.begin()
        said = asyncio.ensure_future(talk.line())
        while not said.done():
            talk.writer.write(b"x")
            await asyncio.wait([said], timeout=0.02)
        assert await said == str(replies.IDLE_TOO_LONG)
        assert house.shelf.open_sinks == []
        await talk.close()


async def test_data_that_comes_slowly_but_comes_is_taken() -> None:
    async with open_house(limits={"idle": 0.3}) as house:
        talk = await Talk.to(house.port)
        await talk.begin()
        for _ in range(8):
            await talk.send(b"x" * 1022 + b"\r\n")
            await asyncio.sleep(0.1)
        await talk.send(b".\r\n")
        assert (await talk.line()).startswith("250 ")
        await talk.close()


async def test_who_is_sent_away_hears_why_although_it_does_not_stop() -> None:
    """Octets that come in after a close would reset the connection, and take the reply with them."""
    async with open_house() as house:
        for first in (b"GET / HTTP/1.1\r\n", b"NOOP\n", b"BDAT x\r\n"):
            talk = await Talk.to(house.port)
            assert (await talk.line()).startswith("220 ")
            await talk.send(first)
            for _ in range(20):
                talk.writer.write(b"and so on\r\n" * 1000)
                await asyncio.sleep(0.005)
            assert (await talk.line())[:3] in ("421", "521")
            assert await talk.is_closed()
            await talk.close()
        await house.is_left()


async def test_who_does_not_stop_is_not_heard_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.inbound.protocol.wire.LINGERING", 0.1)
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.line()
        await talk.send(b"GET / HTTP/1.1\r\n")
        await house.is_left()
        await talk.close()


async def test_one_too_many_costs_no_handshake(tls: ssl.SSLContext) -> None:
    async with open_house(limits={"connections_per_client": 1}, tls=tls) as house:
        port = house.ports[Door.SUBMISSIONS]
        first = await Talk.to(port, tls=True)
        assert (await first.line()).startswith("220 ")
        second = await Talk.to(port)
        assert await second.line() == "", "closed in clear, without a word"
        await second.close()
        assert house.shelf.refusals[-1].reply is replies.TOO_MANY_CONNECTIONS
        await first.close()


async def test_a_handshake_that_is_never_begun_counts_and_ends(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.inbound.protocol.wire.HANDSHAKE_PATIENCE", 0.3)
    async with open_house(tls=tls) as house:
        silent = await Talk.to(house.ports[Door.SUBMISSIONS])
        async with asyncio.timeout(PATIENCE):
            while house.front.connections != 1:
                await asyncio.sleep(0.01)
        assert await silent.is_closed()
        await house.is_left()
        await silent.close()
