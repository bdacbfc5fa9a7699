"""One corpus and its lessons for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.spam.training.lessons import Lesson
from gateway.spam.training.train import Unseen, unseen_scores
from tests.spam.makings import lessons_from, write_corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def lessons(corpus: Path) -> list[Lesson]:
    return lessons_from(corpus)


@pytest.fixture(scope="session")
def unseen(lessons: list[Lesson]) -> Unseen:
    return unseen_scores(lessons, progress=lambda: None)
