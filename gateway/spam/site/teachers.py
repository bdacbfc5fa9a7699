"""Who taught how much, counted from the ledger, for people who look after it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.facts.content import MailClass
from gateway.spam.site.teaching import Accepted, Taught


@dataclass(frozen=True, slots=True)
class Teacher:
    """One who taught: lessons of each class, how many of them all may be learnt, and when the last was (seconds since
    1970)."""

    name: str
    ham: int
    spam: int
    phishing: int
    learnt: int
    last: float


def teachers_of(lessons: Sequence[Taught], accepted: Accepted) -> tuple[Teacher, ...]:
    """All of them, who taught last first."""
    counts = Counter((each.by, each.label) for each in lessons)
    learnt = Counter(each.by for each in accepted.lessons)
    last = {each.by: each.at for each in sorted(lessons, key=lambda each: each.at)}
    return tuple(
        Teacher(
            name,
            ham=counts[name, MailClass.HAM],
            spam=counts[name, MailClass.SPAM],
            phishing=counts[name, MailClass.PHISHING],
            learnt=learnt[name],
            last=at,
        )
        for name, at in sorted(last.items(), key=lambda item: -item[1])
    )
