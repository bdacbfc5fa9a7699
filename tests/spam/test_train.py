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
from gateway.spam.lessons import Lesson
from gateway.spam.model import Model
from gateway.spam.train import calibrate, fit, manifest_of, matrix_of, raw_scores, steps_of, unseen_scores
from tests.spam.makings import lessons_from


def train(lessons: list[Lesson], folder: Path) -> Model:
    unseen = unseen_scores(lessons, progress=lambda: None)
    fitted = fit(lessons)
    calibration = calibrate(unseen, lessons)
    write(folder, manifest_of(lessons, fitted, calibration, name="tiny", created="2026-11-21"), fitted.weights)
    return Model.load(folder)


@pytest.fixture(scope="module")
def model(lessons: list[Lesson], tmp_path_factory: pytest.TempPathFactory) -> Model:
    return train(lessons, tmp_path_factory.mktemp("model"))


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


def test_the_same_corpus_gives_the_same_weights_wherever_it_lies(model: Model, corpus: Path, tmp_path: Path) -> None:
    shutil.copytree(corpus, tmp_path / "moved")
    again = train(lessons_from(tmp_path / "moved"), tmp_path / "again")
    assert again.manifest == model.manifest


def test_the_model_that_serves_gives_the_scores_that_were_trained(
    model: Model, corpus: Path, lessons: list[Lesson]
) -> None:
    fitted = fit(lessons)
    message = next(corpus.glob("spam/*.eml"))
    (lesson,) = [each for each in lessons_from(corpus) if each.source and each.label is MailClass.SPAM][:1]
    raw = raw_scores(fitted, [lesson])[0, 0]
    assert model.manifest.unwanted.of(raw) > 0
    assert model.judge(examine(message.read_bytes())).score > 0


def test_progress_is_told_as_often_as_promised(lessons: list[Lesson]) -> None:
    told: list[int] = []
    unseen = unseen_scores(lessons, progress=lambda: told.append(1))
    assert len(told) == steps_of(lessons)
    assert unseen.judged.any()
    assert set(unseen.left_out) == {"pot"}


def test_what_stands_in_one_source_only_is_not_learnt(lessons: list[Lesson]) -> None:
    seen: dict[int, set[str]] = {}
    for each in lessons:
        for bucket in each.buckets.tolist():
            seen.setdefault(bucket, set()).add(each.source)
    alone = [bucket for bucket, sources in seen.items() if len(sources) == 1]
    assert alone
    assert not fit(lessons).weights[:, alone].any()


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
