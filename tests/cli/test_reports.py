from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from tests.reports.test_received import OLD


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["reports", "dmarc", *words, "--data", str(folder)])


def test_reports_are_read_listed_and_shown(tmp_path: Path) -> None:
    good, bad = tmp_path / "report.xml", tmp_path / "letter.eml"
    good.write_bytes(OLD)
    bad.write_bytes(b"Subject: hello\r\n\r\nhello\r\n")
    read = run(tmp_path, "read", str(bad), str(good))
    assert read.exit_code == 1, "one was none"
    assert "old.example about example.org, 12 messages" in read.output
    (row,) = json.loads(run(tmp_path, "list", "--json").output)
    assert (row["domain"], row["messages"], row["passed"], row["rows"]) == ("example.org", 12, 9, 2)
    assert "75.0 %" in run(tmp_path, "list", "--domain", "example.org").output
    assert json.loads(run(tmp_path, "list", "--domain", "example.net", "--json").output) == []
    shown = run(tmp_path, "show", row["id"])
    assert "192.0.2.7" in shown.output
    assert "mailing_list" in shown.output
    assert run(tmp_path, "show", "nothing").exit_code == 1
