"""gateway/app/fingerprinting.py and hearing.py: from lessons to facts of a scan, in real jailed workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.app.fingerprinting import take_fingerprints
from gateway.app.hearing import Hearing
from gateway.app.installation import Folders
from gateway.app.learning import Ending, update
from gateway.app.senses import SensesOfProcess, open_senses
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import SystemClock
from gateway.facts.connection import ClientFact
from gateway.facts.content import MailClass
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Skipped
from gateway.facts.reported import ReportedFact
from gateway.mail.address import Address
from gateway.mail.envelope import Direction, Envelope, Recipient
from gateway.mail.message import Message
from gateway.settings import Clamav, Settings
from gateway.spam.site.reported import INDEX
from gateway.spam.site.teaching import OPERATOR, Ledger, Way, sender_in
from gateway.spam.site.versions import Versions
from gateway.spam.site.weighing import NAME, ONE
from tests.app.test_learning import PEOPLE, campaign, seminar, teach, teach_both

SPAM, HAM = MailClass.SPAM, MailClass.HAM


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, clamav=Clamav(address="off"))


async def take(settings: Settings, now: float = 1e6) -> int:
    return await take_fingerprints(settings, Folders(settings.data), now=now)


@asynccontextmanager
async def senses_of(settings: Settings) -> AsyncIterator[SensesOfProcess]:
    async with open_senses(settings, Folders(settings.data), SystemClock(), zone=ZoneResolver({})) as senses:
        yield senses


async def scanned(senses: SensesOfProcess, octets: bytes, direction: Direction = Direction.INBOUND) -> Evidence:
    envelope = Envelope(Address.parse("a@b.example"), (Recipient(Address.parse("rcpt@example.net")),), direction)
    return await senses.scanner.scan(Message.from_wire(octets), envelope, ClientFact("192.0.2.7"), received_at=1e6)


def score(evidence: Evidence) -> float:
    assert isinstance(evidence.spam, Known)
    return evidence.spam.value.score


async def test_one_report_moves_the_score_of_its_copies_at_once_and_of_nothing_else(settings: Settings) -> None:
    async with senses_of(settings) as senses:
        before, other = score(await scanned(senses, seminar(7))), score(await scanned(senses, campaign(1)))
        teach(settings, seminar(1), label=SPAM, by="ann@example.org", number=1)
        assert await take(settings) == 1
        after = await scanned(senses, seminar(7))
        assert isinstance(after.reported, Known)
        assert (after.reported.value.by, after.reported.value.voices) == (("ann@example.org",), 1)
        assert score(after) == pytest.approx(before + ONE, abs=0.001)
        assert NAME in {each.name for each in after.spam.value.signals}  # type: ignore[union-attr]
        assert score(await scanned(senses, campaign(1))) == other
        assert (await scanned(senses, seminar(7), Direction.OUTBOUND)).reported == Skipped("outgoing mail")
        Ledger(Folders(settings.data).lessons).forget("ann@example.org", at=2.0)
        assert await take(settings) == 0
        assert score(await scanned(senses, seminar(7))) == before


async def test_a_release_by_anybody_ends_it(settings: Settings) -> None:
    for number, by in enumerate(("ann", "ben", OPERATOR)):
        teach(settings, campaign(number), label=SPAM, by=by, number=number)
    await take(settings)
    async with senses_of(settings) as senses:
        held = await scanned(senses, campaign(99))
        assert isinstance(held.reported, Known)
        assert held.reported.value.voices == 4
        teach(settings, campaign(50), label=HAM, by="eve", number=50)
        assert await take(settings) == 4
        assert (await scanned(senses, campaign(99))).reported == Known(ReportedFact())


async def test_only_messages_that_are_new_are_taken_apart(settings: Settings) -> None:
    teach(settings, seminar(1), label=SPAM, by="ann", number=1)
    assert await take(settings) == 1
    gone = Settings(data=settings.data, model=settings.data / "none")
    assert await take(gone) == 1
    Ledger(Folders(settings.data).lessons).forget("ben", at=2.0)
    teach(settings, seminar(1), label=SPAM, by="ben", number=3)
    assert await take(gone) == 2, "the same message, by another one"
    async with senses_of(settings) as senses:
        fact = (await scanned(senses, seminar(2))).reported
        assert isinstance(fact, Known)
        assert fact.value.by == ("ben", "ann")


async def test_what_cannot_be_taken_apart_now_is_tried_again(settings: Settings) -> None:
    teach(settings, seminar(1), label=SPAM, by="ann", number=1)
    assert await take(Settings(data=settings.data, model=settings.data / "none")) == 0
    assert await take(settings) == 1


async def test_going_back_gives_every_score_again_as_it_was(settings: Settings) -> None:
    mail = [seminar(7), campaign(3), campaign(70)]
    folders = Folders(settings.data)
    async with senses_of(settings) as senses:

        async def scores() -> list[object]:
            senses.reload()
            return [(await scanned(senses, each)).spam for each in mail]

        untaught = await scores()
        teach_both(settings, teachers=PEOPLE, each=50)
        teach(settings, campaign(3), label=SPAM, by=OPERATOR, number=9_000)
        await take(settings)
        assert (await update(settings, folders)).ending is Ending.LEARNT
        first = await scores()
        teach(settings, seminar(7), label=SPAM, by=OPERATOR, number=9_500)
        await take(settings)
        assert (await update(settings, folders)).ending is Ending.LEARNT
        assert await scores() != first
        assert Versions(folders.layer).go_back()
        await take(settings)
        assert await scores() == first
        assert Versions(folders.layer).go_back()
        await take(settings)
        assert await scores() == untaught


async def test_three_moves_say_whose_mail_one_reader_wants_and_nobody_else(settings: Settings) -> None:
    async with senses_of(settings) as senses:
        for number in range(3):
            octets = campaign(number).replace(b"herbal-%d" % number, b"herbal")
            Ledger(Folders(settings.data).lessons).teach(
                octets, label=SPAM, by="RCPT@example.net", way=Way.JUNK, sender=sender_in(octets), at=float(number)
            )
        await take(settings)
        other = seminar(1).replace(b"seminars-1.example", b"herbal.example")
        fact = (await scanned(senses, other)).reported
        assert isinstance(fact, Known)
        assert (fact.value.sender_unwanted_by, fact.value.sender_wanted_by) == (("rcpt@example.net",), ())
        assert fact.value.voices == 0, "the text is another one"
        assert (await scanned(senses, seminar(2))).reported == Known(ReportedFact())


async def test_a_bad_file_leaves_what_was_known_in_force(settings: Settings) -> None:
    teach(settings, seminar(1), label=SPAM, by="ann", number=1)
    await take(settings)
    folders = Folders(settings.data)
    hearing = Hearing(folders)
    async with senses_of(settings) as senses:
        fingerprint = (await senses.anatomists.examine(Message.from_wire(seminar(1)))).fingerprint

    async def asked(of: Hearing) -> ReportedFact:
        outcome = await of.about(fingerprint, author="", recipients=(), now=2.0)
        assert isinstance(outcome, Known)
        return outcome.value

    told = await asked(hearing)
    assert told.voices == 1
    (folders.fingerprints / INDEX).write_text("{")
    assert await asked(hearing) == told
    assert await asked(Hearing(folders)) == ReportedFact()
