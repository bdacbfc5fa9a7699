"""Release and delete over a real custody: what goes, what stays, and what the record says."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.facts.content import Findings, MalwareFact, MalwareResult, YaraFact
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.mail.message import Octets
from gateway.quarantine.release import MAX_REASON, Ending, delete, release
from gateway.queue.custody import Custody
from gateway.queue.records import Event, HeldItem
from gateway.queue.states import State
from tests.console.seed import MALWARE, PHISHING, SPAM, Letter, hold, octets_of
from tests.quarantine.conftest import ADMIN, ALICE, AUDITOR, BOB, OPERATOR
from tests.quarantine.second_looks import NO_MATCH, matching

CLEAN: Outcome[MalwareFact] = Known(MalwareFact(MalwareResult.CLEAN))
FOUND: Outcome[MalwareFact] = Known(MalwareFact(MalwareResult.FOUND, "Eicar-Test-Signature"))
UNSCANNABLE: Outcome[MalwareFact] = Known(MalwareFact(MalwareResult.UNSCANNABLE, "archive.encrypted"))


class Scan:
    """A second look whose answer the test chooses; remembers what it was asked about."""

    def __init__(self, answer: Outcome[MalwareFact], yara: Outcome[YaraFact] = NO_MATCH) -> None:
        self.answer = Findings(answer, yara)
        self.asked: list[bytes] = []

    async def __call__(self, octets: Octets) -> Findings:
        self.asked.append(bytes(octets))
        return self.answer


async def _held(custody: Custody, letter: Letter) -> HeldItem:
    items = await hold(custody, letter, now=time.time())
    return next(each for each in items if each.recipient == "bob@example.org")


async def _state(custody: Custody, item: HeldItem) -> State:
    seen = await custody.held_item(item.id)
    assert seen is not None
    return seen.state


async def _released(custody: Custody, item: HeldItem) -> list[Event]:
    return [each for each in await custody.events(item.message_id) if each.kind == "released"]


async def test_a_refused_release_is_on_record_with_person_and_why(custody: Custody) -> None:
    item = await _held(custody, PHISHING)
    result = await release(custody, Scan(FOUND), actor=OPERATOR, recipient_id=item.id, reason="my  boss")
    assert result.ending is Ending.REFUSED
    story = await custody.events(item.message_id)
    (event,) = [each for each in story if each.kind == "not released"]
    assert (event.actor, event.recipient, event.detail) == (
        "otto", "bob@example.org", {"why": result.text, "reason": "my boss"},
    )  # fmt: skip
    assert await _state(custody, item) is State.HELD


async def test_a_clean_message_goes_and_the_record_names_person_and_reason(custody: Custody) -> None:
    item, scan = await _held(custody, PHISHING), Scan(CLEAN)
    result = await release(custody, scan, actor=OPERATOR, recipient_id=item.id, reason="  known\n partner ")
    assert (result.ending, result.text) == (Ending.DONE, "Released.")
    assert await _state(custody, item) is State.QUEUED
    assert scan.asked == [octets_of(PHISHING)]
    (event,) = await _released(custody, item)
    assert (event.actor, event.detail["reason"]) == ("otto", "known partner")


async def test_what_will_be_delivered_are_the_octets_received(custody: Custody) -> None:
    item = await _held(custody, PHISHING)
    await release(custody, Scan(CLEAN), actor=OPERATOR, recipient_id=item.id, reason="")
    assert (await custody.delivered_octets(item.message_id)).endswith(octets_of(PHISHING))


@pytest.mark.parametrize("actor", [ADMIN, OPERATOR, BOB])
async def test_what_the_second_scan_finds_stays_for_everybody(custody: Custody, actor: object) -> None:
    item = await _held(custody, SPAM)
    result = await release(custody, Scan(FOUND), actor=actor, recipient_id=item.id, reason="x")  # type: ignore[arg-type]
    assert result.ending is Ending.REFUSED
    assert "Eicar-Test-Signature" in result.text
    assert await _state(custody, item) is State.HELD


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Unknown("clamd unreachable"), "released without a second scan: clamd unreachable"),
        (Skipped("switched off"), "released without a second scan: switched off"),
        (UNSCANNABLE, "the second scan could not look into it: archive.encrypted"),
    ],
)
async def test_doubt_releases_what_was_not_malware_and_says_so(
    custody: Custody, answer: Outcome[MalwareFact], words: str
) -> None:
    item = await _held(custody, SPAM)
    result = await release(custody, Scan(answer), actor=OPERATOR, recipient_id=item.id, reason="wanted")
    assert result.ending is Ending.DONE
    (event,) = await _released(custody, item)
    assert event.detail["reason"] == f"wanted; {words}"


@pytest.mark.parametrize("answer", [Unknown("clamd unreachable"), Skipped(), UNSCANNABLE])
async def test_doubt_keeps_malware(custody: Custody, answer: Outcome[MalwareFact]) -> None:
    item = await _held(custody, MALWARE)
    result = await release(custody, Scan(answer), actor=ADMIN, recipient_id=item.id, reason="a false alarm")
    assert result.ending is Ending.REFUSED
    assert await _state(custody, item) is State.HELD


async def test_malware_goes_only_clean_with_a_reason_and_by_an_administrator(custody: Custody) -> None:
    item = await _held(custody, MALWARE)
    for actor, reason in ((OPERATOR, "why"), (BOB, "why"), (ADMIN, "   ")):
        result = await release(custody, Scan(CLEAN), actor=actor, recipient_id=item.id, reason=reason)
        assert result.ending is Ending.REFUSED
    result = await release(custody, Scan(CLEAN), actor=ADMIN, recipient_id=item.id, reason="a false alarm")
    assert result.ending is Ending.DONE


async def test_malware_by_our_own_rules_stays_for_everybody_and_a_lure_is_for_people_to_judge(custody: Custody) -> None:
    for letter in (SPAM, MALWARE):
        item = await _held(custody, letter)
        look = Scan(CLEAN, matching("lure_form", "dropper_lnk"))
        result = await release(custody, look, actor=ADMIN, recipient_id=item.id, reason="x")
        assert (result.ending, "dropper_lnk" in result.text) == (Ending.REFUSED, True)
    item = await _held(custody, PHISHING)
    result = await release(custody, Scan(CLEAN, matching("lure_form")), actor=OPERATOR, recipient_id=item.id, reason="")
    assert (result.ending, result.text) == (Ending.DONE, "Released.")


async def test_what_our_own_rules_could_not_look_into_is_told(custody: Custody) -> None:
    item = await _held(custody, SPAM)
    look = Scan(CLEAN, Unknown("anatomist worker died"))
    assert (await release(custody, look, actor=OPERATOR, recipient_id=item.id, reason="")).ending is Ending.DONE
    (event,) = await _released(custody, item)
    assert event.detail["reason"] == "the second scan could not look into all of it: anatomist worker died"


async def test_twice_is_once(custody: Custody) -> None:
    item = await _held(custody, SPAM)
    both = await asyncio.gather(
        *(release(custody, Scan(CLEAN), actor=OPERATOR, recipient_id=item.id, reason="") for _ in range(2))
    )
    assert sorted(each.ending for each in both) == [Ending.DONE, Ending.GONE]
    later = await release(custody, Scan(CLEAN), actor=OPERATOR, recipient_id=item.id, reason="")
    assert later.ending is Ending.GONE
    assert len(await _released(custody, item)) == 1


async def test_who_may_not_act_asks_no_engine(custody: Custody) -> None:
    item, scan = await _held(custody, PHISHING), Scan(CLEAN)
    for actor, ending in ((AUDITOR, Ending.REFUSED), (BOB, Ending.REFUSED), (ALICE, Ending.ABSENT)):
        result = await release(custody, scan, actor=actor, recipient_id=item.id, reason="")
        assert result.ending is ending
    assert scan.asked == []


async def test_another_persons_item_is_as_absent_as_none(custody: Custody) -> None:
    item = await _held(custody, PHISHING)
    theirs = await delete(custody, actor=ALICE, recipient_id=item.id, reason="")
    none = await delete(custody, actor=ALICE, recipient_id=item.id + 1, reason="")
    assert (theirs.ending, theirs.text) == (none.ending, none.text) == (Ending.ABSENT, none.text)
    assert await _state(custody, item) is State.HELD


async def test_delete_closes_one_copy_and_only_once(custody: Custody) -> None:
    items = await hold(custody, MALWARE, now=time.time())
    alices, bobs = (next(e for e in items if e.recipient.startswith(name)) for name in ("alice", "bob"))
    first = await delete(custody, actor=BOB, recipient_id=bobs.id, reason="r" * 9999)
    second = await delete(custody, actor=BOB, recipient_id=bobs.id, reason="")
    assert (first.ending, second.ending) == (Ending.DONE, Ending.GONE)
    assert await _state(custody, bobs) is State.DROPPED
    assert await _state(custody, alices) is State.HELD
    (event,) = [each for each in await custody.events(bobs.message_id) if each.kind == "deleted"]
    assert event.actor == "bob@example.org"
    assert event.detail["reason"] == "r" * MAX_REASON
