"""The classifier that serves: ham, spam or phishing, a calibrated probability, and the words that moved it.

Two linear models over the same features: is it unwanted, and if so, is it a fraud. A linear model can be explained
exactly: each feature's weight is its share of the answer, and what the pieces of a word say is told as that word. To
the first is added what outside knowledge says of the sender (`trust.py`), and what the site's own layer says, as
signals of their own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.facts.content import REST, START, Anatomy, MailClass, Signal, SpamFact
from gateway.spam.artefact import Manifest, ModelError, Weights, read
from gateway.spam.bulk import bulk_of
from gateway.spam.features import Explained, explained_features_of, features_of
from gateway.spam.layer import Layer
from gateway.spam.trust import WEIGHTS, credit_of, trust_of, weight_of

__all__ = ["Explanation", "Model", "ModelError"]

MAX_SIGNALS: Final = 12
"""The tokens with the greatest share, for and against, that are recorded; the others as one signal."""
MAX_TAUGHT: Final = 3
"""The tokens that are named where the site's layer is told as one signal."""
MAX_EVIDENCE: Final = 80
_LEAST: Final = 1e-4
_BOUND: Final = 60.0
"""Beyond these log-odds a probability is 0 or 1 in every digit."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A score taken apart: the sum of the weights of all `signals`, strongest first, then what is left, and where it
    starts."""

    score: float
    signals: tuple[Signal, ...]


class Model:
    """One loaded artefact. Safe to share between processes: its weights are a read-only mapping."""

    def __init__(self, manifest: Manifest, weights: Weights, layer: Layer | None = None) -> None:
        self.manifest = manifest
        self._weights = np.asarray(weights)
        self._layer = layer

    def over_it(self, layer: Layer) -> Model:
        """This model with a site's layer, which must have been learnt over it."""
        return Model(self.manifest, self._weights, layer)

    @property
    def name(self) -> str:
        """The artefact's name, and the version of the layer where there is one."""
        return self.manifest.name if self._layer is None else f"{self.manifest.name}+{self._layer.manifest.name}"

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read the artefact. Raises `ModelError`, above all when a hash is wrong."""
        return cls(*read(folder))

    def judge(self, anatomy: Anatomy) -> SpamFact:
        """What the message is taken for. `score` is the calibrated log-odds of not-ham."""
        trust = tuple(trust_of(anatomy))
        explanation, fraud = self._explain(anatomy, trust, most=MAX_SIGNALS)
        not_ham = _sigmoid(explanation.score)
        phishing = not_ham * _sigmoid(fraud)
        probability = {
            MailClass.HAM.value: 1.0 - not_ham,
            MailClass.SPAM.value: not_ham - phishing,
            MailClass.PHISHING.value: phishing,
        }
        return SpamFact(
            mail_class=MailClass(max(probability, key=lambda name: probability[name])),
            probability={name: round(share, 6) for name, share in probability.items()},
            score=round(explanation.score, 4),
            signals=explanation.signals,
            model=self.name,
            bulk=bulk_of(anatomy),
            credit=credit_of(trust),
        )

    def explain(self, anatomy: Anatomy) -> Explanation:
        """All that moved the score, and not only the strongest."""
        return self._explain(anatomy, tuple(trust_of(anatomy)), most=None)[0]

    def study(self, anatomy: Anatomy) -> tuple[tuple[int, ...], float]:
        """What is learnt from a message: its features, and the score of the shipped model without the layer."""
        features = features_of(anatomy)
        raw = float((self._weights[features.buckets, 0].astype(np.float64) * features.values).sum())
        unwanted = self.manifest.unwanted
        score = unwanted.of(self.manifest.intercepts[0]) + unwanted.slope * raw + weight_of(tuple(trust_of(anatomy)))
        return tuple(features.buckets.tolist()), score

    def _explain(self, anatomy: Anatomy, trust: tuple[str, ...], *, most: int | None) -> tuple[Explanation, float]:
        """The explanation of "unwanted", and the log-odds of "fraud, if unwanted". What is known from outside (`trust`)
        is always told, so that it can be taken back."""
        explained = explained_features_of(anatomy)
        buckets, values = explained.features.buckets, explained.features.values
        shares = self._weights[buckets].astype(np.float64) * values[:, None]
        unwanted, phishing = self.manifest.unwanted, self.manifest.phishing
        start = unwanted.of(self.manifest.intercepts[0])
        fraud = phishing.of(self.manifest.intercepts[1] + float(shares[:, 1].sum()))
        by_token = unwanted.slope * np.bincount(explained.owners, weights=shares[:, 0])
        score = start + float(by_token.sum()) + weight_of(trust)
        known = tuple(Signal("fact", WEIGHTS[fact], fact) for fact in trust)
        room = None if most is None else most - len(known)
        signals = tuple(_signal(explained.token(number), by_token[number]) for number in _strongest(by_token, room))
        if self._layer is not None:
            shares = self._layer.shares(buckets, values)
            taught = np.bincount(explained.owners, weights=shares, minlength=len(by_token))
            score += float(taught.sum())
            signals = (*signals[: room and room - 1], *_taught(taught, explained, most))
        signals = tuple(sorted((*signals, *known), key=lambda each: -abs(each.weight)))
        moved = int(np.count_nonzero(by_token)) + len(known)
        return Explanation(score, (*signals, *_whole(score, start, signals, moved=moved))), fraud


def _whole(score: float, start: float, told: tuple[Signal, ...], *, moved: int) -> tuple[Signal, ...]:
    """What makes the sum of the signals whole. `moved` counts the tokens that moved the score, told or not."""
    begin = Signal(START, round(start, 4), "before anything is read")
    rest = round(round(score, 4) - begin.weight - sum(each.weight for each in told), 4)
    further = max(0, moved - len(told))
    if not further and abs(rest) <= _LEAST * (1 + len(told)):
        return (begin,)
    return Signal(REST, rest, f"{further} further words and facts"), begin


def _taught(shares: npt.NDArray[Any], explained: Explained, most: int | None) -> tuple[Signal, ...]:
    """The layer's part: each token's, or where there is room for few, one signal of all with its strongest words."""
    if most is None:
        named = [(explained.token(number), shares[number]) for number in _strongest(shares, None)]
        return tuple(_signal((f"taught here, {kind}", words), weight) for (kind, words), weight in named)
    words = ", ".join(explained.token(number)[1] for number in _strongest(shares, MAX_TAUGHT))
    return (_signal(("taught here", words), shares.sum()),) if words else ()


def _strongest(shares: npt.NDArray[Any], most: int | None) -> list[int]:
    """Numbers of the tokens with the largest shares either way, largest first; equal ones in the order of the text."""
    size = np.abs(shares)
    if most is None:
        kept = np.flatnonzero(size)
    elif len(size) > most:
        kept = np.sort(np.argpartition(size, -most)[-most:])
    else:
        kept = np.arange(len(size))
    ordered: list[int] = kept[np.argsort(-size[kept], kind="stable")].tolist()
    return ordered if most is None else [number for number in ordered if size[number] > _LEAST]


def _signal(token: tuple[str, str], weight: float) -> Signal:
    kind, words = token
    return Signal(name=kind, weight=round(float(weight), 4), evidence=words[:MAX_EVIDENCE])


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-_BOUND, min(_BOUND, value))))
