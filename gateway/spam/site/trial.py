"""The shipped model on trial: what people taught, judged by it alone, in bands of its score.

A score is a promise: the log-odds that mail is unwanted, where there is as much ham as bad mail. Here stands how often
that came true. The site's layer is left out, for it has learnt these very messages. People teach what they took trouble
about, which is no sample of all mail: a trial shows where scores are wrong, not how often.

On disk: `trial.json`, the scores of ham and of unwanted mail, with the hashes of the model and of the lessons.
"""

from __future__ import annotations

import json
import math
import os
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from gateway.spam.shares import interval
from gateway.spam.site.teaching import MOST_AT_ONCE

EDGES: Final = (-4.0, -2.0, 0.0, 2.0, 4.0)
"""Scores at which one band ends and the next begins."""
FILE: Final = "trial.json"
MAX_FILE: Final = 256 * 1024
_BOUND: Final = 60.0


class Finding(StrEnum):
    """What a band shows: whether the promise lies within the 95 % interval of what came true."""

    FITS = "fits"
    TOO_HIGH = "scores too high"
    TOO_LOW = "scores too low"
    NOTHING = "no lessons"


@dataclass(frozen=True, slots=True)
class Band:
    """Lessons whose score is from `low` on and below `high` (log-odds; infinite at the ends). `promised` is the share
    of unwanted mail that the scores stand for, with as much of it as was taught."""

    low: float
    high: float
    ham: int
    unwanted: int
    promised: float

    @property
    def count(self) -> int:
        """Lessons."""
        return self.ham + self.unwanted

    @property
    def share(self) -> float:
        """Of unwanted mail among them; 0.0 where there are none."""
        return self.unwanted / self.count if self.count else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of that share."""
        return interval(self.unwanted, self.count)

    @property
    def finding(self) -> Finding:
        """Whether the promise was kept."""
        low, high = self.interval
        if not self.count:
            return Finding.NOTHING
        if self.promised > high:
            return Finding.TOO_HIGH
        return Finding.TOO_LOW if self.promised < low else Finding.FITS


@dataclass(frozen=True, slots=True)
class Trial:
    """The scores that the model with the hash `model` gave lessons, by what people say they are. `lessons` is a hash of
    which lessons."""

    model: str
    lessons: str
    ham: tuple[float, ...]
    unwanted: tuple[float, ...]

    def bands(self) -> tuple[Band, ...]:
        """All bands, the lowest first."""
        balance = math.log((len(self.unwanted) + 1) / (len(self.ham) + 1))
        ham, unwanted = _sorted_out(self.ham), _sorted_out(self.unwanted)
        edges = pairwise((-math.inf, *EDGES, math.inf))
        return tuple(
            Band(low, high, len(good), len(bad), _mean([_sigmoid(each + balance) for each in (*good, *bad)]))
            for (low, high), good, bad in zip(edges, ham, unwanted, strict=True)
        )


def write(folder: Path, trial: Trial) -> None:
    """Keep a trial in place of the last one."""
    plain = {
        "model": trial.model,
        "lessons": trial.lessons,
        "ham": [round(each, 2) for each in trial.ham],
        "unwanted": [round(each, 2) for each in trial.unwanted],
    }
    aside = folder / f".{FILE}.{os.getpid()}"
    aside.write_text(json.dumps(plain), encoding="utf-8")
    aside.replace(folder / FILE)


def read(folder: Path) -> Trial | None:
    """The last trial; None where there is none that can be read."""
    try:
        with (folder / FILE).open("rb") as stream:
            plain = json.loads(stream.read(MAX_FILE))
        return Trial(
            model=str(plain["model"]),
            lessons=str(plain["lessons"]),
            ham=_scores(plain["ham"]),
            unwanted=_scores(plain["unwanted"]),
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _scores(plain: Any) -> tuple[float, ...]:
    found = tuple(float(each) for each in plain[:MOST_AT_ONCE])
    if not all(map(math.isfinite, found)):
        raise ValueError("a score is no number")
    return found


def _sorted_out(scores: Sequence[float]) -> list[list[float]]:
    found: list[list[float]] = [[] for _ in range(len(EDGES) + 1)]
    for each in scores:
        found[bisect_right(EDGES, each)].append(each)
    return found


def _mean(numbers: Sequence[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-_BOUND, min(_BOUND, value))))
