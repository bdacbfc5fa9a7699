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


def lessons_in(folder: Path, *, count: int) -> dict[str, list[Path]]:
    """Files of messages to teach, ham and spam."""
    import random

    draw, files = random.Random(77), {}
    for label in ("ham", "spam"):
        files[label] = [folder / f"{label}{number}.eml" for number in range(count)]
        for number, file in enumerate(files[label]):
            letter_of = letter(draw, label)
            file.write_bytes(
                letter_of.replace(b"@", b"@%d." % number, 1).replace(b".example>", b"%d.example>" % number)
            )
    return files


def test_lessons_are_learnt_once_there_are_enough_and_taken_back(corpus: Path, config: Path, tmp_path: Path) -> None:
    files = lessons_in(tmp_path, count=200)
    assert postern("learn", "spam", *files["spam"], "--config", config).exit_code == 0
    few = postern("learn", "ham", *files["ham"][:199], "--config", config)
    assert "not learnt yet" in " ".join(few.stdout.split())
    assert postern("model", "train", "--corpus", corpus, "--config", config).exit_code == 0
    assert read_manifest(tmp_path / "model").corpus["spam"] == 40

    assert "Learnt: " in " ".join(postern("learn", "ham", files["ham"][199], "--config", config).stdout.split())
    bands = json.loads(postern("model", "info", "--json", "--config", config).stdout)["trial"]
    assert (sum(each["ham"] for each in bands), sum(each["unwanted"] for each in bands)) == (200, 200)
    assert "Judged without the layer" in " ".join(postern("model", "info", "--config", config).stdout.split())
    assert postern("model", "train", "--corpus", corpus, "--config", config).exit_code == 0
    after = json.loads(postern("model", "info", "--json", "--config", config).stdout)
    assert after["trial"] is None, "the new artefact was not tried yet"
    assert read_manifest(tmp_path / "model").corpus == {"ham": 240, "phishing": 40, "spam": 240}

    told = postern("model", "ledger", "--config", config)
    assert "operator" in told.stdout
    assert "400 lessons" in postern("model", "forget", "operator", "--config", config).stdout
    assert "0 of ham" in postern("model", "ledger", "--config", config).stdout


def test_measure_writes_tables_and_pictures_where_it_is_told(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", per_class=100)
    assert postern("model", "measure", "--corpus", corpus, "--out", tmp_path / "told").exit_code == 0
    told = (tmp_path / "told/MEASUREMENTS.md").read_text()
    pictures = sorted(each.name for each in (tmp_path / "told").glob("*.svg"))
    assert pictures == ["calibration.svg", "roc-all-ham.svg", "roc-letters.svg"]
    assert all(f"]({name})" in told for name in pictures)


def test_a_folder_without_mail_and_a_corpus_without_phishing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    nothing = postern("model", "measure", "--corpus", tmp_path / "empty")
    assert nothing.exit_code == 2
    (tmp_path / "half/ham").mkdir(parents=True)
    (tmp_path / "half/ham/1").write_bytes(b"Subject: a\n\nb\n")
    half = postern("model", "measure", "--corpus", tmp_path / "half")
    assert half.exit_code == 2
    assert "ham, spam and phishing" in half.output
