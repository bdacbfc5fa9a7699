"""gateway/quarantine/retraction.py: delivered mail is looked at again, and malware comes back into the quarantine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.facts.connection import ClientFact
from gateway.facts.content import ContentFact, Findings, MalwareFact, MalwareResult, PartFact, YaraFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.message import Octets
from gateway.quarantine.retraction import Looked, Retraction, owner_of
from gateway.quarantine.retro_watch import FAILURES, RULES, SIGNATURES, TRIES, RetroWatch
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.states import State
from tests.quarantine.second_looks import FOUND, NO_MATCH, found, matching, policy
from tests.queue.samples import NOW, accept, acceptance, attempt, kinds_of, recipient, state_of

CLEAN = Known(MalwareFact(MalwareResult.CLEAN, engine="clamav", signatures="2"))
ZIP = ContentFact(parts=(PartFact("2", "a.zip", "", "application/zip", 9, "00"),))
TEXT = ContentFact(parts=(PartFact("1", "", "text/plain", "text/plain", 9, "00"),))


class Store:
    """A store in memory, which may be silent."""

    def __init__(self) -> None:
        self.copies: dict[tuple[str, str], bytes] = {}
        self.is_silent = False

    async def read(self, owner: str, reference: str) -> bytes | None:
        return self.copies.get((owner, reference))

    async def remove(self, owner: str, reference: str) -> None:
        if self.is_silent:
            raise RuntimeError("the store is silent")
        self.copies.pop((owner, reference), None)


class House:
    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock(NOW)
        self.custody = Custody.open(folder, clock=self.clock)
        self.store = Store()
        self.evil: set[bytes] = set()
        self.scanned: list[bytes] = []
        self.alerts: list[str] = []
        self.version: str | None = "1"
        self.rules = ""
        self.matches: dict[bytes, tuple[str, ...]] = {}
        self.yara: Outcome[YaraFact] = NO_MATCH
        self.last: dict[str, str] = {}
        self.retraction = Retraction(
            self.custody,
            self.store,
            self.scan,
            self.clock,
            policy=policy,
            alert=self.alert,
        )
        self.watch = RetroWatch(
            self.retraction, signatures=self.signatures, rules=lambda: self.rules, memory=self, alert=self.alert
        )

    async def scan(self, octets: Octets) -> Findings:
        self.scanned.append(bytes(octets))
        matches = self.matches.get(bytes(octets))
        said = Unknown("clamd unreachable") if self.version is None else CLEAN
        return found(FOUND if bytes(octets) in self.evil else said, matching(*matches) if matches else self.yara)

    async def alert(self, name: str, words: str) -> None:
        self.alerts.append(words)

    async def signatures(self) -> str | None:
        return self.version

    async def seen(self, kind: str) -> str:
        return self.last.get(kind, "")

    async def remember(self, kind: str, version: str) -> None:
        self.last[kind] = version

    async def delivered(
        self,
        octets: bytes,
        content: ContentFact = ZIP,
        malware: Outcome[MalwareFact] = CLEAN,
        *to: str,
        yara: Outcome[YaraFact] = NO_MATCH,
    ) -> int:
        """A message that was delivered into the store."""
        people = to or ("bob@example.org",)
        evidence = Evidence(
            NOW,
            "inbound",
            ClientFact("192.0.2.7"),
            "",
            people,
            MessageFact(9),
            content=Known(content),
            malware=malware,
            yara=yara,
        )
        what = replace(acceptance(*(recipient(each) for each in people)), evidence=evidence.to_json())
        message = await accept(self.custody, what, octets)
        for claim in await self.custody.claim("courier", lease=60.0):
            assert await self.custody.finish(claim, attempt(State.DELIVERED))
        for each in people:
            self.store.copies[each, text_of(message)] = octets
        return message


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    house = House(tmp_path / "custody")
    yield house
    await house.custody.close()


@pytest.mark.parametrize("evil", [b"Subject: x\r\n\r\nevil\r\n", b"Subject: x\r\n\r\n" + b"evil" * 40_000 + b"\r\n"])
async def test_what_newer_signatures_know_is_taken_back_and_can_be_given_again(house: House, evil: bytes) -> None:
    message, other = await house.delivered(evil), await house.delivered(b"Subject: y\r\n\r\ngood\r\n")
    assert await house.watch.round() == Looked(), "the first look only learns which signatures there are"
    house.evil, house.version = {evil}, "2"
    assert await house.watch.round() == Looked(scanned=2, taken_back=1)
    assert await state_of(house.custody, message) == [State.HELD]
    assert await state_of(house.custody, other) == [State.DELIVERED]
    assert list(house.store.copies) == [("bob@example.org", text_of(other))]
    assert (await kinds_of(house.custody, message))[-2:] == ["retracted", "removed"]
    assert (await house.custody.octets(message))[:] == evil
    assert house.alerts == [
        "Eicar was found in delivered mail to bob@example.org: it was taken out of the mailbox and is held"
    ]
    assert await house.watch.round() == Looked(), "nothing is looked at twice with the same signatures"

    (held,) = (await house.custody.message(message)).recipients
    assert held.quarantine == "malware"
    assert await house.custody.release(held.id, actor="ana", reason="a false alarm")
    (claim,) = await house.custody.claim("courier", lease=60.0)
    assert await house.custody.delivered_octets(claim.message_id) == evil


async def test_a_crash_before_the_store_let_go_is_made_good(house: House) -> None:
    message = await house.delivered(b"evil\r\n")
    house.evil, house.last[SIGNATURES] = {b"evil\r\n"}, "0"
    house.store.is_silent = True
    with pytest.raises(RuntimeError):
        await house.watch.round()
    assert await state_of(house.custody, message) == [State.HELD], "in custody before it leaves the store"
    assert house.store.copies
    house.store.is_silent = False
    await house.watch.round()
    assert house.store.copies == {}
    assert (await kinds_of(house.custody, message))[-2:] == ["retracted", "removed"]


async def test_copies_of_several_people_come_back_each(house: House) -> None:
    message = await house.delivered(b"evil\r\n", ZIP, CLEAN, "bob@example.org", "eve@example.org")
    house.evil, house.last[SIGNATURES] = {b"evil\r\n"}, "0"
    assert await house.watch.round() == Looked(scanned=2, taken_back=2)
    assert await state_of(house.custody, message) == [State.HELD, State.HELD]
    assert house.store.copies == {}


async def test_text_old_mail_and_deleted_mail_are_left_alone(house: House) -> None:
    await house.delivered(b"text\r\n", TEXT)
    await house.delivered(b"old\r\n")
    house.clock.advance(3601.0)
    gone = await house.delivered(b"deleted\r\n")
    del house.store.copies["bob@example.org", text_of(gone)]
    house.last[SIGNATURES] = "0"
    assert await house.watch.round() == Looked()
    assert house.scanned == []


async def test_what_passed_unscanned_is_scanned_when_the_engine_is_back_and_once(house: House) -> None:
    house.version, house.last[SIGNATURES] = None, "1"
    message = await house.delivered(b"text\r\n", TEXT, Unknown("clamd unreachable"))
    evil = await house.delivered(b"evil\r\n", TEXT, Unknown("clamd unreachable"))
    assert await house.watch.round() == Looked()
    house.version, house.evil = "1", {b"evil\r\n"}
    assert await house.watch.round() == Looked(scanned=2, taken_back=1)
    assert (await house.custody.events(message))[-1].detail[
        "reason"
    ] == "clean, scanned after delivery by clamav with signatures 2 and our own rules 0123"
    assert await state_of(house.custody, evil) == [State.HELD]
    assert await house.watch.round() == Looked()
    house.version = None
    await house.watch.round()
    house.version = "1"
    await house.watch.round()
    assert (await kinds_of(house.custody, message)).count("rescanned") == 1


@pytest.mark.parametrize(("rule", "quarantine"), [("dropper_lnk", "malware"), ("lure_form", "phishing")])
async def test_other_rules_of_ours_find_old_mail_of_any_kind_and_without_an_engine(
    house: House, rule: str, quarantine: str
) -> None:
    house.version = None
    text, other = await house.delivered(b"click here\r\n", TEXT), await house.delivered(b"text\r\n", TEXT)
    house.rules = "first"
    assert await house.watch.round() == Looked(), "the first look only learns which rules there are"
    house.rules, house.matches = "second", {b"click here\r\n": (rule,)}
    assert await house.watch.round() == Looked(scanned=2, taken_back=1)
    (held,) = (await house.custody.message(text)).recipients
    assert (held.state, held.quarantine) == (State.HELD, quarantine)
    assert list(house.store.copies) == [("bob@example.org", text_of(other))]
    assert house.last[RULES] == "second"
    assert await house.watch.round() == Looked(), "nothing is looked at twice with the same rules"


async def test_what_matched_at_the_door_or_is_only_told_by_the_policy_stays(house: House) -> None:
    await house.delivered(b"known\r\n", TEXT, yara=matching("lure_form"))
    await house.delivered(b"told\r\n", TEXT)
    house.last[RULES], house.rules = "first", "second"
    house.matches = {b"known\r\n": ("lure_form",), b"told\r\n": ("only_told",)}
    assert await house.watch.round() == Looked(scanned=2)
    assert len(house.store.copies) == 2


async def test_a_lure_that_a_person_released_is_not_taken_back_again(house: House) -> None:
    message = await house.delivered(b"click here\r\n", TEXT)
    house.last[RULES], house.rules, house.matches = "first", "second", {b"click here\r\n": ("lure_form",)}
    assert (await house.watch.round()).taken_back == 1
    (held,) = (await house.custody.message(message)).recipients
    assert await house.custody.release(held.id, actor="ana", reason="our own newsletter")
    (claim,) = await house.custody.claim("courier", lease=60.0)
    assert await house.custody.finish(claim, attempt(State.DELIVERED))
    house.store.copies["bob@example.org", text_of(message)] = b"click here\r\n"
    house.rules = "third"
    assert await house.watch.round() == Looked(scanned=1)
    assert await state_of(house.custody, message) == [State.DELIVERED]


async def test_what_can_never_be_told_is_left_to_people_after_some_passes(house: House) -> None:
    await house.delivered(b"kills anatomists\r\n")
    house.last[SIGNATURES], house.version, house.yara = "1", "2", Unknown("not examined")
    assert [await house.watch.round() for _ in range(TRIES + 1)] == [Looked(scanned=1, in_doubt=1)] * TRIES + [Looked()]
    assert house.alerts == ["1 copies of delivered mail could not be scanned again"]


async def test_people_are_told_of_looks_that_fail_again_and_again(house: House) -> None:
    await house.delivered(b"evil\r\n")
    house.evil, house.last[SIGNATURES] = {b"evil\r\n"}, "0"
    house.store.is_silent = True
    for _ in range(FAILURES - 1):
        await house.watch.turn()
    found = len(house.alerts)
    await house.watch.turn()
    await house.watch.turn()
    told = house.alerts[found:]
    assert [words.partition(":")[0] for words in told] == [
        f"delivered mail cannot be scanned again, {times} times in a row" for times in (FAILURES, FAILURES + 1)
    ], "raised again as long as it goes on"
    assert all("the store is silent" in words for words in told)
    house.store.is_silent = False
    await house.watch.turn()
    house.store.is_silent = True
    await house.delivered(b"evil\r\n")
    house.version = "3"
    await house.watch.turn()
    assert len([words for words in house.alerts if "in a row" in words]) == 2, "the count begins anew"


async def test_a_pass_that_has_to_stop_is_begun_again_at_the_next_start(house: House) -> None:
    await house.delivered(b"evil\r\n")
    house.evil, house.last[SIGNATURES] = {b"evil\r\n"}, "0"
    house.watch.retraction = replace(house.retraction, stopping=lambda: True)
    assert await house.watch.round() == Looked(in_doubt=1)
    assert (house.scanned, house.last[SIGNATURES]) == ([], "0")
    house.watch.retraction = house.retraction
    assert await house.watch.round() == Looked(scanned=1, taken_back=1)


@pytest.mark.parametrize(
    ("recipient", "owner"),
    [
        ("bob@example.org", "bob@example.org"),
        ("bob+news@example.org", "bob@example.org"),
        ("+x@a.example", "+x@a.example"),
    ],
)
def test_the_mailbox_of_a_recipient(recipient: str, owner: str) -> None:
    assert owner_of(recipient) == owner
