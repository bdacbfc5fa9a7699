"""Who learns from what when a classifier is measured: no message is judged by a model that saw its source.

A random split would flatter: the same senders on both sides make every learner look perfect (AUC 0.9998) and say
nothing. So whole sources are left out, with three exceptions, each with its reason:

* a source that holds most of a class cannot be left out, or nothing of the class would be left to learn: its later
  part in time is judged by models that saw its earlier part only (undated: clusters, as below);
* a source named in `CLUSTERED` is the only one of its kind: it is left out in clusters of near duplicates and common
  senders;
* sources that were collected from each other (`TOGETHER`) are left out together.

And whatever repeats a judged message nearly word for word, in any source, is taken out of what is learnt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from gateway.spam.training.lessons import Lesson

FOLDS: Final = 5
MOST: Final = 0.5
"""A source with more than this share of a class is not left out whole."""
LATER: Final = 0.25
"""The share of such a source, latest in time, that is judged."""
CLUSTERED: Final = frozenset({"foff"})
TOGETHER: Final = ({"spamassassin", "csdmc2010"},)
_YEAR: Final = re.compile(r"\d{4}-\d\d-\d\d")

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fold:
    """Positions of the lessons that are learnt from, and of those that are judged."""

    learnt: Positions
    judged: Positions


def folds_of(lessons: Sequence[Lesson], count: int = FOLDS) -> list[Fold]:
    """The folds. Every lesson is judged once at most; the earlier part of a dominant source never."""
    units = [_unit(each, dominant) for dominant in [_dominant(lessons)] for each in lessons]
    number = _spread(Counter(unit for unit in units if unit), count)
    fold = np.array([number.get(unit, -1) for unit in units])
    likeness = np.array([each.likeness for each in lessons])
    found = []
    for current in range(count):
        judged = np.flatnonzero(fold == current)
        learnt = np.flatnonzero((fold != current) & ~np.isin(likeness, likeness[judged]))
        if len(judged) and _can_learn([lessons[n] for n in learnt.tolist()]):
            found.append(Fold(learnt, judged))
    return found


def without_source(lessons: Sequence[Lesson], source: str) -> Fold:
    """One source left out whole."""
    inside = np.array([each.source == source for each in lessons])
    return Fold(np.flatnonzero(~inside), np.flatnonzero(inside))


def dominant_sources(lessons: Sequence[Lesson]) -> list[str]:
    """The sources that hold most of a class, in order of name."""
    return sorted(_dominant(lessons))


def _dominant(lessons: Sequence[Lesson]) -> dict[str, str]:
    """Sources that hold most of a class, with the date from which their messages are judged; empty if undated."""
    total = Counter(each.label for each in lessons)
    held = Counter((each.source, each.label) for each in lessons)
    sources = {source for (source, label), size in held.items() if size > MOST * total[label]}
    found = {}
    for source in sorted(sources - CLUSTERED):
        dates = sorted(each.date[:10] for each in lessons if each.source == source)
        dated = bool(_YEAR.match(dates[0])) and dates[0] != dates[-1]
        found[source] = dates[int(len(dates) * (1 - LATER))] if dated else ""
    return found


def _unit(lesson: Lesson, dominant: dict[str, str]) -> str:
    """What is left out in one piece together with this lesson; empty if it is only learnt from."""
    since = dominant.get(lesson.source)
    if since:
        return f"{lesson.source} since {since}" if lesson.date >= since else ""
    if since is not None or lesson.source in CLUSTERED:
        return f"{lesson.source} {lesson.site or lesson.likeness}"
    for group in TOGETHER:
        if lesson.source in group:
            return " ".join(sorted(group))
    return lesson.source


def _spread(sizes: Counter[str], count: int) -> dict[str, int]:
    """A fold for each unit: the largest first, each to the emptiest fold. Ties go by the hash of the name, so that
    small units of one source do not all meet."""
    load = [0] * count
    found = {}
    for unit, size in sorted(sizes.items(), key=lambda item: (-item[1], crc32(item[0].encode("utf-8", "replace")))):
        found[unit] = load.index(min(load))
        load[found[unit]] += size
    return found


def _can_learn(lessons: Sequence[Lesson]) -> bool:
    labels = {each.label.value for each in lessons}
    return {"ham", "spam", "phishing"} <= labels
