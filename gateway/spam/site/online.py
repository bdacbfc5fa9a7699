"""Learns a site's layer from what people taught: some passes of gradient steps over the lessons, oldest first, from
nothing each time. The same lessons over the same model give the same weights, so taking lessons back leaves no trace.

Where the model beneath is right, nothing is learnt. One person moves no score by more than a bound. Nobody teaches
alone: a weight moves towards ham only where two persons' lessons, or the operator's, call mail with that word ham more
often than not; and so for unwanted mail.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.spam.features import SIZE, values_of
from gateway.spam.layer import MOST
from gateway.spam.site.teaching import OPERATOR

PASSES: Final = 3
RATE: Final = 0.1
SURPRISE: Final = 10.0
"""How much one person may contradict the model, in whole lessons: together they move a score by RATE * SURPRISE, 1.0
log-odds, at most. The operator is not bound."""
HEAVIEST: Final = 1.5
"""Log-odds that one weight may have, either way."""
AGREEING: Final = 2
"""Persons who have to agree; the operator counts for so many."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A lesson to learn from: its features, ascending and none twice; the log-odds of the model beneath; what somebody
    says it is; and who."""

    buckets: npt.NDArray[np.int64]
    score: float
    unwanted: bool
    by: str


def example(buckets: Sequence[int], *, score: float, unwanted: bool, by: str) -> Example:
    """From numbers that a jailed process said. Raises ValueError where they are no features."""
    found = np.unique(np.asarray(buckets, dtype=np.int64))
    if len(found) and not 0 <= found[0] <= found[-1] < SIZE:
        raise ValueError("a feature that there is not")
    return Example(found, score, unwanted, by)


def learn(examples: Sequence[Example]) -> npt.NDArray[np.float16]:
    """The layer's weights. Both sides count alike in sum, however many lessons each has."""
    weights = np.zeros(SIZE)
    lowest, highest = _bounds(examples)
    importance = _importance(examples)
    values = [values_of(each.buckets).astype(np.float64) for each in examples]
    for _ in range(PASSES):
        for each, value, counts in zip(examples, values, importance, strict=True):
            length = float(value @ value)
            if not length:
                continue
            here = each.buckets
            added = max(-MOST, min(MOST, float(weights[here] @ value)))
            fault = _sigmoid(each.score + added) - each.unwanted
            # Divided by its length, a step moves the message's own score by RATE * counts * fault.
            step = weights[here] - RATE * counts * fault * value / length
            weights[here] = np.clip(step, lowest[here], highest[here])
    return weights.astype(np.float16)


def _importance(examples: Sequence[Example]) -> list[float]:
    """How much each example counts: less where its side has more, and less where its teacher contradicts the model more
    than one person may."""
    bad = sum(each.unwanted for each in examples)
    share = {True: len(examples) / (2 * max(1, bad)), False: len(examples) / (2 * max(1, len(examples) - bad))}
    surprise: dict[str, float] = defaultdict(float)
    for each in examples:
        surprise[each.by] += share[each.unwanted] * abs(_sigmoid(each.score) - each.unwanted)
    heard = {who: min(1.0, SURPRISE / (PASSES * total)) if total else 1.0 for who, total in surprise.items()}
    heard[OPERATOR] = 1.0
    return [share[each.unwanted] * heard[each.by] for each in examples]


def _bounds(examples: Sequence[Example]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """How light and how heavy each weight may become, by who agrees about it."""
    agree = {True: np.zeros(SIZE, dtype=np.int32), False: np.zeros(SIZE, dtype=np.int32)}
    for who in sorted({each.by for each in examples}):
        balance = np.zeros(SIZE)
        own = [each for each in examples if each.by == who]
        for each in own:
            balance[each.buckets] += 1 if each.unwanted else -1
        voices = AGREEING if who == OPERATOR else 1
        agree[True] += voices * (balance > 0)
        agree[False] += voices * (balance < 0)
    return np.where(agree[False] >= AGREEING, -HEAVIEST, 0.0), np.where(agree[True] >= AGREEING, HEAVIEST, 0.0)


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))
