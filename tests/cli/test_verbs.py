"""The verbs that need no running gateway, and what they say where nothing has run yet."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Postern

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "words",
    [("queue", "list"), ("quarantine", "list"), ("track", "--rcpt", "a@example.org"), ("demo",)],
    ids=lambda words: words[0],
)
def test_where_nothing_has_run_the_next_step_is_told(postern: Postern, words: tuple[str, ...]) -> None:
    done = postern(*words)
    assert done.exit_code in (1, 2)
    assert "make run" in done.stderr


def test_the_doctor_is_red_where_nothing_runs(postern: Postern, monkeypatch: pytest.MonkeyPatch) -> None:
    for door in ("MX", "IMAPS", "CONSOLE"):
        monkeypatch.setenv(f"POSTERN_{door}_PORT", "9")  # discard: nobody listens there
    done = postern("doctor")
    assert done.exit_code == 1
    assert "make run" in done.stdout + done.stderr


def test_track_wants_to_know_what(postern: Postern) -> None:
    assert postern("track").exit_code == 2


def test_the_model_says_what_it_is(postern: Postern) -> None:
    plain = json.loads(postern("model", "info", "--json").stdout)
    assert re.fullmatch(r"[0-9a-f]{64}", plain["sha256"])
    assert {"ham", "spam", "phishing"} <= plain["corpus"].keys()
    assert plain["sha256"] in postern("model", "info").stdout


def test_a_model_that_is_not_there(postern: Postern, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTERN_MODEL", str(tmp_path))
    done = postern("model", "info")
    assert done.exit_code == 3
    assert str(tmp_path) in done.stderr
    assert postern("model", "rollback").exit_code == 2


def test_lessons_are_kept_once_each(postern: Postern, tmp_path: Path) -> None:
    letter = ROOT / "samples/04-spam.eml"
    for _ in range(2):
        assert postern("learn", "spam", letter).exit_code == 0
    (kept,) = (tmp_path / "data/lessons/messages").iterdir()
    assert kept.read_bytes() == letter.read_bytes().replace(b"\n", b"\r\n")
    assert postern("learn", "tasty", letter).exit_code == 2
    assert postern("learn", "spam", "/no/such/file").exit_code == 2


def test_a_domain_is_added_listed_and_removed(postern: Postern) -> None:
    assert postern("domain", "add", "Example.NET", "--route", "smtp://192.0.2.25:25").exit_code == 0
    printed = postern("domain", "list").stdout
    assert re.search(r"example\.net\s+│ smtp://192\.0\.2\.25:25\s+│ none", printed)
    assert postern("domain", "add", "example.net", "--route", "mx", "--validate", "callahead").exit_code == 0
    assert postern("domain", "list").stdout.count("example.net") == 1
    assert postern("domain", "remove", "EXAMPLE.net").exit_code == 0
    assert postern("domain", "remove", "example.net").exit_code == 2


def test_a_list_of_domains_that_somebody_broke_is_named(postern: Postern, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/domains.yaml").write_text("{not: [closed\n")
    verbs: tuple[tuple[object, ...], ...] = (
        ("domain", "list"),
        ("domain", "add", "x.example", "--route", "mx"),
        ("domain", "remove", "x.example"),
        ("policy", "check"),
        ("scan", ROOT / "samples/01-letter.eml"),
    )
    for words in verbs:
        done = postern(*words)
        assert done.exit_code in (1, 2), words
        assert "domains.yaml" in done.stderr.replace("\n", ""), words


def test_the_shipped_policy_is_good_and_a_misspelt_one_is_not(postern: Postern, tmp_path: Path) -> None:
    assert re.search(r"good: \d\d rules, version [0-9a-f]{12}", postern("policy", "check").stdout)
    text = (ROOT / "policies/default.yaml").read_text()
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "message.gtube" in each)
    (tmp_path / "default.yaml").write_text(text.replace("message.gtube", "message.gtubb"))
    (tmp_path / "lists").symlink_to(ROOT / "policies/lists")
    done = postern("policy", "check", tmp_path)
    assert done.exit_code == 1
    assert f"default.yaml:{line}:" in done.stderr
    assert "message.gtube" in done.stderr, "the word that was meant"


def test_settings_that_are_wrong_are_named(postern: Postern, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "postern.yaml"
    file.write_text("hostname: mx.example.net\nlisten:\n  mxport: 25\n")
    done = postern("user", "list", "--config", file)
    assert done.exit_code == 2
    assert f"{file}:3: listen.mxport" in done.stderr.replace("\n", "")


def test_who_asks_where_a_message_is_does_not_wait_for_what_only_others_need() -> None:
    heavy = ("cryptography", "alembic", "fastapi", "gateway.queue.custody", "gateway.checks")
    code = f"import sys, gateway.cli.track; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
