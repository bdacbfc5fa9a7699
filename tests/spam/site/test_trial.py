"""gateway/spam/site/trial.py: whether scores keep what they promise, by what people say."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from gateway.spam.site.trial import EDGES, FILE, Finding, Trial, read, write


def drawn(count: int, *, shift: float = 0.0) -> Trial:
    """Lessons drawn just as their scores say; `shift` is then added to the scores."""
    draw, ham, unwanted = random.Random(6), [], []
    for _ in range(count):
        score = draw.uniform(-6.0, 6.0)
        side = unwanted if draw.random() < 1.0 / (1.0 + math.exp(-score)) else ham
        side.append(score + shift)
    return Trial("m", "l", tuple(ham), tuple(unwanted))


def test_scores_that_are_true_fit_in_every_band() -> None:
    assert {each.finding for each in drawn(4000).bands()} == {Finding.FITS}


@pytest.mark.parametrize(("shift", "finding"), [(2.0, Finding.TOO_HIGH), (-2.0, Finding.TOO_LOW)])
def test_scores_that_say_too_much_or_too_little_are_found(shift: float, finding: Finding) -> None:
    assert sum(each.finding is finding for each in drawn(4000, shift=shift).bands()) >= 4


def test_a_promise_takes_into_account_how_much_bad_mail_was_taught() -> None:
    true = drawn(4000)
    few = Trial("m", "l", true.ham, true.unwanted[::10])
    assert {each.finding for each in few.bands()} == {Finding.FITS}
    middle, same = few.bands()[3], true.bands()[3]
    assert middle.promised < same.promised - 0.3


def test_every_lesson_is_in_the_band_that_its_score_says() -> None:
    bands = Trial("m", "l", (-9.0, -4.0, -0.01), (0.0, 3.99, 4.0)).bands()
    assert [each.count for each in bands] == [1, 1, 1, 1, 1, 1]
    assert [(each.ham, each.unwanted) for each in bands] == [(1, 0)] * 3 + [(0, 1)] * 3
    assert [each.low for each in bands] == [-math.inf, *EDGES]


def test_bands_without_lessons_say_so() -> None:
    assert {each.finding for each in Trial("m", "l", (), ()).bands()} == {Finding.NOTHING}


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    trial = Trial("model", "lessons", (-1.25, 0.5), (3.0,))
    write(tmp_path, trial)
    assert read(tmp_path) == trial
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "[]",
        "{}",
        "[" * 100_000,
        '{"model": "m", "lessons": "l", "ham": 3, "unwanted": []}',
        '{"model": "m", "lessons": "l", "ham": [NaN], "unwanted": []}',
    ],
)
def test_what_is_no_trial_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    assert read(tmp_path) is None
