"""The front door with the queue's real custody behind it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.clock import SystemClock
from gateway.queue.custody import Custody
from gateway.queue.identifiers import parse_id
from gateway.queue.records import TrackQuery
from gateway.queue.states import State
from tests.inbound.house import HOLD, open_house
from tests.inbound.talk import MESSAGE, Talk

LARGE = MESSAGE + b"x" * 70 + b"\r\n" + b"..dots\r\n" * 40_000


async def test_what_was_answered_with_250_is_in_the_ledger(tmp_path: Path) -> None:
    custody = Custody.open(tmp_path, clock=SystemClock())
    try:
        async with open_house(shelf=custody) as house:
            house.bench.verdicts = {"v@example.net": HOLD}
            ids = []
            for octets in (MESSAGE, LARGE):
                talk = await Talk.to(house.port)
                await talk.begin("u@example.net", "v@example.net")
                await talk.send(octets + b".\r\n")
                said = await talk.line()
                assert said.startswith("250 2.0.0 Accepted as ")
                ids.append(parse_id(said.split()[-1]))
                await talk.close()
        small = await custody.message(ids[0])
        assert small is not None
        assert [each.state for each in small.recipients] == [State.QUEUED, State.HELD]
        assert bytes(await custody.octets(ids[0])) == MESSAGE
        assert bytes(await custody.octets(ids[1])) == LARGE.replace(b"\r\n..", b"\r\n.")
        assert await custody.delivered_octets(ids[0]) == b"Received: from us\r\n" + MESSAGE
        assert sum(1 for each in (tmp_path / "spool").iterdir()) == 1
    finally:
        await custody.close()


async def test_what_was_refused_is_in_tracking_and_leaves_no_octets(tmp_path: Path) -> None:
    custody = Custody.open(tmp_path, clock=SystemClock())
    try:
        async with open_house(shelf=custody, limits={"message_size": 100_000}) as house:
            talk = await Talk.to(house.port)
            await talk.begin()
            await talk.send(LARGE + b".\r\n")
            assert (await talk.line()).startswith("552 5.3.4 ")
            await talk.ask("MAIL FROM:<a@sender.example>")
            assert (await talk.ask("RCPT TO:<x@foreign.example>")).startswith("550 5.7.1 ")
            await talk.ask("RCPT TO:<u@example.net>")
            await talk.ask("DATA")
            await talk.send(LARGE[:90_000])
            await asyncio.sleep(0.05)
            await talk.close()
        assert list((tmp_path / "spool").iterdir()) == []
    finally:
        await custody.close()
    custody = Custody.open(tmp_path, clock=SystemClock())
    try:
        rows = await custody.track(TrackQuery(), limit=10)
        assert sorted(each.recipient for each in rows) == ["u@example.net", "x@foreign.example"]
    finally:
        await custody.close()
