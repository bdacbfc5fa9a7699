"""News are told once, in order, without gaps, however far behind a listener is."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.console import newsroom
from gateway.console.newsroom import Newsroom
from gateway.queue.custody import Custody
from tests.console.seed import SPAM, hold


async def test_a_listener_waits_until_there_is_news(custody: Custody) -> None:
    room = Newsroom(custody)
    await room.begin()
    waiting = asyncio.ensure_future(room.after(room.head))
    await room.look()
    assert not waiting.done()
    await hold(custody, SPAM, now=time.time())
    await room.look()
    assert [each.kind for each in await waiting] == ["accepted", "held"]


async def test_what_left_the_memory_comes_from_the_ledger(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newsroom, "REMEMBERED", 3)
    room = Newsroom(custody)
    await room.begin()
    start = room.head
    for _ in range(4):
        await hold(custody, SPAM, now=time.time())
        await room.look()
    everything = await custody.events_after(0, limit=100)
    assert await room.after(start) == everything
    assert await room.after(everything[-3].sequence) == everything[-2:]


async def test_a_ledger_that_fails_is_asked_again(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newsroom, "INTERVAL", 0.001)
    room = Newsroom(custody)
    await room.begin()
    asked = 0
    real = custody.events_after

    async def fails_twice(sequence: int, *, limit: int) -> list[object]:
        nonlocal asked
        asked += 1
        if asked < 3:
            raise OSError("the disk is away")
        return list(await real(sequence, limit=limit))

    monkeypatch.setattr(custody, "events_after", fails_twice)
    running = asyncio.ensure_future(room.run())
    await hold(custody, SPAM, now=time.time())
    async with asyncio.timeout(180):
        assert [each.kind for each in await room.after(0)] == ["accepted", "held"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
