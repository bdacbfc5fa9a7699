"""Training on a small written corpus: it learns, it repeats itself bit by bit, it needs no source twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from gateway.anatomy.examine import examine
from gateway.facts.content import MailClass
from gateway.spam.artefact import write
from gateway.spam.features import SIZE
from gateway.spam.model import Model
from gateway.spam.training.corpus import read_corpora
from gateway.spam.training.lessons import Lesson, lesson_of
from gateway.spam.training.train import (
    Unseen,
    calibrate,
    fit,
    manifest_of,
    matrix_of,
    raw_scores,
    steps_of,
    unseen_scores,
)
from tests.spam.makings import lessons_from


def train(lessons: list[Lesson], unseen: Unseen, folder: Path) -> Model:
    fitted = fit(lessons)
    calibration = calibrate(unseen, lessons)
    write(folder, manifest_of(lessons, fitted, calibration, name="tiny"), fitted.weights)
    return Model.load(folder)


@pytest.fixture(scope="module")
def model(lessons: list[Lesson], unseen: Unseen, tmp_path_factory: pytest.TempPathFactory) -> Model:
    return train(lessons, unseen, tmp_path_factory.mktemp("model"))


# Written for this test; none of it stands in the corpus.
UNSEEN = {
    MailClass.HAM: "Thanks for the notes. The draft agenda of the project meeting is ready for review, colleagues.",
    MailClass.SPAM: "Discount pharmacy pills, cheap viagra, unlimited casino jackpot: buy this bargain offer!",
    MailClass.PHISHING: "Your bank account is suspended: unusual login activity. Verify identity and confirm password.",
}


@pytest.mark.parametrize("label", MailClass)
def test_a_message_of_each_class_is_told(model: Model, label: MailClass) -> None:
    octets = f"From: A <a@b.example>\r\nSubject: {UNSEEN[label][:30]}\r\n\r\n{UNSEEN[label]}\r\n".encode()
    fact = model.judge(examine(octets))
    assert fact.mail_class is label
    assert (fact.score > 0) is (label is not MailClass.HAM)


def test_the_same_corpus_gives_the_same_weights_wherever_it_lies(
    model: Model, unseen: Unseen, corpus: Path, tmp_path: Path
) -> None:
    shutil.copytree(corpus, tmp_path / "moved")
    lessons = lessons_from(tmp_path / "moved")
    told: list[int] = []
    again = unseen_scores(lessons, progress=lambda: told.append(1))
    assert len(told) == steps_of(lessons)
    assert np.array_equal(again.scores, unseen.scores, equal_nan=True)
    assert train(lessons, again, tmp_path / "again").manifest == model.manifest


def test_the_model_that_serves_gives_the_scores_that_were_trained(model: Model, corpus: Path) -> None:
    messages = read_corpora([corpus])[:20]
    taken_apart = [examine(each.octets()) for each in messages]
    lessons = [lesson_of(each, anatomy) for each, anatomy in zip(messages, taken_apart, strict=True)]
    raw = raw_scores(fit(lessons_from(corpus)), lessons)[:, 0]
    served = [model.judge(anatomy).score for anatomy in taken_apart]
    assert served == pytest.approx([model.manifest.unwanted.of(each) for each in raw], abs=0.01)


def test_all_but_the_earlier_part_of_the_dominant_source_is_judged(lessons: list[Lesson], unseen: Unseen) -> None:
    assert {each.source for each, judged in zip(lessons, unseen.judged, strict=True) if not judged} == {"pot"}
    assert set(unseen.left_out) == {"pot"}
    assert not np.isnan(unseen.left_out["pot"]).any()


def test_what_stands_in_one_source_only_is_not_learnt(lessons: list[Lesson]) -> None:
    seen: dict[int, set[str]] = {}
    for each in lessons:
        for bucket in each.buckets.tolist():
            seen.setdefault(bucket, set()).add(each.source)
    alone = [bucket for bucket, sources in seen.items() if len(sources) == 1]
    assert alone
    assert not fit(lessons).weights[alone].any()


def test_rows_of_the_matrix_are_the_features(lessons: list[Lesson]) -> None:
    rows = matrix_of(lessons[:3], np.arange(SIZE))
    assert [sorted(rows[n].indices.tolist()) for n in range(3)] == [each.buckets.tolist() for each in lessons[:3]]
    few = matrix_of(lessons[:3], lessons[1].buckets[:5])
    assert few[1].indices.tolist() == [0, 1, 2, 3, 4]


def test_one_source_alone_can_be_learnt_but_not_measured() -> None:
    rows = [Lesson(label, "one", np.array([n, 9], dtype=np.int32)) for n, label in enumerate(MailClass)]
    unseen = unseen_scores(rows, progress=lambda: None)
    assert not unseen.judged.any()
    assert calibrate(unseen, rows)[0].slope == 1.0
    assert np.isfinite(fit(rows).weights).all()
