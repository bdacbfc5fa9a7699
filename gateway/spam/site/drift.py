"""How people's word and the classifier's differ, counted from the ledger: what shows that it drifts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.facts.content import MailClass
from gateway.spam.site.teaching import Taught, Way

WEEK: Final = 7 * 86400.0
WEEKS: Final = 12
"""Weeks that are told one by one."""


@dataclass(frozen=True, slots=True)
class Week:
    """How often people overturned a verdict in the week from `begin` (seconds since 1970) on: took mail for good that
    was held or lay in Junk, or called mail unwanted that had reached them."""

    begin: float
    taken_for_good: int = 0
    taken_for_bad: int = 0


MUCH: Final = 3.0
"""How many times as often as in an ordinary week people must overturn verdicts in this one, before it is an alarm."""
MANY: Final = 10
"""Verdicts overturned in a week below which it never is."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Lessons by class, all and since a week ago; and what was overturned in each of the last weeks, oldest first, the
    one that ends now last."""

    lessons: dict[str, int] = field(default_factory=dict)
    this_week: dict[str, int] = field(default_factory=dict)
    weeks: tuple[Week, ...] = (Week(0.0),)

    @property
    def taken_for_good(self) -> int:
        """This week."""
        return self.weeks[-1].taken_for_good

    @property
    def taken_for_bad(self) -> int:
        """This week."""
        return self.weeks[-1].taken_for_bad

    @property
    def alarm(self) -> str:
        """What people should know: verdicts are overturned far more often than in the weeks before. Empty: nothing."""
        *before, now = [each.taken_for_good + each.taken_for_bad for each in self.weeks]
        ordinary = sum(before) / len(before) if before else 0.0
        if now < MANY or now <= MUCH * ordinary:
            return ""
        return f"people overturned {now} verdicts of the classifier this week, and {ordinary:.1f} in a week before"


def drift(lessons: Sequence[Taught], *, now: float) -> Drift:
    """Count lessons that were not taken back."""
    return Drift(
        lessons=_by_class(lessons),
        this_week=_by_class([each for each in lessons if now - WEEK < each.at]),
        weeks=tuple(_week(lessons, now - number * WEEK) for number in range(WEEKS, 0, -1)),
    )


def _week(lessons: Sequence[Taught], begin: float) -> Week:
    here = [each for each in lessons if begin < each.at <= begin + WEEK]
    return Week(
        begin,
        taken_for_good=sum(each.way in (Way.RELEASE, Way.NOT_JUNK) for each in here),
        taken_for_bad=sum(each.way == Way.JUNK for each in here),
    )


def _by_class(lessons: Sequence[Taught]) -> dict[str, int]:
    return {label.value: sum(each.label is label for each in lessons) for label in MailClass}
