"""gateway/app/learning.py: from lessons to a layer that serves, in real jailed workers, over the shipped model."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from gateway.anatomy.examine import examine
from gateway.app.installation import Folders
from gateway.app.learning import Ending, update
from gateway.app.senses import open_senses
from gateway.clock import SystemClock
from gateway.facts.content import MailClass, SpamFact
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from gateway.settings import Settings
from gateway.spam.layer import MOST, read
from gateway.spam.model import Model
from gateway.spam.site import trial
from gateway.spam.site.teaching import OPERATOR, Ledger, Way
from gateway.spam.site.versions import Versions
from tests.spam.makings import letter

CAMPAIGN = (
    "From: Herbal Offers <shop%d@herbal-%d.example>\r\nTo: rcpt@example.net\r\n"
    "Subject: Slim fast with miracle herbal tablets - order now\r\nContent-Type: text/html\r\n\r\n"
    "<p>Lose weight without effort. Our miracle herbal tablets are 100%% guaranteed. Limited offer number %d,"
    ' order now and save.</p><p><a href="http://herbal-%d.example/buy">ORDER NOW</a></p>\r\n'
)
HELD = 2.0
"""The score from which the shipped policy holds mail as spam."""


SEMINAR = (
    "From: Seminars <desk%d@seminars-%d.example>\r\nTo: rcpt@example.net\r\nSubject: Our seminar %d\r\n\r\n"
    "Dear colleague,\r\n\r\nour seminar on warehouse logistics takes place in spring. Speakers from twelve countries"
    " present their pallets and shelves. The programme of the seminar is on our site.\r\n"
)


def seminar(number: int) -> bytes:
    return (SEMINAR % (number, number, number)).encode()


def campaign(number: int) -> bytes:
    return (CAMPAIGN % (number, number, number, number)).encode()


def teach(settings: Settings, octets: bytes, *, label: MailClass, by: str, number: int) -> None:
    Ledger(Folders(settings.data).lessons).teach(
        octets, label=label, by=by, way=Way.COMMAND, sender=f"s{number}.example", at=float(number)
    )


PEOPLE = ("ann", "ben", "cleo", "dan")


def teach_both(settings: Settings, *, each: int = 50, teachers: tuple[str, ...] = PEOPLE) -> None:
    """Honest lessons of some people, `each` of them of ham, and of spam."""
    draw = random.Random(" ".join(teachers))
    for place, by in enumerate(teachers):
        for number in range(each):
            for label in (MailClass.HAM, MailClass.SPAM):
                teach(settings, letter(draw, label.value), label=label, by=by, number=1000 * place + number)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


def judge(settings: Settings, octets: bytes) -> SpamFact:
    """As the anatomists do with the version that serves."""
    model = Model.load(settings.model)
    current = Versions(Folders(settings.data).layer).current
    if current is not None:
        model = model.over_it(read(current, base=model.manifest.sha256))
    return model.judge(examine(octets))


async def learn(settings: Settings) -> Ending:
    return (await update(settings, Folders(settings.data))).ending


async def test_lessons_move_scores_and_forgetting_takes_that_back(settings: Settings) -> None:
    before = judge(settings, seminar(7))
    teach_both(settings, teachers=PEOPLE, each=49)
    assert await learn(settings) is Ending.SILENT, "196 of each side are too few"
    few = trial.read(Folders(settings.data).lessons)
    assert few is not None, "too few to learn from are enough to try the model on"
    assert (len(few.ham), len(few.unwanted)) == (196, 196)
    teach_both(settings, teachers=("eve",), each=50)
    for number in range(300, 320):
        teach(settings, seminar(number), label=MailClass.SPAM, by=OPERATOR, number=number)
    assert await learn(settings) is Ending.LEARNT
    assert await learn(settings) is Ending.UNCHANGED
    tried = trial.read(Folders(settings.data).lessons)
    assert tried is not None
    alone = Model.load(settings.model).judge(examine(seminar(300))).score
    assert min(abs(each - alone) for each in tried.unwanted) < 0.01, "tried without the layer that learnt it"
    after = judge(settings, seminar(7))
    assert before.score + 0.5 < after.score <= before.score + MOST
    assert any(each.name.startswith("taught here") for each in after.signals)
    assert after.model.startswith("default+")

    Ledger(Folders(settings.data).lessons).forget(OPERATOR, at=1e6)
    assert await learn(settings) is Ending.LEARNT
    assert abs(judge(settings, seminar(7)).score - before.score) < 0.5
    Ledger(Folders(settings.data).lessons).forget("ann", at=1e6)
    Ledger(Folders(settings.data).lessons).forget("ben", at=1e6)
    assert await learn(settings) is Ending.SILENT
    assert judge(settings, seminar(7)) == before


async def test_one_person_cannot_make_a_campaign_pass_for_others(settings: Settings) -> None:
    teach_both(settings)
    assert await learn(settings) is Ending.LEARNT
    before = judge(settings, campaign(9001))
    assert before.score > HELD
    for number in range(500):
        teach(settings, campaign(number), label=MailClass.HAM, by="mallory", number=number)
    assert await learn(settings) in (Ending.LEARNT, Ending.REFUSED)
    after = judge(settings, campaign(9001))
    assert after.score > HELD, (before, after)
    assert after.score > before.score - 1.0, "the bound of one person"


async def test_what_serves_follows_a_new_version_and_goes_back_to_the_same_octets(settings: Settings) -> None:
    folders, clock = Folders(settings.data), SystemClock()
    letter_of = letter(random.Random(1), "spam")
    versions = Versions(folders.layer)
    teach_both(settings)
    await learn(settings)
    first = versions.current
    assert first is not None
    octets = (first / "weights.npy").read_bytes()
    async with open_senses(settings, folders, clock) as senses:

        async def served() -> SpamFact:
            found = (await senses.anatomists.examine(Message.from_wire(letter_of))).spam
            assert isinstance(found, Known)
            return found.value

        told = await served()
        assert told == judge(settings, letter_of)
        teach_both(settings, teachers=("eve",), each=40)
        assert await learn(settings) is Ending.LEARNT
        senses.reload()
        assert (await served()).model != told.model
        assert versions.go_back()
        senses.reload()
        assert await served() == told
    assert versions.current == first
    assert (first / "weights.npy").read_bytes() == octets
    assert await learn(settings) is Ending.HELD, "what was just taken away is not learnt again"


async def test_a_layer_that_is_damaged_or_over_another_model_leaves_the_model_alone(settings: Settings) -> None:
    teach_both(settings)
    await learn(settings)
    current = Versions(Folders(settings.data).layer).current
    assert current is not None
    spoilt = bytearray((current / "weights.npy").read_bytes())
    spoilt[-1] ^= 1
    (current / "weights.npy").write_bytes(spoilt)
    async with open_senses(settings, Folders(settings.data), SystemClock()) as senses:
        found = (await senses.anatomists.examine(Message.from_wire(campaign(1)))).spam
        assert isinstance(found, Known)
        assert found.value.model == "default"
        assert "refused" in senses.anatomists.model_problem


async def test_without_a_regression_set_nothing_is_learnt(settings: Settings, tmp_path: Path) -> None:
    teach_both(settings)
    (tmp_path / "empty").mkdir()
    bare = settings.model_copy(update={"regression": tmp_path / "empty"})
    assert await learn(bare) is Ending.REFUSED
    assert Versions(Folders(settings.data).layer).current is None
