"""gateway/spam/site/drift.py: how often people overturned the verdict."""

from __future__ import annotations

import pytest

from gateway.facts.content import MailClass
from gateway.spam.site.drift import MANY, WEEK, WEEKS, Drift, Week, drift
from gateway.spam.site.teaching import Taught, Way

NOW = 1_800_000_000.0


def test_lessons_and_overturned_verdicts_are_counted_by_week() -> None:
    def lesson(age: float, way: Way, label: MailClass) -> Taught:
        return Taught(NOW - age, "ann", way, label, "0" * 64, "")

    told = drift(
        [
            lesson(2 * WEEK, Way.RELEASE, MailClass.HAM),
            lesson(5, Way.RELEASE, MailClass.HAM),
            lesson(4, Way.NOT_JUNK, MailClass.HAM),
            lesson(3, Way.JUNK, MailClass.SPAM),
            lesson(2, Way.REPORT, MailClass.PHISHING),
            lesson(1, Way.COMMAND, MailClass.SPAM),
        ],
        now=NOW,
    )
    assert told.lessons == {"ham": 3, "spam": 2, "phishing": 1}
    assert told.this_week == {"ham": 2, "spam": 2, "phishing": 1}
    assert (told.taken_for_good, told.taken_for_bad) == (2, 1)


def test_overturned_verdicts_are_told_week_by_week() -> None:
    ages = (0.0, WEEK - 1, WEEK, 11.5 * WEEK, 12.5 * WEEK)
    told = drift([Taught(NOW - age, "ann", Way.JUNK, MailClass.SPAM, "0" * 64, "") for age in ages], now=NOW)
    assert len(told.weeks) == WEEKS
    assert told.weeks[-1].begin == NOW - WEEK
    assert [each.taken_for_bad for each in told.weeks] == [1] + [0] * 9 + [1, 2]


@pytest.mark.parametrize(
    ("before", "now", "alarms"),
    [
        ((0,) * 11, MANY, True),
        ((0,) * 11, MANY - 1, False),
        ((4,) * 11, 12, False),
        ((4,) * 11, 13, True),
        ((), 5, False),
    ],
)
def test_it_is_an_alarm_when_people_overturn_far_more_than_they_did(
    before: tuple[int, ...], now: int, alarms: bool
) -> None:
    weeks = tuple(Week(float(place), each // 2, each - each // 2) for place, each in enumerate((*before, now)))
    assert bool(Drift(weeks=weeks).alarm) is alarms
