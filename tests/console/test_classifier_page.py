"""The page of the classifier, as somebody without JavaScript uses it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.console.pages.classifier import columns_of, row_of
from gateway.console.ports import OfficePorts
from gateway.spam.site.drift import WEEKS, Week
from gateway.spam.site.standing import Standing
from gateway.spam.site.trial import EDGES, Trial
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


async def test_it_is_for_the_staff(signed_in: SignIn) -> None:
    assert (await (await signed_in("bob@example.org")).get("/classifier")).status_code == 403


def test_columns_end_at_the_right_and_stand_on_each_other() -> None:
    last, first = columns_of((Week(1.0, 1, 1), Week(2.0, 3, 1)))[::-1]
    assert (first.x, first.top, first.crown) == (800.0, 89.25, 59.5)
    assert (last.x, last.top, last.crown) == (880.0, 29.75, 0.0)
    assert columns_of((Week(1.0),)) == ()


def test_bars_and_marks_stay_inside_their_track() -> None:
    rows = [row_of(each) for each in Trial("m", "l", (-9.0,) * 9, (9.0,) * 9).bands()]
    assert [row.width for row in rows] == [0.0] * len(EDGES) + [120.0]
    assert all(0.0 <= row.mark <= 117.0 for row in rows)
