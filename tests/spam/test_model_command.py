"""`postern model` and `postern learn` on a small written corpus, as a user calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.spam.artefact import read_manifest
from tests.spam.makings import letter, write_corpus

RUNNER = CliRunner()


def postern(*words: str | Path) -> Result:
    return RUNNER.invoke(app, [str(word) for word in words])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "postern.yaml"
    file.write_text(json.dumps({"model": str(tmp_path / "model"), "data": str(tmp_path / "data")}))
    return file


def test_train_writes_an_artefact_its_measurements_and_keeps_the_last(
    corpus: Path, config: Path, tmp_path: Path
) -> None:
    first = postern("model", "train", "--corpus", corpus, "--config", config)
    assert first.exit_code == 0, first.output
    told = (tmp_path / "model/MEASUREMENTS.md").read_text()
    assert f"`postern model train --corpus {corpus.name}`" in told
    assert "## By source" in told
    before = read_manifest(tmp_path / "model").sha256

    more = write_corpus(tmp_path / "more", per_class=8, seed=9)
    assert postern("model", "train", "--corpus", corpus, "--corpus", more, "--config", config).exit_code == 0
    after = read_manifest(tmp_path / "model")
    assert after.sha256 != before
    assert sum(after.corpus.values()) == 144
    assert read_manifest(tmp_path / "model.previous").sha256 == before

    assert json.loads(postern("model", "info", "--json", "--config", config).stdout)["sha256"] == after.sha256
    assert postern("model", "rollback", "--config", config).exit_code == 0
    assert read_manifest(tmp_path / "model").sha256 == before


def test_measure_prints_tables_and_writes_nothing(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = postern("model", "measure", "--corpus", corpus)
    assert result.exit_code == 0, result.output
    assert "Area under the ROC curve" in result.stdout
    assert not list(tmp_path.iterdir())


def test_lessons_that_were_kept_are_learnt(corpus: Path, config: Path, tmp_path: Path) -> None:
    import random

    file = tmp_path / "kept.eml"
    file.write_bytes(letter(random.Random(77), "spam"))
    assert postern("learn", "spam", file, "--config", config).exit_code == 0
    assert postern("model", "train", "--corpus", corpus, "--config", config).exit_code == 0
    assert read_manifest(tmp_path / "model").corpus["spam"] == 41


def test_a_folder_without_mail_and_a_corpus_without_phishing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    nothing = postern("model", "measure", "--corpus", tmp_path / "empty")
    assert nothing.exit_code == 2
    (tmp_path / "half/ham").mkdir(parents=True)
    (tmp_path / "half/ham/1").write_bytes(b"Subject: a\n\nb\n")
    half = postern("model", "measure", "--corpus", tmp_path / "half")
    assert half.exit_code == 2
    assert "ham, spam and phishing" in half.output
