"""gateway/spam/drift.py: how often people overturned the verdict."""

from __future__ import annotations

from gateway.facts.content import MailClass
from gateway.spam.drift import WEEK, drift
from gateway.spam.teaching import Taught, Way

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
