"""Training: from labelled mail to an artefact. Never on the way of a message; never on mail that it is judged by.

Calibration is fitted on predictions for sources that the predicting model had not seen.
"""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from gateway.facts.content import MailClass
from gateway.spam.artefact import Calibration, Manifest
from gateway.spam.features import IDENTITY_START, SIZE, bucket_of_fact, values_of
from gateway.spam.knowledge import KNOWN
from gateway.spam.training.folds import Fold, dominant_sources, folds_of, without_source
from gateway.spam.training.lessons import Lesson, importance_of, is_clear
from gateway.spam.training.logistic import fit_logistic, fit_scale

SEED: Final = 0
"""Nothing here is random; the manifest has the field all the same."""
RARE: Final = 10_000
"""A feature that stands in less than one of so many messages, or in one source only, is not learnt."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Two linear models: their weights side by side (`SIZE`, 2), and their intercepts."""

    weights: npt.NDArray[np.float32]
    intercepts: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Unseen:
    """Raw scores of lessons by models that had not seen them: three columns (`raw_scores`), NaN where nothing judged.
    `left_out` holds further ones, by name of the dominant source that was left out whole. `models` are who judged which
    fold."""

    scores: Array
    left_out: dict[str, Array]
    models: tuple[tuple[Fold, Fitted], ...] = ()

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Which lessons were judged."""
        found: npt.NDArray[np.bool_] = ~np.isnan(self.scores[:, 0])
        return found


def fit(lessons: Sequence[Lesson]) -> Fitted:
    """Learn both models from the lessons. Needs at least one message of each class.

    What is unwanted is learnt twice, with and without the facts about identity, and the mean serves: a mean of linear
    models is a linear model, and on unseen sources it was better than either (MEASUREMENTS.md).
    """
    columns = _columns(lessons)
    matrix = matrix_of(lessons, columns)
    unwanted, fraud = unwanted_of(lessons), fraud_of(lessons)
    weight = importance_of(lessons)
    whole = fit_logistic(matrix, unwanted, weight, known=_known()[columns])
    seen = int(np.searchsorted(columns, IDENTITY_START))
    part = fit_logistic(matrix[:, :seen], unwanted, weight, known=_known()[columns[:seen]])
    clear = np.flatnonzero([is_clear(each) for each in lessons])
    even = _even(importance_of([lessons[n] for n in clear.tolist()]), fraud[clear])
    second = fit_logistic(matrix[clear], fraud[clear], even)
    weights = np.zeros((SIZE, 2), dtype=np.float32)
    weights[columns, 0], weights[columns, 1] = whole.weights / 2, second.weights
    weights[columns[:seen], 0] += part.weights / 2
    return Fitted(weights, ((whole.intercept + part.intercept) / 2, second.intercept))


def raw_scores(fitted: Fitted, lessons: Sequence[Lesson]) -> Array:
    """Two columns of uncalibrated sums for each lesson, and what outside knowledge adds to the first of them once that
    is calibrated."""
    rows = matrix_of(lessons, np.arange(SIZE))
    sums: Array = np.asarray(rows @ fitted.weights, dtype=np.float64) + np.array(fitted.intercepts)
    return np.column_stack([sums, [each.trust for each in lessons]])


def unseen_scores(lessons: Sequence[Lesson], *, progress: Callable[[], None]) -> Unseen:
    """Judge the lessons by models that learnt from other sources (`folds`). `progress` is called `steps_of` times."""
    scores = np.full((len(lessons), 3), np.nan)
    models = []
    for fold in folds_of(lessons):
        fitted = fit([lessons[n] for n in fold.learnt.tolist()])
        scores[fold.judged] = raw_scores(fitted, [lessons[n] for n in fold.judged.tolist()])
        models.append((fold, fitted))
        progress()
    left_out = {}
    for source in dominant_sources(lessons):
        fold = without_source(lessons, source)
        if {lessons[n].label for n in fold.learnt.tolist()} == set(MailClass):
            fitted = fit([lessons[n] for n in fold.learnt.tolist()])
            left_out[source] = raw_scores(fitted, [lessons[n] for n in fold.judged.tolist()])
        progress()
    return Unseen(scores, left_out, tuple(models))


def steps_of(lessons: Sequence[Lesson]) -> int:
    """How often `unseen_scores` tells of progress."""
    return len(folds_of(lessons)) + len(dominant_sources(lessons))


def calibrate(unseen: Unseen, lessons: Sequence[Lesson]) -> tuple[Calibration, Calibration]:
    """Platt scaling of both sums on scores of unseen sources. Without any, the sums stand as they are. What is known
    from outside is added afterwards and has no part in it."""
    judged = np.flatnonzero(unseen.judged)
    if not len(judged):
        return Calibration(), Calibration()
    chosen = [lessons[n] for n in judged.tolist()]
    unwanted, fraud, weight = unwanted_of(chosen), fraud_of(chosen), importance_of(chosen)
    scores = unseen.scores[judged]
    first = fit_scale(scores[:, 0], unwanted, weight)
    clear = np.array([is_clear(each) for each in chosen], dtype=bool)
    if len(set(fraud[clear].tolist())) < 2:
        return Calibration(*first), Calibration()
    second = fit_scale(scores[clear, 1], fraud[clear], _even(weight[clear], fraud[clear]))
    return Calibration(*first), Calibration(*second)


def manifest_of(
    lessons: Sequence[Lesson], fitted: Fitted, calibration: tuple[Calibration, Calibration], *, name: str
) -> Manifest:
    """The manifest of an artefact, its hash still empty."""
    return Manifest(
        name=name,
        newest=max((each.date[:10] for each in lessons), default=""),
        sha256="",
        corpus=dict(sorted(Counter(each.label.value for each in lessons).items())),
        sources=dict(sorted(Counter(each.source for each in lessons).items())),
        versions={each: importlib.metadata.version(each) for each in ("numpy", "scikit-learn", "scipy", "selectolax")},
        unwanted=calibration[0],
        phishing=calibration[1],
        intercepts=fitted.intercepts,
        seed=SEED,
    )


def matrix_of(lessons: Sequence[Lesson], columns: npt.NDArray[Any]) -> csr_matrix:
    """The lessons as rows over the given buckets, others left out."""
    place = np.full(SIZE, -1, dtype=np.int32)
    place[columns] = np.arange(len(columns), dtype=np.int32)
    found = place[_joined([each.buckets for each in lessons], np.int32)]
    values = _joined([values_of(each.buckets) for each in lessons], np.float32)
    kept = found >= 0
    ends = np.cumsum([len(each.buckets) for each in lessons], dtype=np.int64)
    before = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
    starts = before[np.concatenate([[0], ends])].astype(np.int64)
    return csr_matrix((values[kept], found[kept], starts), shape=(len(lessons), len(columns)))


def unwanted_of(lessons: Sequence[Lesson]) -> npt.NDArray[np.bool_]:
    """Which lessons are spam or phishing."""
    return np.array([each.label is not MailClass.HAM for each in lessons], dtype=bool)


def fraud_of(lessons: Sequence[Lesson]) -> npt.NDArray[np.bool_]:
    """Which lessons are phishing."""
    return np.array([each.label is MailClass.PHISHING for each in lessons], dtype=bool)


def _known() -> npt.NDArray[np.float64]:
    found = np.zeros(SIZE)
    for fact, weight in KNOWN.items():
        found[bucket_of_fact(fact)] = weight
    return found


def _columns(lessons: Sequence[Lesson]) -> npt.NDArray[np.int64]:
    """Buckets worth learning: what stands in one source only is that source's dialect."""
    by_source: dict[str, list[npt.NDArray[np.int32]]] = {}
    for each in lessons:
        by_source.setdefault(each.source, []).append(each.buckets)
    messages, sources = np.zeros(SIZE, dtype=np.int64), np.zeros(SIZE, dtype=np.int64)
    for group in by_source.values():
        counts = np.bincount(np.concatenate(group), minlength=SIZE)
        messages += counts
        sources += counts > 0
    wanted = (messages * RARE >= len(lessons)) & (sources >= min(2, len(by_source)))
    wanted |= _known() > 0
    return np.flatnonzero(wanted)


def _even(weight: Array, chosen: npt.NDArray[np.bool_]) -> Array:
    """The weights scaled so that both sides count the same."""
    weight = weight.copy()
    for side in (chosen, ~chosen):
        if side.any():
            weight[side] *= len(weight) / 2 / weight[side].sum()
    return weight


def _joined(arrays: list[npt.NDArray[Any]], kind: type[Any]) -> npt.NDArray[Any]:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype=kind)
