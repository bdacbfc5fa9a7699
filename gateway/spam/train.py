"""Training: from labelled mail to an artefact. The only file, with `measure.py`, that imports scikit-learn; never on
the way
of a message.

Sources are weighted by the square root of their size, so that one large archive does not teach its own dialect, and
classes
are balanced. Calibration is fitted on predictions for sources that the predicting model had not seen.
"""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from gateway.facts.content import MailClass
from gateway.spam.artefact import Calibration, Manifest, Weights
from gateway.spam.corpus import Labelled
from gateway.spam.features import SIZE, Features

FOLDS: Final = 4
STRENGTH: Final = 8.0
"""Inverse of the L2 penalty: 8 did best on left-out sources among 1, 4, 8, 16 and 32 (MEASUREMENTS.md)."""
SEED: Final = 2026

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One message ready to learn from."""

    label: MailClass
    source: str
    kind: str
    features: Features


@dataclass(frozen=True, slots=True)
class Fitted:
    """Two linear models: rows of weights, and their intercepts."""

    weights: Weights
    intercepts: tuple[float, float]


def lessons_of(
    corpus: Iterable[Labelled], read: Callable[[Labelled], Features], *, progress: Callable[[], None]
) -> list[Lesson]:
    """Take every message apart. `read` does it for one; `progress` is called after each."""
    lessons = []
    for each in corpus:
        lessons.append(Lesson(each.label, each.source, each.kind, read(each)))
        progress()
    return lessons


def fit(lessons: Sequence[Lesson]) -> Fitted:
    """Learn both models from the lessons. Needs at least one message of each class."""
    matrix = matrix_of(lessons)
    unwanted = np.array([each.label is not MailClass.HAM for each in lessons])
    fraud = np.array([each.label is MailClass.PHISHING for each in lessons])
    weight = _weights(lessons)
    first = _logistic(matrix, unwanted, weight)
    second = _logistic(matrix[unwanted], fraud[unwanted], weight[unwanted])
    rows = np.vstack([first.coef_[0], second.coef_[0]]).astype(np.float32)
    return Fitted(rows, (float(first.intercept_[0]), float(second.intercept_[0])))


def raw_scores(fitted: Fitted, lessons: Sequence[Lesson]) -> Array:
    """Two columns of uncalibrated sums for each lesson."""
    scores: Array = np.asarray(matrix_of(lessons) @ fitted.weights.T) + np.array(fitted.intercepts)
    return scores


def folds_by_source(lessons: Sequence[Lesson], count: int = FOLDS) -> list[tuple[list[int], list[int]]]:
    """(train, test) positions such that no source stands on both sides; large sources are spread first."""
    sizes = Counter(each.source for each in lessons)
    bins: list[set[str]] = [set() for _ in range(count)]
    load = [0] * count
    for source, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        lightest = load.index(min(load))
        bins[lightest].add(source)
        load[lightest] += size
    return [
        (
            [n for n, each in enumerate(lessons) if each.source not in held],
            [n for n, each in enumerate(lessons) if each.source in held],
        )
        for held in bins
    ]


def unseen_scores(lessons: Sequence[Lesson], *, progress: Callable[[], None]) -> Array:
    """Raw scores of every lesson, each by a model that never saw it. Wanted or not: by one that never saw its source.

    Spam or fraud cannot be told that way: what one corpus calls spam another calls phishing, and most phishing is of
    one source. That column is by models that saw other messages of the source, and measures less.
    """
    scores = np.zeros((len(lessons), 2))
    for column, folds in enumerate((folds_by_source(lessons), folds_by_message(lessons))):
        for train, test in folds:
            fitted = fit([lessons[n] for n in train])
            scores[test, column] = raw_scores(fitted, [lessons[n] for n in test])[:, column]
            progress()
    return scores


def folds_by_message(lessons: Sequence[Lesson], count: int = FOLDS) -> list[tuple[list[int], list[int]]]:
    """(train, test) positions, every n-th message to the n-th fold."""
    positions = range(len(lessons))
    return [
        ([n for n in positions if n % count != fold], [n for n in positions if n % count == fold])
        for fold in range(count)
    ]


def calibrate(scores: Array, lessons: Sequence[Lesson]) -> tuple[Calibration, Calibration]:
    """Platt scaling of both sums on scores of unseen sources."""
    unwanted = np.array([each.label is not MailClass.HAM for each in lessons])
    fraud = np.array([each.label is MailClass.PHISHING for each in lessons])
    weight = _weights(lessons)
    return (
        _platt(scores[:, 0], unwanted, weight),
        _platt(scores[unwanted, 1], fraud[unwanted], weight[unwanted]),
    )


def manifest_of(
    lessons: Sequence[Lesson], fitted: Fitted, calibration: tuple[Calibration, Calibration], *, name: str, created: str
) -> Manifest:
    """The manifest of an artefact, its hash still empty."""
    return Manifest(
        name=name,
        created=created,
        sha256="",
        corpus=dict(sorted(Counter(each.label.value for each in lessons).items())),
        sources=dict(sorted(Counter(each.source for each in lessons).items())),
        versions={each: importlib.metadata.version(each) for each in ("scikit-learn", "numpy", "selectolax")},
        unwanted=calibration[0],
        phishing=calibration[1],
        intercepts=fitted.intercepts,
        seed=SEED,
    )


def matrix_of(lessons: Sequence[Lesson]) -> csr_matrix:
    """The lessons as rows of unit length."""
    lengths = [len(each.features.buckets) for each in lessons]
    columns = np.fromiter((bucket for each in lessons for bucket in each.features.buckets), dtype=np.int32)
    values = np.repeat([1.0 / np.sqrt(max(1, length)) for length in lengths], lengths).astype(np.float32)
    return csr_matrix((values, columns, np.concatenate([[0], np.cumsum(lengths)])), shape=(len(lessons), SIZE))


def _weights(lessons: Sequence[Lesson]) -> Array:
    """1 / sqrt(size of the message's source and class), scaled so that wanted and unwanted mail weigh the same."""
    sizes = Counter((each.source, each.label) for each in lessons)
    weight = np.array([1.0 / np.sqrt(sizes[each.source, each.label]) for each in lessons])
    unwanted = np.array([each.label is not MailClass.HAM for each in lessons])
    for side in (unwanted, ~unwanted):
        if side.any():
            weight[side] *= len(lessons) / 2 / weight[side].sum()
    return weight


def _logistic(matrix: csr_matrix, target: Array, weight: Array) -> LogisticRegression:
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=200, random_state=SEED)
    return model.fit(matrix, target, sample_weight=weight)


def _platt(scores: Array, target: Array, weight: Array) -> Calibration:
    model = LogisticRegression(C=1e6, solver="lbfgs").fit(scores.reshape(-1, 1), target, sample_weight=weight)
    return Calibration(slope=float(model.coef_[0, 0]), intercept=float(model.intercept_[0]))
