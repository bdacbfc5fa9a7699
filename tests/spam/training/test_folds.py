"""Who learns from what: nothing is judged by a model that saw its source, and each exception holds to its rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gateway.facts.content import MailClass
from gateway.spam.training.folds import dominant_sources, folds_of, without_source
from gateway.spam.training.lessons import Lesson

HAM, SPAM, PHISHING = MailClass.HAM, MailClass.SPAM, MailClass.PHISHING
EMPTY = np.zeros(0, dtype=np.int32)


def lesson(label: MailClass, source: str, number: int, **more: object) -> Lesson:
    return Lesson(label, source, EMPTY, **{"likeness": number, **more})


def several() -> list[Lesson]:
    rows = [(label, f"{label.value}-{n % 4}") for label in MailClass for n in range(40)]
    return [lesson(label, source, number) for number, (label, source) in enumerate(rows)]


def test_no_source_stands_on_both_sides_and_everything_is_judged_once() -> None:
    lessons = several()
    judged: list[int] = []
    for fold in folds_of(lessons):
        sides = [{lessons[n].source for n in side} for side in (fold.learnt, fold.judged)]
        assert not sides[0] & sides[1]
        assert {lessons[n].label for n in fold.learnt} == set(MailClass)
        judged += fold.judged.tolist()
    assert sorted(judged) == list(range(len(lessons)))


def test_a_dominant_source_is_judged_in_its_later_part_by_its_earlier() -> None:
    lessons = [each for each in several() if each.label is not PHISHING]
    lessons += [lesson(PHISHING, "pot", 1000 + n, date=f"2024-{1 + n // 4:02}-01") for n in range(40)]
    lessons += [lesson(PHISHING, "other", 2000 + n) for n in range(8)]
    assert dominant_sources(lessons) == ["pot"]
    judging = [fold for fold in folds_of(lessons) if any(lessons[n].source == "pot" for n in fold.judged)]
    (fold,) = judging
    judged = [lessons[n].date for n in fold.judged if lessons[n].source == "pot"]
    learnt = [lessons[n].date for n in fold.learnt if lessons[n].source == "pot"]
    assert learnt
    assert max(learnt) < min(judged)
    assert len(judged) <= 12
    whole = without_source(lessons, "pot")
    assert {lessons[n].source for n in whole.judged} == {"pot"}
    assert "pot" not in {lessons[n].source for n in whole.learnt}


def test_a_clustered_source_is_left_out_by_sender() -> None:
    lessons = [*several(), *(lesson(HAM, "foff", 500 + n, site=f"shop{n % 7}.example") for n in range(21))]
    for fold in folds_of(lessons):
        sides = [{lessons[n].site for n in side if lessons[n].source == "foff"} for side in (fold.learnt, fold.judged)]
        assert not sides[0] & sides[1]


def test_sources_collected_from_each_other_are_left_out_together() -> None:
    lessons = [*several(), *(lesson(HAM, ("csdmc2010", "spamassassin")[n % 2], 700 + n) for n in range(20))]
    holding = [fold for fold in folds_of(lessons) if any(lessons[n].source == "csdmc2010" for n in fold.judged)]
    assert len(holding) == 1
    assert sum(lessons[n].source == "spamassassin" for n in holding[0].judged) == 10


def test_what_repeats_a_judged_message_is_not_learnt() -> None:
    lessons = several()
    twin = lesson(SPAM, "spam-3", lessons[45].likeness)
    lessons.append(twin)
    for fold in folds_of(lessons):
        likeness = [{lessons[n].likeness for n in side} for side in (fold.learnt, fold.judged)]
        assert not likeness[0] & likeness[1]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(MailClass)),
            st.sampled_from("abc"),
            st.integers(0, 9),
            st.sampled_from(["", "2024-01-01"]),
        ),
        max_size=60,
    )
)
def test_folds_of_any_corpus_keep_their_sides_apart(rows: list[tuple[MailClass, str, int, str]]) -> None:
    lessons = [lesson(label, source, number, date=date) for label, source, number, date in rows]
    for fold in folds_of(lessons):
        assert not set(fold.learnt.tolist()) & set(fold.judged.tolist())
