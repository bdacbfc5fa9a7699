"""The line to aiosmtpd and asyncio: nothing of aiosmtpd's own answers can be reached; the private names are there."""

from __future__ import annotations

import asyncio
import inspect

import aiosmtpd
import pytest
from aiosmtpd.smtp import SMTP

from gateway.inbound.protocol import wire
from gateway.inbound.protocol.wire import Wire
from gateway.inbound.session import Session
from gateway.inbound.verbs import VERBS
from gateway.mail import replies
from tests.inbound.house import open_house
from tests.inbound.talk import Talk


def test_aiosmtpd_is_the_one_that_was_read() -> None:
    assert aiosmtpd.__version__ == "1.4.6"


def test_every_verb_of_aiosmtpd_is_ours() -> None:
    theirs = {name.removeprefix("smtp_") for name in dir(SMTP) if name.startswith("smtp_")}
    assert theirs
    assert theirs <= VERBS.keys()
    for verb, method in VERBS.items():
        assert method.__module__.startswith("gateway.inbound.verbs."), verb


def test_every_step_of_aiosmtpd_that_answers_is_ours() -> None:
    """Whatever in aiosmtpd pushes a reply is either overridden, or called by nothing that is left of it."""
    ours = {name for each in (Wire, Session) for name in vars(each)}
    speakers = {
        name
        for name, method in vars(SMTP).items()
        if inspect.iscoroutinefunction(method) and "self.push(" in inspect.getsource(method)
    }
    verbs_and_their_helpers = {name for name in speakers if name.startswith(("smtp_", "auth_", "check_", "challenge_"))}
    assert {"_handle_client"} == speakers - verbs_and_their_helpers
    assert {"_handle_client", "_timeout_cb", "_reset_timeout", "eof_received"} <= ours
    silent = {"connection_made", "connection_lost", "_create_session", "_create_envelope", "_cb_client_connected"}
    for name in silent:
        assert "push" not in inspect.getsource(getattr(SMTP, name))


async def test_no_connection_pays_for_introspection(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("introspection")

    monkeypatch.setattr(inspect, "getmembers", forbidden)
    monkeypatch.setattr(SMTP, "__init__", forbidden)
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.close()


async def test_a_batch_is_answered_in_one_packet() -> None:
    async with open_house() as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        await talk.send(b"NOOP\r\nMAIL FROM:<>\r\nRCPT TO:<u@example.net>\r\nRSET\r\n")
        packet = await talk.reader.read(65536)
        assert packet.count(b"\r\n") == 4
        await talk.close()


async def test_idle_clients_are_told_and_left() -> None:
    async with open_house(limits={"idle": 0.05}) as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        assert await talk.line() == str(replies.IDLE_TOO_LONG)
        assert await talk.is_closed()
        await talk.close()


async def test_dripping_does_not_prolong_a_command() -> None:
    async with open_house(limits={"idle": 0.2}) as house:
        talk = await Talk.to(house.port)
        await talk.say_hello()
        said = asyncio.ensure_future(talk.line())
        while not said.done():
            talk.writer.write(b"N")
            await asyncio.wait([said], timeout=0.05)
        assert await said == str(replies.IDLE_TOO_LONG)
        await talk.close()


async def test_our_own_slowness_is_not_the_clients() -> None:
    async with open_house(limits={"idle": 0.05}) as house:
        house.bench.gate = asyncio.Event()
        talk = await Talk.to(house.port)
        await talk.begin()
        await talk.send(b"x\r\n.\r\n")
        asyncio.get_running_loop().call_later(0.3, house.bench.gate.set)
        assert (await talk.line()).startswith("250 ")
        await talk.close()


async def test_who_does_not_take_our_last_words_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CLOSING_PATIENCE", 0.05)
    async with open_house(limits={"idle": 0.2}) as house:
        talk = await Talk.to(house.port)
        talk.reader._transport.pause_reading()
        talk.writer.write(b"HELP\r\n" * 90 + b"VRFY x\r\n" * 5)
        await house.is_left()
        await talk.close()


async def test_a_client_that_has_said_everything_is_answered() -> None:
    """It closes its half and listens on."""
    async with open_house() as house:
        talk = await Talk.to(house.port)
        assert (await talk.line()).startswith("220 ")
        await talk.send(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<u@example.net>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")
        talk.writer.write_eof()
        said = [(await talk.line())[:3] for _ in range(6)]
        assert said == ["250", "250", "250", "354", "250", "221"]
        assert await talk.is_closed()
        await talk.close()
    assert len(house.shelf.accepted) == 1


async def test_a_flood_of_commands_lets_others_in() -> None:
    async with open_house() as house:
        flood, other = await Talk.to(house.port), await Talk.to(house.port)
        assert (await flood.line()).startswith("220 ")
        flood.writer.write(b"RCPT TO:<u@example.net>\r\n" * 20000)
        await other.say_hello()
        assert (await other.ask("NOOP")).startswith("250 ")
        await flood.close()
        await other.close()
