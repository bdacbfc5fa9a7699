"""DATA and BDAT where something goes wrong between them and us; what goes right stands in the transcripts."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.inbound import receiving
from gateway.mail import replies
from tests.inbound.house import open_house
from tests.inbound.talk import Talk


async def begin_chunks(talk: Talk) -> None:
    await talk.say_hello()
    await talk.ask("MAIL FROM:<a@sender.example>")
    await talk.ask("RCPT TO:<u@example.net>")
    await talk.send(b"BDAT 14\r\nSubject: t\r\n\r\n")
    assert await talk.line() == str(replies.chunk_received(14))


async def test_who_leaves_between_or_within_chunks_leaves_nothing() -> None:
    async with open_house() as house:
        for last_words in (b"", b"BDAT 100 LAST\r\nx"):
            talk = await Talk.to(house.port)
            await begin_chunks(talk)
            assert len(house.shelf.open_sinks) == 1
            await talk.send(last_words)
            await talk.close()
            await house.is_left()
            assert (house.shelf.open_sinks, house.shelf.accepted) == ([], [])


async def test_whatever_ends_the_transaction_drops_its_chunks() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await begin_chunks(talk)
        for word in ("RSET", "EHLO again.example", "HELO again.example"):
            assert (await talk.ask(word)).startswith("250")
            assert house.shelf.open_sinks == []
            assert (await talk.ask("EHLO client.example")).startswith("250")
            await talk.send(b"MAIL FROM:<>\r\nRCPT TO:<u@example.net>\r\nBDAT 2\r\nx\r")
            assert [(await talk.line())[:3] for _ in range(3)] == ["250"] * 3
            assert len(house.shelf.open_sinks) == 1
        await talk.close()


async def test_a_message_in_chunks_that_drips_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is for all chunks together: new ones do not prolong it."""
    monkeypatch.setattr(receiving, "DATA_PATIENCE", 0.3)
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await begin_chunks(talk)
        said = str(replies.chunk_received(1))
        while said == str(replies.chunk_received(1)):
            await talk.send(b"BDAT 1\r\nx")
            said = await talk.line()
            await asyncio.sleep(0.02)
        assert said == str(replies.IDLE_TOO_LONG)
        assert house.shelf.open_sinks == []
        await talk.close()


async def test_chunks_without_octets_are_loitering() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await begin_chunks(talk)
        await talk.send(b"BDAT 0\r\n" * 150)
        said = [(await talk.line())[:3] for _ in range(101)]
        assert said == ["250"] * 100 + ["421"]
        await talk.close()


async def test_an_announcement_without_end_is_read_in_bounded_memory_and_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "DATA_PATIENCE", 0.3)
    async with open_house(limits={"message_size": 2000}) as house:
        talk = await Talk.to(house.port)
        await begin_chunks(talk)
        await talk.send(b"BDAT 999999999999\r\n")
        while house.shelf.open_sinks:
            await talk.send(b"x" * 65536)
            await asyncio.sleep(0)
        assert await talk.line() == str(replies.IDLE_TOO_LONG)
        await talk.close()


@pytest.mark.parametrize("command", [b"DATA\r\n", b"BDAT 38 LAST\r\nMAIL FROM:<smuggled@evil.example>\r\nx\r\n"])
async def test_a_spool_that_cannot_be_opened(command: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before the data is asked for, and after a chunk was read to its end: none of it becomes a command."""

    def refuse() -> None:
        raise OSError(5, "/var/spool: input/output error")

    async with open_house() as house:
        monkeypatch.setattr(house.shelf, "incoming", refuse)
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.ask("MAIL FROM:<a@sender.example>")
        await talk.ask("RCPT TO:<u@example.net>")
        with capture_logs() as logs:
            await talk.send(command)
            said = await talk.line()
        assert said.startswith("451 4.3.0 ")
        assert "spool" not in said
        assert len(logs) == 1
        assert (await talk.ask("NOOP")).startswith("250 ")
        await talk.close()


async def test_a_disk_that_fills_up_between_chunks() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await begin_chunks(talk)
        house.shelf.disk_error = OSError(28, "no space left")
        with capture_logs():
            await talk.send(b"BDAT 3\r\nx\r\nBDAT 3 LAST\r\nx\r\nNOOP\r\n")
            said = [await talk.line() for _ in range(3)]
        assert [line[:9] for line in said] == ["452 4.3.1", "503 5.5.1", "250 2.0.0"]
        assert (house.shelf.open_sinks, house.shelf.accepted) == ([], [])
        await talk.close()


async def test_an_open_message_in_chunks_may_finish_when_the_house_closes() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await begin_chunks(talk)
        draining = asyncio.ensure_future(house.front.drain(5.0))
        await asyncio.sleep(0.01)
        await talk.send(b"BDAT 3 LAST\r\nx\r\n")
        assert (await talk.line()).startswith("250 2.0.0 Accepted")
        assert await talk.line() == str(replies.SHUTTING_DOWN)
        await talk.close()
        await draining
        assert len(house.shelf.accepted) == 1


async def test_a_slow_client_holds_its_own_place_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An octet now and then, and a header that never ends: the time of a message is bounded, its memory, and how many
    connections one client may spend on it; others are served meanwhile."""
    monkeypatch.setattr(receiving, "DATA_PATIENCE", 0.5)
    async with open_house(limits={"connections_per_client": 3, "message_size": 100_000}) as house:
        slow = [await Talk.to(house.port) for _ in range(2)]
        for talk in slow:
            await talk.begin()
        other = await Talk.to(house.port)
        await other.say_hello()
        fourth = await Talk.to(house.port)
        assert (await fourth.line()).startswith("421 4.7.0 ")
        said = asyncio.gather(*(talk.line() for talk in slow))
        while not said.done():
            slow[0].writer.write(b"x")
            slow[1].writer.write(b"X-Never: " + b"e" * 1000 + b"\r\n")
            assert (await other.ask("RSET")).startswith("250 ")
            assert all(len(sink._octets) <= 100_000 for sink in house.shelf.open_sinks)
            await asyncio.sleep(0.01)
        assert await said == [str(replies.IDLE_TOO_LONG)] * 2
        assert (house.shelf.open_sinks, house.shelf.accepted) == ([], [])
        for talk in (*slow, other, fourth):
            await talk.close()
