"""How good a classifier is, on sources that it has not seen: tables in Markdown. Judges nothing by mail of a source
it learnt.

A random split would flatter: the same senders on both sides make every learner look perfect (AUC 0.9998) and say
nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from gateway.facts.content import MailClass
from gateway.spam.artefact import Calibration
from gateway.spam.train import Lesson

RATES: Final = (0.001, 0.005, 0.01)
"""False-positive rates at which recall is told."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Recall:
    """At one false-positive rate over all ham: the threshold in log-odds, and how much of the bad mail lies above
    it."""

    rate: float
    threshold: float
    spam: float
    phishing: float


def recalls(log_odds: Array, lessons: Sequence[Lesson]) -> list[Recall]:
    """Recall of both bad classes at each of `RATES`."""
    labels = np.array([each.label.value for each in lessons])
    ham = np.sort(log_odds[labels == MailClass.HAM.value])[::-1]
    rows = []
    for rate in RATES:
        allowed = int(rate * len(ham))
        threshold = float(ham[min(allowed, len(ham) - 1)])
        above = log_odds > threshold
        rows.append(
            Recall(
                rate=rate,
                threshold=threshold,
                spam=float(above[labels == MailClass.SPAM.value].mean()),
                phishing=float(above[labels == MailClass.PHISHING.value].mean()),
            )
        )
    return rows


def markdown(scores: Array, lessons: Sequence[Lesson], unwanted: Calibration, *, created: str, command: str) -> str:
    """MEASUREMENTS.md: every score is by a model that never saw the message's source."""
    log_odds = unwanted.slope * scores[:, 0] + unwanted.intercept
    bad = np.array([each.label is not MailClass.HAM for each in lessons])
    counts = Counter(each.label.value for each in lessons)
    lines = [
        "# Measurements",
        "",
        f"Made on {created} by `{command}`.",
        "Whether mail is wanted is scored by a model that never saw the message's source (grouped folds);",
        "whether it is a fraud by one that saw other messages of it, for the corpora disagree about that word.",
        "",
        f"{len(lessons):,} messages of {len({each.source for each in lessons})} sources: "
        + ", ".join(f"{count:,} {label}" for label, count in sorted(counts.items()))
        + f". Area under the ROC curve: {roc_auc_score(bad, log_odds):.4f}.",
        "",
        "| False positives allowed | Threshold (log-odds) | Spam found | Phishing found |",
        "|---|---|---|---|",
        *_at_rates(log_odds, lessons),
        "",
        "At the thresholds of the default policy:",
        "",
        "| Score at least | Ham flagged | Spam found | Phishing found |",
        "|---|---|---|---|",
        *_at_thresholds(log_odds, lessons),
        "",
        "By source (largest first; for ham: flagged at score 5, else: found at score 5):",
        "",
        "| Source | Class | Messages | Score above 5 |",
        "|---|---|---|---|",
        *_by_source(log_odds, lessons),
        "",
    ]
    return "\n".join(lines)


def _at_rates(log_odds: Array, lessons: Sequence[Lesson]) -> list[str]:
    return [
        f"| {row.rate:.1%} | {row.threshold:.2f} | {row.spam:.1%} | {row.phishing:.1%} |"
        for row in recalls(log_odds, lessons)
    ]


def _at_thresholds(log_odds: Array, lessons: Sequence[Lesson]) -> list[str]:
    labels = np.array([each.label.value for each in lessons])
    rows = []
    for threshold in (3.0, 5.0, 8.0, 15.0):
        share = {label.value: float((log_odds[labels == label.value] >= threshold).mean()) for label in MailClass}
        rows.append(f"| {threshold:g} | {share['ham']:.2%} | {share['spam']:.1%} | {share['phishing']:.1%} |")
    return rows


def _by_source(log_odds: Array, lessons: Sequence[Lesson]) -> list[str]:
    groups: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each, value in zip(lessons, log_odds, strict=True):
        groups[each.source, each.label.value].append(float(value))
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))[:40]
    return [
        f"| {source} | {label} | {len(values):,} | {np.mean(np.array(values) >= 5.0):.1%} |"
        for (source, label), values in largest
    ]
