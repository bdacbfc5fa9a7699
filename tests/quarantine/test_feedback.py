"""gateway/quarantine/feedback.py: what people do with held mail becomes lessons, over a real custody and ledger."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.facts.content import Findings, MailClass
from gateway.mail.message import Octets
from gateway.quarantine.feedback import Feedback
from gateway.quarantine.release import Ending, delete, release, report
from gateway.quarantine.rights import Actor
from gateway.queue.custody import Custody
from gateway.queue.records import HeldItem
from gateway.queue.states import State
from gateway.spam.site.teaching import OPERATOR as MACHINES_OWNER
from gateway.spam.site.teaching import Ledger, Way
from tests.console.seed import MALWARE, PHISHING, SPAM, Letter, hold, octets_of
from tests.quarantine.conftest import ADMIN, AUDITOR, BOB, OPERATOR
from tests.quarantine.second_looks import found


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "lessons")


@pytest.fixture
def feedback(ledger: Ledger) -> Feedback:
    return Feedback(ledger, SystemClock())


async def clean(octets: Octets) -> Findings:
    return found()


async def held(custody: Custody, letter: Letter) -> HeldItem:
    items = await hold(custody, letter, now=time.time())
    return next(each for each in items if each.recipient == "bob@example.org")


async def test_releasing_spam_teaches_that_it_is_ham(custody: Custody, ledger: Ledger, feedback: Feedback) -> None:
    item = await held(custody, SPAM)
    done = await release(custody, clean, actor=BOB, recipient_id=item.id, reason="", feedback=feedback)
    assert done.ending is Ending.DONE
    (lesson,), _ = ledger.lessons()
    assert (lesson.label, lesson.by, lesson.way) == (MailClass.HAM, BOB.name, Way.RELEASE)
    assert lesson.sender
    assert ledger.octets(lesson) == octets_of(SPAM)


async def test_releasing_malware_and_deleting_teach_nothing(
    custody: Custody, ledger: Ledger, feedback: Feedback
) -> None:
    item = await held(custody, MALWARE)
    await release(custody, clean, actor=ADMIN, recipient_id=item.id, reason="a test", feedback=feedback)
    other = await held(custody, SPAM)
    await delete(custody, actor=BOB, recipient_id=other.id, reason="")
    assert ledger.lessons()[0] == []


async def test_a_report_drops_the_copy_and_teaches_what_it_is(
    custody: Custody, ledger: Ledger, feedback: Feedback
) -> None:
    item = await held(custody, PHISHING)
    for expected in (Ending.DONE, Ending.GONE):
        done = await report(
            custody, feedback, actor=OPERATOR, recipient_id=item.id, label=MailClass.PHISHING, reason=""
        )
        assert done.ending is expected, "a second time there is nothing to report"
    seen = await custody.held_item(item.id)
    assert seen is not None
    assert seen.state is State.DROPPED
    (lesson,), _ = ledger.lessons()
    assert (lesson.label, lesson.by, lesson.way) == (MailClass.PHISHING, OPERATOR.name, Way.REPORT)


async def test_who_may_not_act_teaches_nothing(custody: Custody, ledger: Ledger, feedback: Feedback) -> None:
    item = await held(custody, SPAM)
    refused = await report(custody, feedback, actor=AUDITOR, recipient_id=item.id, label=MailClass.SPAM, reason="")
    assert refused.ending is Ending.REFUSED
    assert (
        await release(custody, clean, actor=AUDITOR, recipient_id=item.id, reason="", feedback=feedback)
    ).ending is Ending.REFUSED
    assert ledger.lessons()[0] == []


async def test_an_account_called_operator_is_not_the_machines_owner(
    custody: Custody, ledger: Ledger, feedback: Feedback
) -> None:
    item = await held(custody, SPAM)
    person: Actor = replace(OPERATOR, name=MACHINES_OWNER)
    await release(custody, clean, actor=person, recipient_id=item.id, reason="", feedback=feedback)
    (lesson,), _ = ledger.lessons()
    assert lesson.by != MACHINES_OWNER


async def test_a_ledger_that_cannot_be_written_stops_no_release(custody: Custody, tmp_path: Path) -> None:
    (tmp_path / "lessons").write_text("in the way")
    item = await held(custody, SPAM)
    broken = Feedback(Ledger(tmp_path / "lessons"), SystemClock())
    done = await release(custody, clean, actor=BOB, recipient_id=item.id, reason="", feedback=broken)
    assert done.ending is Ending.DONE
