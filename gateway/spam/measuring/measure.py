"""How good a classifier is on sources that it has not seen, told in tables of Markdown. Learns nothing, hides nothing.

Every score comes from `train.unseen_scores`; `folds` says who judged what. Ham is told in kinds, for a threshold that
suits people's letters may hold half of a shop's: letters (people and lists), ordinary commercial, hard commercial.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from gateway.facts.content import MailClass
from gateway.spam.artefact import Calibration
from gateway.spam.shares import interval
from gateway.spam.training.folds import CLUSTERED, FOLDS, LATER, TOGETHER, dominant_sources
from gateway.spam.training.lessons import Lesson, is_commercial, is_hard_commercial
from gateway.spam.training.train import Unseen

RATES: Final = (0.001, 0.005, 0.01, 0.02)
"""False-positive rates at which recall is told."""
THRESHOLDS: Final = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
"""Scores at which shares are told."""
MODERN: Final = "2015"
"""A source is modern if half of its dated messages are of this year or later."""
_LEAST: Final = 20
_BINS: Final = (-99.0, -6.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 6.0, 99.0)

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """Judged lessons as columns: calibrated log-odds and what each message is."""

    score: Array
    fraud: Array
    label: Array
    source: Array
    kind: Array
    language: Array
    modern: Mask
    letters: Mask
    ordinary: Mask
    hard: Mask
    bulk: Mask
    signed: Mask
    invented: Mask

    @property
    def bad(self) -> Mask:
        """Spam and phishing."""
        found: Mask = self.label != MailClass.HAM.value
        return found


def judged_of(unseen: Unseen, lessons: Sequence[Lesson], calibration: tuple[Calibration, Calibration]) -> Judged:
    """The columns of all judged lessons."""
    modern_sources = _modern_sources(lessons)
    kept = np.flatnonzero(unseen.judged)
    chosen = [lessons[n] for n in kept.tolist()]
    raw = unseen.scores[kept]
    commercial = np.array([is_commercial(each) for each in chosen], dtype=bool)
    hard = np.array([is_hard_commercial(each) for each in chosen], dtype=bool)
    ham = np.array([each.label is MailClass.HAM for each in chosen], dtype=bool)
    return Judged(
        score=score_of(raw, calibration[0]),
        fraud=calibration[1].slope * raw[:, 1] + calibration[1].intercept,
        label=np.array([each.label.value for each in chosen], dtype=object),
        source=np.array([each.source for each in chosen], dtype=object),
        kind=np.array([each.kind for each in chosen], dtype=object),
        language=np.array([each.language for each in chosen], dtype=object),
        modern=np.array([each.source in modern_sources for each in chosen], dtype=bool),
        letters=ham & ~commercial,
        ordinary=commercial & ~hard & ~np.array([each.made_up for each in chosen], dtype=bool),
        hard=hard,
        bulk=np.array([each.bulk is True for each in chosen], dtype=bool),
        signed=np.array([each.signed for each in chosen], dtype=bool),
        invented=np.array([each.invented_header for each in chosen], dtype=bool),
    )


def score_of(raw: Array, calibration: Calibration) -> Array:
    """Log-odds of not-ham as the model serves them: what was learnt, calibrated, and what outside knowledge adds."""
    return calibration.slope * raw[:, 0] + calibration.intercept + raw[:, 2]


def area(score: Array, bad: Mask) -> float:
    """The area under the ROC curve: the chance that bad mail scores above ham. NaN if either is missing."""
    return float(roc_auc_score(bad, score)) if bad.any() and not bad.all() else float("nan")


def threshold_at(ham: Array, rate: float) -> float:
    """The score above which no more than this share of ham lies. Infinite without ham."""
    if not len(ham):
        return float("inf")
    ordered = np.sort(ham)[::-1]
    return float(ordered[min(int(rate * len(ham)), len(ham) - 1)])


def markdown(
    unseen: Unseen,
    lessons: Sequence[Lesson],
    calibration: tuple[Calibration, Calibration],
    *,
    command: str,
    pictures: Sequence[str] = (),
    further: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """MEASUREMENTS.md, with the `pictures` (file names) that lie beside it, and `further` tables by heading."""
    judged = judged_of(unseen, lessons, calibration)
    everything = np.ones(len(judged.score), dtype=bool)
    parts = [
        _opening(lessons, judged, command=command),
        "\n".join(f"![{name.partition('.')[0]}]({name})" for name in pictures),
        "## Modern sources",
        _curve(judged, judged.modern),
        "## All sources",
        _curve(judged, everything),
        "## At fixed scores",
        _fixed(judged),
        "## Dominant sources left out whole",
        _left_out(unseen, lessons, judged, calibration[0]),
        "## Calibration",
        _calibration(judged),
        "## Spam or phishing",
        _fraud(judged),
        "## What is lost",
        _lost(judged),
        "## By source",
        _by_source(judged),
        "## Ham by language",
        _by_language(judged),
        *(part for heading, table in further.items() for part in (f"## {heading}", table)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(lessons: Sequence[Lesson], judged: Judged, *, command: str) -> str:
    counts = Counter(each.label.value for each in lessons)
    dominant = ", ".join(dominant_sources(lessons)) or "none here"
    told = ", ".join(f"{count:,} {label}" for label, count in sorted(counts.items()))
    together = "; ".join(" with ".join(sorted(group)) for group in TOGETHER)
    return "\n".join(
        [
            "# Measurements",
            "",
            f"Made by `{command}`. {len(lessons):,} messages of "
            f"{len({each.source for each in lessons})} sources: {told}. {len(judged.score):,} of them were judged.",
            "",
            f"Protocol: {FOLDS} folds of whole sources; nothing is judged by a model that saw its source. Exceptions: "
            f"of a source that holds most of a class ({dominant}) the latest {LATER:.0%} are judged by models that saw "
            f"earlier ones only; {', '.join(sorted(CLUSTERED))} is left out by clusters of senders and of likeness; "
            f"{together} are left out together. What repeats a judged message nearly word for word is not learnt. "
            "Calibration is fitted on the same scores.",
            "",
            "Letters are ham by people and on lists; ordinary commercial ham is real newsletters, notices and "
            "bookings; hard commercial ham is retail mail of one mailbox that holds spam of the same look. Brackets: "
            "95 % confidence intervals.",
        ]
    )


def _curve(judged: Judged, scope: Mask) -> str:
    ham = scope & ~judged.bad
    lines = [
        f"{int(scope.sum()):,} messages. Area under the ROC curve: {area(judged.score[scope], judged.bad[scope]):.4f}; "
        f"letters against bad mail {_area_of(judged, scope & (judged.letters | judged.bad))}; "
        f"commercial ham against bad mail {_area_of(judged, scope & (judged.ordinary | judged.hard | judged.bad))}; "
        f"hard commercial ham against the bad mail of the same mailbox "
        f"{_area_of(judged, scope & np.isin(judged.source, sorted(set(judged.source[judged.hard]))))}.",
        "",
        "| Ham flagged | Score above | Spam found | Phishing found | Ordinary commercial held | Hard commercial held |",
        "|---|---|---|---|---|---|",
    ]
    for name, group in (("letters", scope & judged.letters), ("all ham", ham)):
        for rate in RATES:
            threshold = threshold_at(judged.score[group], rate)
            cells = [
                _share(judged, scope & mask, threshold)
                for mask in (*(judged.label == each for each in ("spam", "phishing")), judged.ordinary, judged.hard)
            ]
            lines.append(f"| {rate:.1%} of {name} | {threshold:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _fixed(judged: Judged) -> str:
    groups = {
        "Modern letters": judged.letters & judged.modern,
        "Old letters": judged.letters & ~judged.modern,
        "Ordinary commercial": judged.ordinary,
        "Hard commercial": judged.hard,
        "Modern spam": (judged.label == "spam") & judged.modern,
        "Old spam": (judged.label == "spam") & ~judged.modern,
        "Phishing": judged.label == "phishing",
    }
    lines = [
        f"| Score at least | {' | '.join(f'{name} ({int(mask.sum()):,})' for name, mask in groups.items())} |",
        "|---|" + "---|" * len(groups),
    ]
    for threshold in THRESHOLDS:
        cells = [_plain_share(judged.score[mask] >= threshold) for mask in groups.values()]
        lines.append(f"| {threshold:g} | {' | '.join(cells)} |")
    highest = np.sort(judged.score[~judged.bad])[::-1][:3]
    told = ", ".join(f"{score:.1f}" for score in highest)
    return "\n".join([*lines, "", f"The highest scores of any ham: {told}."])


def _left_out(unseen: Unseen, lessons: Sequence[Lesson], judged: Judged, calibration: Calibration) -> str:
    threshold = threshold_at(judged.score[judged.letters & judged.modern], 0.005)
    lines = []
    for source, raw in unseen.left_out.items():
        score = score_of(raw, calibration)
        bad = np.array([each.label is not MailClass.HAM for each in lessons if each.source == source], dtype=bool)
        lines.append(
            f"{source}: of {int(bad.sum()):,} bad messages {_plain_share(score[bad] > threshold)} found at 0.5 % of "
            "modern letters flagged, by a model that saw none of the source."
        )
    return "\n".join(lines) or "None was left out."


def _calibration(judged: Judged) -> str:
    lines = ["| Score | Messages | Mean probability | Bad in truth |", "|---|---|---|---|"]
    chance = 1.0 / (1.0 + np.exp(-np.clip(judged.score, -60, 60)))
    for low, high in pairwise(_BINS):
        inside = (judged.score >= low) & (judged.score < high)
        if inside.any():
            name = f"{low:g} to {high:g}".replace("-99 to", "below").replace(" to 99", " and above")
            told = f"{chance[inside].mean():.2f} | {judged.bad[inside].mean():.2f}"
            lines.append(f"| {name} | {int(inside.sum()):,} | {told} |")
    return "\n".join(lines)


def _fraud(judged: Judged) -> str:
    lines = [
        "Of bad mail, how much the second model calls phishing. The kind is what the corpus adds to a label: a",
        "honeypot labels all its mail phishing; where kind and label differ, a message is not learnt from here.",
        "",
        "| Source | Class | Kind | Messages | Called phishing |",
        "|---|---|---|---|---|",
    ]
    for source, label, mask in _groups(judged, judged.bad):
        for kind in sorted(set(judged.kind[mask])):
            inside = mask & (judged.kind == kind)
            if inside.sum() >= _LEAST:
                share = _plain_share(judged.fraud[inside] > 0)
                lines.append(f"| {source} | {label} | {kind or 'unknown'} | {int(inside.sum()):,} | {share} |")
    return "\n".join(lines)


def _lost(judged: Judged) -> str:
    """The groups of bad mail of which most is missed at the threshold for modern letters, and the ham that it flags."""
    threshold = threshold_at(judged.score[judged.letters & judged.modern], 0.005)
    rows = []
    for source, label, mask in _groups(judged, np.ones(len(judged.score), dtype=bool)):
        wrong = judged.score[mask] <= threshold if label != "ham" else judged.score[mask] > threshold
        rows.append((int(wrong.sum()), float(wrong.mean()), source, label))
    told = [
        f"| {source} | {label} | {count:,} | {share:.1%} |" for count, share, source, label in sorted(rows)[::-1][:12]
    ]
    head = [f"At 0.5 % of modern letters flagged (score {threshold:.2f}); the largest losses:", ""]
    return "\n".join([*head, "| Source | Class | Wrong | Share |", "|---|---|---|---|", *told])


def _by_source(judged: Judged) -> str:
    lines = [
        "| Source | Class | Messages | Median score | At least 0 | At least 2 | At least 5 |",
        "|---|---|---|---|---|---|---|",
    ]
    for source, label, mask in _groups(judged, np.ones(len(judged.score), dtype=bool)):
        score = judged.score[mask]
        shares = " | ".join(_plain_share(score >= threshold) for threshold in (0.0, 2.0, 5.0))
        lines.append(f"| {source} | {label} | {len(score):,} | {np.median(score):.1f} | {shares} |")
    return "\n".join(lines)


def _by_language(judged: Judged) -> str:
    lines = ["| Language (guessed) | Ham | At least 0 | At least 2 |", "|---|---|---|---|"]
    for language, count in sorted(Counter(judged.language[~judged.bad]).items(), key=lambda item: (-item[1], item[0])):
        score = judged.score[(judged.language == language) & ~judged.bad]
        if count >= _LEAST:
            lines.append(
                f"| {language or 'unknown'} | {count:,} | {_plain_share(score >= 0.0)} | {_plain_share(score >= 2.0)} |"
            )
    return "\n".join(lines)


def _groups(judged: Judged, among: Mask) -> list[tuple[str, str, Mask]]:
    """Source and class with enough messages to tell a share, largest first."""
    sizes = Counter(zip(judged.source[among], judged.label[among], strict=True))
    return [
        (source, label, among & (judged.source == source) & (judged.label == label))
        for (source, label), count in sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
        if count >= _LEAST
    ]


def _modern_sources(lessons: Sequence[Lesson]) -> set[str]:
    years: dict[str, list[str]] = {}
    for each in lessons:
        years.setdefault(each.source, []).extend([each.date[:4]] if each.date else [])
    return {source for source, dates in years.items() if not dates or sorted(dates)[len(dates) // 2] >= MODERN}


def _area_of(judged: Judged, scope: Mask) -> str:
    found = area(judged.score[scope], judged.bad[scope])
    return "unknown" if np.isnan(found) else f"{found:.4f}"


def _share(judged: Judged, mask: Mask, threshold: float) -> str:
    count, hits = int(mask.sum()), int((judged.score[mask] > threshold).sum())
    if not count:
        return "–"
    low, high = interval(hits, count)
    return f"{hits / count:.1%} ({100 * low:.1f} to {100 * high:.1f})"


def _plain_share(hits: Array) -> str:
    return f"{float(hits.mean()):.1%}" if len(hits) else "–"
