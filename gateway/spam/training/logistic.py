"""Logistic regression, by L-BFGS: scipy on sparse rows, where the penalty counts from what is known beforehand, which
scikit-learn cannot do; scikit-learn for the scale of scores. Never on the way of a message.

The same rows give the same weights: no randomness, one start, a fixed bound of steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

STRENGTH: Final = 8.0
"""Inverse of the L2 penalty. On left-out sources 2, 8 and 40 hardly differed (MEASUREMENTS.md)."""
STEPS: Final = 40
"""Steps of L-BFGS. Stopping early is a second penalty; more steps learn the dialects of the sources."""
_CORRECTIONS: Final = 8
_BOUND: Final = 60.0
_LOOSE: Final = 1e4
"""Inverse of the L2 penalty on the scale of scores."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Line:
    """A linear model: weights for columns, and an intercept."""

    weights: npt.NDArray[np.float32]
    intercept: float


def fit_logistic(rows: csr_matrix, target: Array, importance: Array, *, known: Array | None = None) -> Line:
    """Fit target (true or false for each row) with a weight for each row. `known` are the weights of columns from which
    the penalty is counted; zero without."""
    count = rows.shape[1]
    columns = rows.T.tocsr()
    sign = np.where(target, 1.0, -1.0).astype(np.float32)
    weight = importance.astype(np.float32)

    origin = np.zeros(count) if known is None else known.astype(np.float64)

    def loss(point: Array) -> tuple[float, Array]:
        line, intercept = point[:-1].astype(np.float32), np.float32(point[-1])
        margin = sign * (rows @ line + intercept)
        slope = -(weight * sign) / (1.0 + np.exp(np.clip(margin, -_BOUND, _BOUND)))
        gradient = np.empty(count + 1)
        gradient[:-1] = STRENGTH * (columns @ slope) + (point[:-1] - origin)
        gradient[-1] = STRENGTH * slope.sum(dtype=np.float64)
        error = float((weight * np.logaddexp(0.0, -margin)).sum(dtype=np.float64))
        return STRENGTH * error + 0.5 * float(((point[:-1] - origin) ** 2).sum()), gradient

    options = {"maxiter": STEPS, "maxcor": _CORRECTIONS}
    start = np.append(origin, 0.0)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return Line(found.x[:-1].astype(np.float32), float(found.x[-1]))


def fit_scale(scores: Array, target: Array, importance: Array) -> tuple[float, float]:
    """Slope and intercept that make log-odds of scores (Platt, 1999). The slight penalty only matters where the classes
    are told apart completely: it keeps the numbers finite."""
    line = LogisticRegression(C=_LOOSE)
    line.fit(scores.reshape(-1, 1), target, sample_weight=importance * (len(importance) / importance.sum()))
    return float(line.coef_[0, 0]), float(line.intercept_[0])
