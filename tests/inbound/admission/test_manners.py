"""gateway/inbound/admission/manners.py at a real door: who has to wait once, who speaks too early, who is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.inbound.admission import manners
from gateway.mail import replies
from gateway.policy.policy import Bans, Doing, RateLimit, Whose
from gateway.policy.quantities import Rate
from tests.inbound.house import PATIENCE, House, PlainGroup, PlainPolicy, open_house
from tests.inbound.talk import Talk

PATIENT = PlainPolicy(everyone=PlainGroup("strangers", patience=2.0))


async def greeted(house: House, sends: bytes = b"EHLO c.example\r\n") -> str:
    """The last line of the answer to HELO, or of what came in place of the greeting."""
    talk = await Talk.to(house.port)
    said = await talk.line()
    if said.startswith("220 "):
        await talk.send(sends)
        said = (await talk.reply())[-1]
    await talk.close()
    return said


async def test_a_stranger_waits_once_and_never_again() -> None:
    async with open_house(policy=PATIENT) as house:
        assert (await greeted(house)).startswith("250 ")
        assert 19 <= house.naps.count(manners.LOOK) <= 20
        house.naps.clear()
        assert (await greeted(house)).startswith("250 ")
        assert house.naps == []
        house.clock.advance(manners.REMEMBERED + 1)
        assert (await greeted(house)).startswith("250 ")
        assert manners.LOOK in house.naps


async def test_all_processes_know_who_waited() -> None:
    async with open_house(policy=PATIENT) as one, open_house(policy=PATIENT, folder=one.folder) as two:
        await greeted(one)
        await greeted(two)
        assert two.naps == []


async def test_who_speaks_while_it_should_wait_is_refused_at_once_and_stays_a_stranger() -> None:
    async with open_house(policy=PATIENT) as house:
        spoken = asyncio.Event()

        async def until_spoken(seconds: float) -> None:
            house.naps.append(seconds)
            await spoken.wait()

        household = house.front._household
        house.front._household = replace(household, sleep=until_spoken)
        talk = await Talk.to(house.port)
        await talk.send(b"EHLO early.example\r\n")
        await asyncio.sleep(0.05)
        spoken.set()
        assert await talk.line() == str(replies.SPOKE_TOO_EARLY)
        assert await talk.ask("QUIT") == str(replies.BYE)
        assert await talk.is_closed()
        await talk.close()
        assert house.naps.count(manners.LOOK) <= 1
        await greeted(house)
        assert len(house.naps) >= 19
    (refusal,) = house.shelf.refusals
    assert (refusal.stage, refusal.reason) == ("connect", "spoke before the greeting")


async def test_a_stranger_that_sends_more_than_its_helo_is_refused_and_hung_up_on() -> None:
    batch = b"EHLO c.example\r\nMAIL FROM:<a@sender.example>\r\nRCPT TO:<u@example.net>\r\nDATA\r\n"
    async with open_house(policy=PATIENT) as house:
        for _ in range(2):
            assert await greeted(house, batch) == str(replies.IMPATIENT)
        assert {(each.stage, each.reason) for each in house.shelf.refusals} == {
            ("helo", "sent commands before the answer to HELO")
        }
        await greeted(house)
        assert (await greeted(house, batch)).startswith("250 "), "who is known may be in a hurry"


async def test_who_has_to_wait_for_nothing_may_be_in_a_hurry() -> None:
    async with open_house() as house:
        assert (await greeted(house, b"EHLO c.example\r\nNOOP\r\n")).startswith("250 ")
        assert house.naps == []


async def test_the_impatient_are_shut_out_in_the_end(monkeypatch: object) -> None:
    import pytest

    from gateway.counters import keeper
    from gateway.policy.lists import EntryList

    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    monkeypatch.setattr(keeper, "ROUND", 0.02)
    monkeypatch.setattr("gateway.inbound.server.own_networks", lambda trusted: EntryList(()))
    bans = Bans(600.0, (RateLimit(Whose.CLIENT, Doing.EARLY_TALKS, Rate(2, 86400.0), "default.yaml:9"),))
    async with open_house(policy=replace(PATIENT, bans=bans)) as house:
        for _ in range(3):
            assert await greeted(house, b"EHLO c.example\r\nNOOP\r\n") == str(replies.IMPATIENT)
        async with asyncio.timeout(PATIENCE):
            while await greeted(house) != str(replies.BANNED):
                await asyncio.sleep(0.02)
        (ban,) = await house.counters.bans()
        assert (ban.reason, ban.by) == ("more than 2/d early talks", "postern")
