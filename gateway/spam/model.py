"""The classifier that serves: ham, spam or phishing, a calibrated probability, and the words that moved it.

Two linear models over the same features: is it unwanted, and if so, is it a fraud. A linear model can be explained
exactly:
each feature's weight is its share of the answer. scikit-learn is never imported here.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np

from gateway.facts.content import Anatomy, MailClass, Signal, SpamFact
from gateway.spam.artefact import Calibration, Manifest, ModelError, Weights, read
from gateway.spam.features import Features, features_of

__all__ = ["Model", "ModelError"]

MAX_SIGNALS: Final = 12
"""The features with the greatest share, for and against, that are recorded."""


class Model:
    """One loaded artefact. Safe to share between processes: its weights are a read-only mapping."""

    def __init__(self, manifest: Manifest, weights: Weights) -> None:
        self.manifest = manifest
        self._weights = weights

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read the artefact. Raises `ModelError`, above all when a hash is wrong."""
        return cls(*read(folder))

    def judge(self, anatomy: Anatomy) -> SpamFact:
        """What the message is taken for. `score` is the calibrated log-odds of not-ham."""
        features = features_of(anatomy)
        shares, unwanted, fraud = self._raw(features)
        score = _calibrated(self.manifest.unwanted, unwanted)
        not_ham = _sigmoid(score)
        phishing = not_ham * _sigmoid(_calibrated(self.manifest.phishing, fraud))
        probability = {
            MailClass.HAM.value: round(1.0 - not_ham, 6),
            MailClass.SPAM.value: round(not_ham - phishing, 6),
            MailClass.PHISHING.value: round(phishing, 6),
        }
        return SpamFact(
            mail_class=MailClass(max(probability, key=lambda name: probability[name])),
            probability=probability,
            score=round(score, 4),
            signals=_signals(features, shares * self.manifest.unwanted.slope),
            model=self.manifest.name,
        )

    def raw(self, features: Features) -> tuple[float, float]:
        """The two uncalibrated sums: unwanted, and fraud given unwanted. For training and measuring."""
        _, unwanted, fraud = self._raw(features)
        return unwanted, fraud

    def _raw(self, features: Features) -> tuple[Weights, float, float]:
        first, second = self.manifest.intercepts
        if not features.buckets:
            return np.zeros(0, dtype=np.float32), first, second
        chosen = self._weights[:, np.fromiter(features.buckets, dtype=np.intp, count=len(features.buckets))]
        scaled = chosen / math.sqrt(len(features.buckets))
        sums = scaled.sum(axis=1)
        return scaled[0], float(sums[0]) + first, float(sums[1]) + second


def _signals(features: Features, shares: Weights) -> tuple[Signal, ...]:
    if not len(shares):
        return ()
    strongest = np.argsort(-np.abs(shares))[:MAX_SIGNALS]
    return tuple(
        Signal(
            name=features.names[index][0], weight=round(float(shares[index]), 4), evidence=features.names[index][1][:80]
        )
        for index in strongest
        if abs(float(shares[index])) > 1e-4
    )


def _calibrated(calibration: Calibration, raw: float) -> float:
    return calibration.slope * raw + calibration.intercept


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, value))))
