"""Logistic regression and Platt scaling on data whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from gateway.spam.training.logistic import STRENGTH, fit_logistic, fit_scale


def test_the_gradient_vanishes_at_what_is_found() -> None:
    rng = np.random.default_rng(5)
    dense = (rng.random((200, 12)) < 0.3).astype(np.float32)
    target = dense[:, 0] + 0.5 * rng.random(200) > 0.7
    weight = np.ones(200)
    line = fit_logistic(csr_matrix(dense), target, weight)
    chance = 1 / (1 + np.exp(-(dense @ line.weights + line.intercept)))
    gradient = STRENGTH * dense.T @ (chance - target) + line.weights
    assert np.abs(gradient).max() < 1.0
    assert line.weights[0] > 3 * np.abs(line.weights[1:]).max()


def test_fitting_twice_gives_the_same_bits() -> None:
    rows = csr_matrix(np.eye(6, dtype=np.float32))
    target = np.array([True, False] * 3)
    one, other = (fit_logistic(rows, target, np.ones(6)) for _ in range(2))
    assert one.weights.tobytes() == other.weights.tobytes()
    assert one.intercept == other.intercept


def test_a_scale_is_recovered() -> None:
    rng = np.random.default_rng(1)
    score = rng.normal(size=40_000) * 2
    target = rng.random(40_000) < 1 / (1 + np.exp(-(1.5 * score - 0.5)))
    slope, intercept = fit_scale(score, target, np.ones(40_000))
    assert slope == pytest.approx(1.5, abs=0.1)
    assert intercept == pytest.approx(-0.5, abs=0.1)


@pytest.mark.parametrize("score", [[-5.0, 5.0], [-900.0, 900.0], [0.0, 0.0], [3.0, 3.1]])
def test_classes_told_apart_completely_or_not_at_all_give_finite_numbers(score: list[float]) -> None:
    assert np.isfinite(fit_scale(np.array(score), np.array([False, True]), np.ones(2))).all()
