"""The command line in this process, on a data folder of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from gateway.cli import app

Postern = Callable[..., Result]


@pytest.fixture
def postern(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Postern:
    """`postern WORDS...`; `said` is what stands on standard input."""
    for name, value in {"POSTERN_DATA": str(tmp_path / "data"), "POSTERN_CLAMD": "off", "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("POSTERN_CONFIG", raising=False)

    def run(*words: object, said: str | bytes = "") -> Result:
        result = CliRunner().invoke(app, [str(word) for word in words], input=said)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run
