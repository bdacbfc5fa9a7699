"""gateway/quarantine/rescan.py: what becomes of mail that waits to be scanned."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.facts.content import Findings, MalwareFact, MalwareResult
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.mail.message import Octets
from gateway.quarantine.rescan import AGAIN, FAILURES, Rescanning
from gateway.queue.custody import Custody
from gateway.queue.records import NewRecipient, Selection
from gateway.queue.states import State
from tests.quarantine.second_looks import CLEAN, FOUND, NO_MATCH, found, matching, policy
from tests.queue.samples import LARGE, NOW, OCTETS, accept, acceptance, kinds_of, recipient, state_of

UNSCANNABLE = Known(MalwareFact(MalwareResult.UNSCANNABLE, "size limit", "clamav"))
GONE = Unknown("clamd unreachable")


class House:
    """A custody, an engine that says what it is told, and the alerts that were raised."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock(NOW)
        self.custody = Custody.open(folder, clock=self.clock)
        self.answer = found()
        self.scanned: list[bytes] = []
        self.alerts: list[str] = []
        self.rescanning = Rescanning(
            self.custody,
            self.scan,
            self.clock,
            policy=policy,
            alert=self.alert,
        )

    async def scan(self, octets: Octets) -> Findings:
        self.scanned.append(bytes(octets))
        return self.answer

    async def alert(self, name: str, words: str) -> None:
        self.alerts.append(words)

    async def waiting(self, *, due: float | None = None, octets: bytes = OCTETS) -> int:
        return await accept(self.custody, acceptance(unscanned(due)), octets)


def unscanned(due: float | None = None) -> NewRecipient:
    return replace(recipient(state=State.UNSCANNED), due=due)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "custody")
    yield house
    await house.custody.close()


async def test_people_are_told_of_rounds_that_fail_again_and_again(house: House) -> None:
    async def broken(octets: Octets) -> Findings:
        raise OSError("no process to be had")

    await house.waiting()
    house.rescanning.scan = broken
    for _ in range(FAILURES):
        assert house.alerts == []
        await house.rescanning.turn()
    (told,) = house.alerts
    assert f"{FAILURES} times in a row" in told
    assert "no process to be had" in told
    house.rescanning.scan = house.scan
    await house.rescanning.turn()
    assert len(house.scanned) == 1, "and it goes on where it can"
    assert len(house.alerts) == 1


@pytest.mark.parametrize("octets", [OCTETS, LARGE], ids=["small", "large"])
async def test_clean_mail_goes_on(house: House, octets: bytes) -> None:
    message = await house.waiting(octets=octets)
    assert await house.custody.claim("courier", lease=60.0) == []
    assert await house.rescanning.round() == 1
    assert house.scanned == [octets]
    assert await state_of(house.custody, message) == [State.QUEUED]
    assert len(await house.custody.claim("courier", lease=60.0)) == 1
    told = (await house.custody.events(message))[-1]
    assert await kinds_of(house.custody, message) == ["accepted", "unscanned", "rescanned"]
    assert (told.actor, told.detail["reason"]) == (
        "rescan",
        "clean, by clamav with signatures 27451 and our own rules 0123",
    )


async def test_malware_is_held_and_never_delivered(house: House) -> None:
    message = await house.waiting()
    house.answer = found(FOUND)
    await house.rescanning.round()
    assert await state_of(house.custody, message) == [State.HELD]
    (record,) = (await house.custody.message(message)).recipients
    assert (record.quarantine, record.expires_at) == ("malware", NOW + 7200.0)
    assert house.alerts == ["a second scan found Eicar in mail to bob@example.org: it is held"]
    assert await house.custody.claim("courier", lease=60.0) == []


async def test_what_cannot_be_looked_into_is_held_for_people(house: House) -> None:
    message = await house.waiting()
    house.answer = found(UNSCANNABLE)
    await house.rescanning.round()
    (record,) = (await house.custody.message(message)).recipients
    assert (record.state, record.quarantine) == (State.HELD, "unscannable")


async def test_nothing_is_scanned_before_its_time(house: House) -> None:
    message = await house.waiting(due=NOW + 1800.0)
    house.clock.advance(1799.0)
    assert await house.rescanning.round() == 0
    assert await state_of(house.custody, message) == [State.UNSCANNED]
    house.clock.advance(1.0)
    assert await house.rescanning.round() == 1


async def test_doubt_waits_asks_nobody_else_and_is_for_people_at_the_end(house: House) -> None:
    first, second = await house.waiting(), await house.waiting()
    house.answer = found(GONE)
    assert await house.rescanning.round() == 0
    assert len(house.scanned) == 1, "an engine that does not answer is not asked about all the others"
    await house.rescanning.round()
    await house.rescanning.round()
    assert len(house.scanned) == 2, "each has its own time to be tried again"
    assert await state_of(house.custody, first) == await state_of(house.custody, second) == [State.UNSCANNED]
    house.clock.advance(AGAIN)
    house.answer = found()
    assert await house.rescanning.round() == 2

    third = await house.waiting()
    house.clock.advance(3600.0)
    house.answer = found(GONE)
    await house.rescanning.round()
    (record,) = (await house.custody.message(third)).recipients
    assert (record.state, record.quarantine) == (State.HELD, "unscannable")


async def test_a_person_may_hold_it_or_delete_it_meanwhile(house: House) -> None:
    held, deleted = await house.waiting(), await house.waiting()
    assert await house.custody.hold(Selection(message_id=held), actor="ana", reason="looks odd") == 1
    assert await house.custody.delete_selected(Selection(message_id=deleted), actor="ana", reason="spam") == 1
    assert await house.rescanning.round() == 0
    assert await state_of(house.custody, held) == [State.HELD]
    assert await state_of(house.custody, deleted) == [State.DROPPED]


@pytest.mark.parametrize(("rule", "quarantine"), [("dropper_lnk", "malware"), ("lure_form", "phishing")])
async def test_what_our_own_rules_find_is_held_as_at_the_door(house: House, rule: str, quarantine: str) -> None:
    message = await house.waiting()
    house.answer = found(CLEAN, matching(rule))
    assert await house.rescanning.round() == 1
    (record,) = (await house.custody.message(message)).recipients
    assert (record.state, record.quarantine) == (State.HELD, quarantine)


async def test_our_own_rules_are_enough_where_the_engine_is_switched_off_and_not_where_they_could_not_look(
    house: House,
) -> None:
    message = await house.waiting()
    house.answer = found(CLEAN, Unknown("anatomist worker died"))
    assert await house.rescanning.round() == 0
    assert await state_of(house.custody, message) == [State.UNSCANNED]
    house.clock.advance(AGAIN)
    house.answer = found(Skipped("the malware engine is switched off"), NO_MATCH)
    assert await house.rescanning.round() == 1
    assert await state_of(house.custody, message) == [State.QUEUED]
    assert (await house.custody.events(message))[-1].detail["reason"] == "clean, by our own rules 0123"
