"""What training keeps of a message: its label, where it comes from, its features, and how much it counts. The message
itself is not kept."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zlib import crc32

import numpy as np
import numpy.typing as npt

from gateway.facts.content import Anatomy, ContentFact, MailClass
from gateway.spam.bulk import bulk_of
from gateway.spam.features import features_of
from gateway.spam.sites import site_of
from gateway.spam.training.corpus import Labelled
from gateway.spam.trust import trust_of, weight_of

_LIKENESS: Final = 160
_NO_LETTERS: Final = re.compile(r"[\W\d_]+")

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One message ready to learn from. `site` is the author's domain, to keep a sender's messages together; `likeness`
    is the same for messages that begin with the same words.

    `trust` is what outside knowledge adds to its score, in log-odds: it is judged with, not learnt from.

    Only measured, never learnt from: `bulk` is whether it is built as bulk mail is, `signed` whether a signature on it
    names the author's site (the keys of old mail are gone, so nobody can say whether it was good), `invented_header`
    whether only its text is real.
    """

    label: MailClass
    source: str
    buckets: npt.NDArray[np.int32]
    kind: str = ""
    date: str = ""
    language: str = ""
    made_up: bool = False
    site: str = ""
    likeness: int = 0
    bulk: bool | None = None
    signed: bool = False
    invented_header: bool = False
    trust: float = 0.0


def lesson_of(message: Labelled, anatomy: Anatomy) -> Lesson:
    """Of a message taken apart keep what is learnt from."""
    bulk = None if message.invented_header else bulk_of(anatomy)
    anatomy = judged_anatomy(message, anatomy)
    author = anatomy.authors[0] if anatomy.authors else None
    site = site_of(author.domain) if author is not None else ""
    return Lesson(
        label=message.label,
        source=message.source,
        buckets=features_of(anatomy).buckets.astype(np.int32),
        kind=message.kind,
        date=message.date,
        language=message.language,
        made_up=message.made_up,
        site=site,
        likeness=_likeness(anatomy),
        bulk=bulk,
        signed=site in map(site_of, anatomy.signers),
        invented_header=message.invented_header,
        trust=weight_of(tuple(trust_of(anatomy))),
    )


def judged_anatomy(message: Labelled, anatomy: Anatomy) -> Anatomy:
    """What of a message is real: where its header is invented, what is read and where its links go."""
    if not message.invented_header:
        return anatomy
    content = ContentFact(links=anatomy.content.links)
    return Anatomy(content=content, subject=anatomy.subject, text=anatomy.text)


def importance_of(lessons: Sequence[Lesson]) -> Array:
    """How much each lesson counts.

    1 / sqrt(size of its source and class), so that one large archive does not teach its own dialect; scarce kinds of
    ham more, made-up messages less; in each language as much ham as unwanted mail, within bounds, so that a language
    is no sign of spam; in the end as much ham as unwanted mail.
    """
    sizes = Counter((each.source, each.label) for each in lessons)
    weight = np.array([_emphasis(each) / np.sqrt(sizes[each.source, each.label]) for each in lessons])
    unwanted = np.array([each.label is not MailClass.HAM for each in lessons])
    language = np.array([each.language for each in lessons])
    for current in np.unique(language):
        if current in ("", "en"):
            continue
        here = language == current
        ham, bad = weight[here & ~unwanted].sum(), weight[here & unwanted].sum()
        if min((here & ~unwanted).sum(), (here & unwanted).sum()) < _FEW:
            weight[here] *= 0.5
            continue
        middle = np.sqrt(ham * bad)
        weight[here & ~unwanted] *= np.clip(middle / ham, 0.2, 5.0)
        weight[here & unwanted] *= np.clip(middle / bad, 0.2, 5.0)
    for side in (unwanted, ~unwanted):
        if side.any():
            weight[side] *= len(lessons) / 2 / weight[side].sum()
    return weight


_FEW: Final = 3
OLD: Final = "2015"
OLD_EMPHASIS: Final = 0.4
_KINDS: Final = frozenset({"spam", "phishing"})
_RETAIL: Final = "foff"
_NOTICES: Final = "transact"


def _emphasis(lesson: Lesson) -> float:
    """Modern commercial mail is scarce in every corpus that may be had, and plentiful in every mailbox; old mail is the
    other way round."""
    if lesson.date and lesson.date < OLD:
        return OLD_EMPHASIS
    if lesson.source == _RETAIL:
        return 20.0 if lesson.label is MailClass.HAM else 10.0
    if lesson.source == _NOTICES or is_commercial(lesson):
        return 1.0 if lesson.made_up else 4.0
    return 1.0


def is_clear(lesson: Lesson) -> bool:
    """Whether this is spam or phishing beyond doubt. A honeypot calls all its mail phishing; where the corpus says too
    what kind a message is, and that differs, it does not teach what a fraud is."""
    if lesson.label is MailClass.HAM:
        return False
    return lesson.kind not in _KINDS or lesson.kind == lesson.label.value


def is_commercial(lesson: Lesson) -> bool:
    """Whether this is ham that a business sent: newsletters, notices, offers."""
    named = lesson.source in (_RETAIL, _NOTICES) or lesson.source.startswith("c2-")
    return lesson.label is MailClass.HAM and named


def is_hard_commercial(lesson: Lesson) -> bool:
    """Whether this is retail ham that looks like the spam of its time."""
    return lesson.label is MailClass.HAM and lesson.source == _RETAIL


def _likeness(anatomy: Anatomy) -> int:
    letters = _NO_LETTERS.sub(" ", f"{anatomy.subject} {anatomy.text[:1000]}".lower())[:_LIKENESS]
    return crc32(letters.encode("utf-8", "replace"))
