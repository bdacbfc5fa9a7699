"""How people's word and the classifier's differ, counted from the ledger: what shows that it drifts. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.facts.content import MailClass
from gateway.spam.teaching import Taught, Way

WEEK: Final = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Drift:
    """Lessons by class, all and since a week ago; and how often this week people overturned a verdict: took mail for
    good that was held or lay in Junk, or called mail unwanted that had reached them."""

    lessons: dict[str, int] = field(default_factory=dict)
    this_week: dict[str, int] = field(default_factory=dict)
    taken_for_good: int = 0
    taken_for_bad: int = 0


def drift(lessons: Sequence[Taught], *, now: float) -> Drift:
    """Count lessons that were not taken back."""
    recent = [each for each in lessons if now - WEEK < each.at]
    return Drift(
        lessons=_by_class(lessons),
        this_week=_by_class(recent),
        taken_for_good=sum(each.way in (Way.RELEASE, Way.NOT_JUNK) for each in recent),
        taken_for_bad=sum(each.way == Way.JUNK for each in recent),
    )


def _by_class(lessons: Sequence[Taught]) -> dict[str, int]:
    return {label.value: sum(each.label is label for each in lessons) for label in MailClass}
