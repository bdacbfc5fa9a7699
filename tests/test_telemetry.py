"""Counters and log lines, each in a process of its own: both belong to the whole process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.telemetry import forget_process

ROOT = Path(__file__).resolve().parents[1]


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
        env={**kept, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_a_log_line_is_one_json_object_on_standard_error() -> None:
    done = run(
        "from gateway.telemetry import configure_logging, log\n"
        "configure_logging('edge-0')\n"
        "log().debug('not shown')\n"
        "log().info('seen', path='a\\nb', folder=__import__('pathlib').Path('/x'))\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    log().exception('broke')\n"
    )
    assert done.stdout == ""
    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["event"], first["role"], first["level"]) == ("seen", "edge-0", "info")
    assert (first["path"], first["folder"]) == ("a\nb", "/x")
    assert "ZeroDivisionError" in second["exception"]


COUNTS = """
from gateway.telemetry import CONNECTIONS, MESSAGES
MESSAGES.labels("deliver").inc(2)
CONNECTIONS.inc(3)
import os
print(os.getpid())
"""
SHOWS = "from gateway.telemetry import exposition; print(exposition().decode())"


def value(exposition: str, name: str) -> float:
    return sum(float(line.split()[-1]) for line in exposition.splitlines() if line.startswith(name))


def test_the_counters_of_all_processes_add_up_and_the_dead_have_no_connections(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    pids = [int(run(COUNTS, **environment).stdout) for _ in range(2)]
    shown = run(SHOWS, **environment).stdout
    assert value(shown, "postern_messages_total{") == 4
    assert value(shown, "postern_connections") == 6
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    forget_process(pids[0])
    shown = run(SHOWS, **environment).stdout
    assert value(shown, "postern_messages_total{") == 4
    assert value(shown, "postern_connections") == 3


def test_alone_a_process_shows_its_own() -> None:
    assert value(run(COUNTS + SHOWS).stdout, "postern_messages_total{") == 2
