"""The page of the classifier, as somebody without JavaScript uses it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gateway.console.pages.classifier import drawing_of, row_of
from gateway.console.ports import OfficePorts
from gateway.facts.content import MailClass
from gateway.queue.custody import Custody
from gateway.settings import Settings
from gateway.spam import measured
from gateway.spam.artefact import read_manifest
from gateway.spam.features import SIZE
from gateway.spam.layer import LayerManifest
from gateway.spam.site.drift import WEEKS, Drift, Week
from gateway.spam.site.standing import Standing
from gateway.spam.site.teaching import MOST_BY_PERSON, Ledger, Way
from gateway.spam.site.trial import EDGES, Trial
from gateway.spam.site.versions import Versions
from tests.console.conftest import SignIn


@pytest.fixture
def told() -> list[Standing]:
    """What the port answers instead of what lies on disk, where it is not empty."""
    return []


@pytest.fixture
def ports(ports: OfficePorts, told: list[Standing]) -> OfficePorts:
    return replace(ports, classifier=lambda: told[0] if told else ports.classifier())


async def test_it_shows_which_model_serves_and_how_many_lessons_are_missing(signed_in: SignIn) -> None:
    text = " ".join((await (await signed_in("auditor")).get("/classifier")).text.split())
    assert "default, <span" in text
    assert "the model serves alone. 0 lessons of ham and 0 of unwanted mail count; 200 of each are needed" in text
    assert "Nobody did in the last weeks." in text
    assert "postern learn ham|spam|phishing FILE" in text


async def test_overturned_verdicts_stand_week_by_week_and_promises_beside_what_came_true(
    signed_in: SignIn, taught: Path
) -> None:
    text = (await (await signed_in("operator")).get("/classifier")).text
    assert text.count('<rect class="delivered" x=') == WEEKS
    heads = re.findall(r'<tr><th scope="row">([^<]*)</th><td class="number">(\d+)</td>', text)
    bands = [each for each in heads if "UTC" not in each[0]]
    names = ["below −4", "−4 to −2", "−2 to 0", "0 to 2", "2 to 4", "4 and more"]
    assert bands == list(zip(names, ["3", "1", "2", "42", "1", "45"], strict=True))
    wrong = text[text.index(">0 to 2<") : text.index(">2 to 4<")]
    assert "scores too high" in wrong
    assert "5 % <" in wrong, "2 of 42 are unwanted"
    assert text.count("scores too") == 1


async def test_a_model_that_is_not_there_is_named(signed_in: SignIn, told: list[Standing]) -> None:
    told.append(Standing(problem="<b>models/default</b>: cannot be read"))
    text = (await (await signed_in("operator")).get("/classifier")).text
    assert "&lt;b&gt;models/default&lt;/b&gt;: cannot be read" in text


async def test_what_was_measured_at_training_stands_there_with_its_date(signed_in: SignIn) -> None:
    text = (await (await signed_in("auditor")).get("/classifier")).text
    shown = text[text.index("How good was it") : text.index("Who taught it what?")]
    model = read_manifest(Settings().model)
    assert f"the newest of {model.newest}" in shown
    wanted = measured.read(Settings().model)
    assert wanted is not None
    assert all(f">{each}<" in shown for row in wanted.rows for each in row)


async def test_who_taught_what_stands_there_and_names_are_never_markup(signed_in: SignIn, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "lessons")
    for number in range(MOST_BY_PERSON + 5):
        text = b"Subject: %d\r\n\r\n" % number
        label = MailClass.HAM if number % 2 else MailClass.PHISHING
        ledger.teach(text, label=label, by="<b>eve</b>", way=Way.REPORT, sender=f"{number}.example", at=float(number))
    text = (await (await signed_in("auditor")).get("/classifier")).text
    (row,) = re.findall(r'<tr><th scope="row"><bdi>&lt;b&gt;eve(.*?)</tr>', text)
    assert re.findall(r'class="number">(\d+)<', row) == ["52", "0", "53", str(MOST_BY_PERSON)]
    assert "Set aside, more than one person may teach: 5." in text
    assert "<td>report</td><td>phishing</td><td><bdi>104.example</bdi></td>" in text


async def test_one_click_goes_back_and_another_goes_on(signed_in: SignIn, tmp_path: Path, custody: Custody) -> None:
    versions = Versions(tmp_path / "lessons" / "site")
    for number in (1, 2):
        versions.adopt(LayerManifest("", "b", "m", 200, 200, float(number)), np.full(SIZE, number, dtype=np.float16))
    newest = versions.current
    operator = await signed_in("operator")
    assert "/classifier/go-back" in (await operator.get("/classifier")).text
    assert (await operator.submit("/classifier/go-back")).status_code == 303
    text = (await operator.get("/classifier")).text
    first = versions.manifest()
    assert first is not None
    assert f"Back to {first.name}, and held there." in text
    assert "/classifier/go-on" in text and "/classifier/go-back" not in text
    assert (versions.held, versions.current != newest) == (True, True)
    assert (await operator.submit("/classifier/go-on")).status_code == 303
    assert not versions.held
    told = [each for each in await custody.events_after(0, limit=100) if each.kind.startswith("went")]
    assert [(each.kind, each.actor) for each in told] == [("went back", "operator"), ("went on", "operator")]
    auditor = await signed_in("auditor")
    assert "/classifier/go-back" not in (await auditor.get("/classifier")).text
    assert (await auditor.submit("/classifier/go-back")).status_code == 403
    operator.csrf = "another"
    assert (await operator.submit("/classifier/go-back")).status_code == 403
    assert not versions.held


async def test_an_alarm_stands_above_the_weeks(signed_in: SignIn, told: list[Standing]) -> None:
    told.append(Standing(drift=Drift(weeks=(*(Week(float(n), 1) for n in range(11)), Week(11.0, 9, 4)))))
    text = (await (await signed_in("operator")).get("/classifier")).text
    assert "People overturned 13 verdicts of the classifier this week, and 1.0 in a week before." in text


async def test_it_is_for_the_staff(signed_in: SignIn) -> None:
    assert (await (await signed_in("bob@example.org")).get("/classifier")).status_code == 403


def test_columns_end_at_the_right_and_stand_on_each_other() -> None:
    last, first = drawing_of((Week(1.0, 1, 1), Week(2.0, 3, 1))).columns[::-1]
    assert (first.x, first.top, first.crown) == (800.0, 89.25, 59.5)
    assert (last.x, last.top, last.crown) == (880.0, 29.75, 0.0)
    assert drawing_of((Week(1.0),)).columns == ()


def test_bars_and_marks_stay_inside_their_track() -> None:
    rows = [row_of(each) for each in Trial("m", "l", (-9.0,) * 9, (9.0,) * 9).bands()]
    assert [row.width for row in rows] == [0.0] * len(EDGES) + [120.0]
    assert all(0.0 <= row.mark <= 117.0 for row in rows)
