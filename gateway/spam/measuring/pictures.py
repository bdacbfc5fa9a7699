"""The pictures beside the tables of MEASUREMENTS.md: recall at low false-positive rates, and calibration.

Bands are 95 % bootstrap intervals: ham and bad mail are drawn again, so the threshold moves with them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.spam.measuring.charts import Axis, Curve, chart
from gateway.spam.measuring.measure import Judged, threshold_at

DRAWS: Final = 200
SEED: Final = 20261121
_RATES: Final = tuple(float(rate) for rate in np.geomspace(0.0005, 0.05, 25))
_SHARES: Final = tuple((step / 10, f"{step * 10} %") for step in range(0, 11, 2))
_BINS: Final = 12
_LEAST: Final = 20

Array = npt.NDArray[Any]


def pictures_of(judged: Judged) -> dict[str, str]:
    """File name to SVG, of modern mail. Empty without modern letters or bad mail."""
    letters = judged.score[judged.letters & judged.modern]
    ham = judged.score[judged.modern & ~judged.bad]
    bad = {each: judged.score[judged.modern & (judged.label == each)] for each in ("spam", "phishing")}
    if min(len(letters), *map(len, bad.values())) < _LEAST:
        return {}
    return {
        "roc-letters.svg": _recall("Found, by share of letters flagged", letters, bad),
        "roc-all-ham.svg": _recall("Found, by share of all ham flagged", ham, bad),
        "calibration.svg": _calibration(judged),
    }


def recall_at(ham: Array, bad: Array, rates: tuple[float, ...] = _RATES) -> list[float]:
    """The share of bad mail above the thresholds that flag these shares of ham."""
    return [float((bad > threshold_at(ham, rate)).mean()) for rate in rates]


def band_of(ham: Array, bad: Array, rates: tuple[float, ...] = _RATES) -> list[tuple[float, float]]:
    """The 95 % bootstrap interval of each recall. The same scores give the same band."""
    draw = np.random.default_rng(SEED)
    drawn = np.array([recall_at(draw.choice(ham, len(ham)), draw.choice(bad, len(bad)), rates) for _ in range(DRAWS)])
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return [(float(one), float(other)) for one, other in zip(low, high, strict=True)]


def _recall(title: str, ham: Array, bad: dict[str, Array]) -> str:
    across = Axis("Ham flagged", _RATES[0], _RATES[-1], _rates_shown(), logarithmic=True)
    curves = [
        Curve(name, list(zip(_RATES, recall_at(ham, scores), strict=True)), band_of(ham, scores))
        for name, scores in bad.items()
    ]
    return chart(title, across, Axis("Bad mail found", 0.0, 1.0, _SHARES), curves)


def _rates_shown() -> tuple[tuple[float, str], ...]:
    return tuple((rate, f"{100 * rate:g} %") for rate in (0.0005, 0.001, 0.005, 0.01, 0.02, 0.05))


def _calibration(judged: Judged) -> str:
    chance = 1.0 / (1.0 + np.exp(-np.clip(judged.score, -60, 60)))
    order = np.argsort(chance, kind="stable")
    groups = [group for group in np.array_split(order, _BINS) if len(group)]
    points = [(float(chance[group].mean()), float(judged.bad[group].mean())) for group in groups]
    axis = Axis("Probability told", 0.0, 1.0, _SHARES)
    curves = [Curve("told and true", points), Curve("perfect", [(0.0, 0.0), (1.0, 1.0)], dashed=True)]
    return chart("Calibration on unseen sources", axis, Axis("Bad in truth", 0.0, 1.0, _SHARES), curves)
