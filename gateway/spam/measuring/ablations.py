"""What the classifier leans on: judged messages once more, with something taken away or disguised, by the models of the
folds as they are. Ablations take away from all mail; attacks change bad mail only, as its senders would.

Nothing is learnt here, and nothing is disguised for anybody but the measurement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np

from gateway.facts.content import Anatomy, ContentFact, MailClass
from gateway.spam.artefact import Calibration
from gateway.spam.features import MAX_SUBJECT, features_of
from gateway.spam.measuring.measure import Array, Judged, judged_of, threshold_at
from gateway.spam.shares import interval
from gateway.spam.training.corpus import Labelled
from gateway.spam.training.lessons import Lesson, judged_anatomy
from gateway.spam.training.train import Unseen, raw_scores
from gateway.spam.trust import trust_of, weight_of

LETTERS: Final = 4_000
OTHERS: Final = 1_500
"""Messages of a kind that are judged again; the corpus's order, by hashes, is the choice."""
RATE: Final = 0.005
DISGUISED: Final = 1_500
"""Characters of a text that an attack changes: what is read first."""
PADDING: Final = 1_000
"""Characters of somebody's honest letter that are put before or after the text."""

_WORD: Final = re.compile(r"[^\W\d_]{4,}")
_LOOK_ALIKE: Final = str.maketrans("aeopcyxis", "аеорсухіѕ")


class Concerns(Enum):
    """Whose messages a variant changes."""

    ALL = "all mail"
    BAD = "bad mail"


@dataclass(frozen=True, slots=True)
class Variant:
    """One change. `change` is given the anatomy and the text of an honest letter."""

    name: str
    concerns: Concerns
    change: Callable[[Anatomy, str], Anatomy]


def _without_people(anatomy: Anatomy, _: str) -> Anatomy:
    return replace(anatomy, authors=(), reply_to=(), subject="", signers=())


def _without_links(anatomy: Anatomy, _: str) -> Anatomy:
    return replace(anatomy, content=replace(anatomy.content, links=()))


def _without_signatures(anatomy: Anatomy, _: str) -> Anatomy:
    return replace(anatomy, signers=())


def _with_false_signatures(anatomy: Anatomy, _: str) -> Anatomy:
    """Signed in the author's name, as anybody may write; a gateway that can ask for keys takes back what it brings."""
    return replace(anatomy, signers=tuple(each.domain for each in anatomy.authors[:1]))


def _text_alone(anatomy: Anatomy, _: str) -> Anatomy:
    return Anatomy(content=ContentFact(), subject=anatomy.subject, text=anatomy.text)


def _in_words(change: Callable[[str], str]) -> Callable[[Anatomy, str], Anatomy]:
    def disguise(text: str, most: int) -> str:
        return _WORD.sub(lambda found: change(found[0]), text[:most]) + text[most:]

    def variant(anatomy: Anatomy, _: str) -> Anatomy:
        return replace(anatomy, subject=disguise(anatomy.subject, MAX_SUBJECT), text=disguise(anatomy.text, DISGUISED))

    return variant


VARIANTS: Final = (
    Variant("Without author, replies and subject", Concerns.ALL, _without_people),
    Variant("Without links", Concerns.ALL, _without_links),
    Variant("Subject and text alone", Concerns.ALL, _text_alone),
    Variant("Without signatures", Concerns.ALL, _without_signatures),
    Variant("False signatures in the author's name, not verified", Concerns.BAD, _with_false_signatures),
    Variant("Words s p a c e d out", Concerns.BAD, _in_words(" ".join)),
    Variant("Zero-width characters inside words", Concerns.BAD, _in_words("\u200b".join)),
    Variant("Look-alike letters", Concerns.BAD, _in_words(lambda word: word.translate(_LOOK_ALIKE))),
    Variant(
        "An honest letter after the text",
        Concerns.BAD,
        lambda anatomy, good: replace(anatomy, text=anatomy.text + good),
    ),
    Variant(
        "An honest letter before the text",
        Concerns.BAD,
        lambda anatomy, good: replace(anatomy, text=good + anatomy.text),
    ),
)

Altered = Mapping[int, Mapping[str, Lesson]]
"""By position of a lesson: the lesson again under each variant that concerns it."""


def chosen_for(unseen: Unseen, lessons: Sequence[Lesson]) -> list[int]:
    """Positions of the lessons that are judged again, ascending."""
    kept = np.flatnonzero(unseen.judged)
    found = [kept[mask] for mask in _groups(judged_of(unseen, lessons, (Calibration(), Calibration()))).values()]
    return sorted(int(n) for group, most in zip(found, _MOST, strict=True) for n in group[:most])


def altered_lessons(message: Labelled, lesson: Lesson, anatomy: Anatomy, *, letter: str) -> dict[str, Lesson]:
    """The lesson under each variant that concerns it. `letter` is the text of an honest letter."""
    bad = message.label is not MailClass.HAM
    good = f"\n{letter[:PADDING]}\n"
    seen = judged_anatomy(message, anatomy)
    return {
        each.name: _again(lesson, each.change(seen, good)) for each in VARIANTS if bad or each.concerns is Concerns.ALL
    }


def _again(lesson: Lesson, anatomy: Anatomy) -> Lesson:
    buckets = features_of(anatomy).buckets.astype(np.int32)
    return replace(lesson, buckets=buckets, trust=weight_of(tuple(trust_of(anatomy))))


def rescored(unseen: Unseen, lessons: Sequence[Lesson], altered: Altered) -> dict[str, Array]:
    """By variant: raw scores as in `Unseen`, of the altered lessons where there are some, else as they were; NaN for
    what was not chosen."""
    found = {}
    for variant in VARIANTS:
        scores = np.full_like(unseen.scores, np.nan)
        scores[list(altered)] = unseen.scores[list(altered)]
        for fold, fitted in unseen.models:
            again = [n for n in fold.judged.tolist() if variant.name in altered.get(n, {})]
            if again:
                scores[again] = raw_scores(fitted, [altered[n][variant.name] for n in again])
        found[variant.name] = scores
    return found


def ablations(
    unseen: Unseen, lessons: Sequence[Lesson], altered: Altered, calibration: tuple[Calibration, Calibration]
) -> str:
    """The table as Markdown. Ablations stand at their own bound for letters, attacks at the bound of the unchanged."""
    plain = np.full_like(unseen.scores, np.nan)
    plain[list(altered)] = unseen.scores[list(altered)]
    unchanged = judged_of(Unseen(plain, {}), lessons, calibration)
    bound = threshold_at(unchanged.score[unchanged.letters & unchanged.modern], RATE)
    sizes = {name: int(mask.sum()) for name, mask in _groups(unchanged).items()}
    lines = [
        f"Some judged messages again, changed, by the same models of the folds: {sizes['letters']:,} letters, "
        f"{sizes['spam']:,} spam, {sizes['phishing']:,} phishing, {sizes['ordinary']:,} ordinary and {sizes['hard']:,} "
        f"hard commercial ham, modern sources. What is taken away is taken from all mail, and each row has the bound "
        f"at which {RATE:.1%} of letters are held; an attack changes bad mail only, and the bound stays. The honest "
        f"letter is one of the corpus, {PADDING:,} characters of it.",
        "",
        "| Variant | Bound | Spam found | Phishing found | Ordinary commercial held | Hard commercial held |",
        "|---|---|---|---|---|---|",
        _row("As it is", unchanged, bound),
    ]
    again = rescored(unseen, lessons, altered)
    for variant in VARIANTS:
        judged = judged_of(Unseen(again[variant.name], {}), lessons, calibration)
        own = threshold_at(judged.score[judged.letters & judged.modern], RATE)
        lines.append(_row(variant.name, judged, own if variant.concerns is Concerns.ALL else bound))
    return "\n".join(lines)


_MOST: Final = (LETTERS, OTHERS, OTHERS, OTHERS, OTHERS)


def _groups(judged: Judged) -> dict[str, Array]:
    return {
        "letters": judged.letters & judged.modern,
        "spam": (judged.label == "spam") & judged.modern,
        "phishing": (judged.label == "phishing") & judged.modern,
        "ordinary": judged.ordinary,
        "hard": judged.hard,
    }


def _row(name: str, judged: Judged, bound: float) -> str:
    groups = _groups(judged)
    cells = []
    for each in ("spam", "phishing", "ordinary", "hard"):
        hits, count = int((judged.score[groups[each]] > bound).sum()), int(groups[each].sum())
        low, high = interval(hits, count)
        cells.append(f"{hits / count:.1%} ({100 * low:.1f} to {100 * high:.1f})" if count else "–")
    return f"| {name} | {bound:.2f} | {' | '.join(cells)} |"
