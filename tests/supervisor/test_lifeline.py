from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.supervisor.lifeline import VARIABLE, Lifeline


async def test_ready_and_the_first_beat_are_said_and_the_end_is_heard() -> None:
    ours, theirs = socket.socketpair()
    stop = asyncio.Event()
    serving = asyncio.ensure_future(Lifeline(theirs).serve(stop))
    reader, writer = await asyncio.open_connection(sock=ours)
    async with asyncio.timeout(180):
        assert await reader.readline() == b"ready\n"
        writer.close()
        await writer.wait_closed()
        await serving
    assert stop.is_set(), "a role ends when its supervisor is gone"


async def test_it_ends_when_the_role_is_told_to() -> None:
    ours, theirs = socket.socketpair()
    stop = asyncio.Event()
    serving = asyncio.ensure_future(Lifeline(theirs).serve(stop))
    reader, writer = await asyncio.open_connection(sock=ours)
    async with asyncio.timeout(180):
        await reader.readline()
        stop.set()
        await serving
        assert await reader.read() in (b"", b"beat\n")
    writer.close()
    await writer.wait_closed()


async def test_by_hand_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    stop = asyncio.Event()
    serving = asyncio.ensure_future(Lifeline.inherited().serve(stop))
    await asyncio.sleep(0)
    assert not serving.done()
    stop.set()
    await serving


async def test_it_is_taken_from_the_environment_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setenv(VARIABLE, str(theirs.detach()))
    lifeline = Lifeline.inherited()
    stop = asyncio.Event()
    stop.set()
    await lifeline.serve(stop)
    assert ours.recv(100) == b"ready\n"
    ours.close()
    assert Lifeline.inherited()._connection is None
