"""Judging again with something taken away or disguised: what changes, for whom, and that the table tells it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.anatomy.examine import examine
from gateway.facts.content import MailClass
from gateway.spam.measuring.ablations import (
    VARIANTS,
    Altered,
    Concerns,
    ablations,
    altered_lessons,
    chosen_for,
    rescored,
)
from gateway.spam.training.corpus import read_corpora
from gateway.spam.training.lessons import Lesson
from gateway.spam.training.train import Unseen, calibrate
from tests.spam.makings import anatomy_of, author


@pytest.fixture
def altered(corpus: Path, lessons: list[Lesson], unseen: Unseen) -> Altered:
    mail = read_corpora([corpus])
    found = {}
    for n in chosen_for(unseen, lessons):
        found[n] = altered_lessons(mail[n], lessons[n], examine(mail[n].octets()), letter="Dear colleagues, see you")
    return found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Words s p a c e d out", "c h e a p now\n"),
        ("Zero-width characters inside words", "c\u200bh\u200be\u200ba\u200bp now\n"),
        ("Look-alike letters", "сhеар now\n"),
        ("An honest letter after the text", "cheap now\ngood"),
        ("An honest letter before the text", "goodcheap now\n"),
        ("Subject and text alone", "cheap now\n"),
    ],
)
def test_what_a_variant_makes_of_a_text(name: str, text: str) -> None:
    changed = next(each for each in VARIANTS if each.name == name).change(anatomy_of("cheap now\n"), "good")
    assert changed.text == text


def test_what_is_taken_away_is_gone_and_the_rest_stays() -> None:
    whole = anatomy_of("text", subject="Boots", authors=(author(),))
    named = {each.name: each for each in VARIANTS}
    without = named["Without author, replies and subject"].change(whole, "")
    assert (without.authors, without.subject, without.text) == ((), "", "text")
    assert named["Without links"].change(whole, "").authors == whole.authors


def test_attacks_are_made_by_senders_of_bad_mail_only(altered: Altered, lessons: list[Lesson]) -> None:
    attacks = {each.name for each in VARIANTS if each.concerns is Concerns.BAD}
    for n, variants in altered.items():
        assert bool(attacks & variants.keys()) == (lessons[n].label is not MailClass.HAM)


def test_only_who_is_concerned_scores_otherwise(altered: Altered, lessons: list[Lesson], unseen: Unseen) -> None:
    again = rescored(unseen, lessons, altered)["Look-alike letters"]
    chosen = sorted(altered)
    ham = [n for n in chosen if lessons[n].label is MailClass.HAM]
    bad = [n for n in chosen if lessons[n].label is not MailClass.HAM]
    assert np.array_equal(again[ham], unseen.scores[ham])
    assert (again[bad, 0] != unseen.scores[bad, 0]).any()
    assert np.isnan(np.delete(again, chosen, axis=0)).all()


def test_the_table_has_a_row_for_each_variant(altered: Altered, lessons: list[Lesson], unseen: Unseen) -> None:
    told = ablations(unseen, lessons, altered, calibrate(unseen, lessons))
    for name in ("As it is", *(each.name for each in VARIANTS)):
        assert told.count(f"\n| {name} |") == 1
    assert "nan" not in told
