"""Measuring: the figures are right on scores whose answer is known, and the tables are there."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.spam.measuring.measure import area, judged_of, markdown, threshold_at
from gateway.spam.shares import interval
from gateway.spam.training.lessons import Lesson
from gateway.spam.training.train import Unseen, calibrate


def test_the_area_is_the_chance_that_bad_mail_scores_higher() -> None:
    score = np.array([0.0, 1.0, 2.0, 3.0])
    assert area(score, np.array([False, False, True, True])) == 1.0
    assert area(score, np.array([True, True, False, False])) == 0.0
    assert area(np.zeros(4), np.array([True, False, True, False])) == 0.5
    assert np.isnan(area(score, np.zeros(4, dtype=bool)))


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.01, 0.1, 0.5])
def test_no_more_ham_than_allowed_lies_above_the_threshold(rate: float) -> None:
    ham = np.random.default_rng(2).normal(size=1000)
    assert (ham > threshold_at(ham, rate)).mean() <= rate


def test_the_interval_holds_the_share_and_narrows() -> None:
    low, high = interval(5, 10)
    assert 0.0 < low < 0.5 < high < 1.0
    assert interval(500, 1000)[1] - interval(500, 1000)[0] < high - low
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(0, 100)[0] == 0.0


def test_measurements_of_a_small_corpus_are_told_in_all_their_parts(lessons: list[Lesson], unseen: Unseen) -> None:
    calibration = calibrate(unseen, lessons)
    told = markdown(unseen, lessons, calibration, command="postern model measure --corpus x")
    for part in ("Modern sources", "At fixed scores", "Calibration", "What is lost", "By source", "left out whole"):
        assert part in told
    assert "120 messages of 8 sources: 40 ham, 40 phishing, 40 spam" in told
    assert "pot: of 30 bad messages" in told
    assert " nan" not in told
    judged = judged_of(unseen, lessons, calibration)
    assert area(judged.score, judged.bad) > 0.95, "classes written from different words are told apart"
