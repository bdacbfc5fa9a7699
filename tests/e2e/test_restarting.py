"""Restarts of the running product: rolling under load, and after the supervisor itself was killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.e2e.gateway import eventually, free_ports, running, start
from tests.e2e.letters import arrives, deliver, letter, store_folder
from tests.e2e.load import Load, subjects
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

ROUNDS = 2
"""Enough for a process that was renewed to be renewed again; `python -m tests.bench.restarts` does many."""


def test_rolling_restarts_under_load_reset_nobody_and_lose_nothing() -> None:
    with passable_folder() as folder, running(folder / "data", POSTERN_EDGES="2", POSTERN_CLAMD="off") as gateway:
        before = set(gateway.role_pids("edge"))
        with Load(gateway.ports["mx"], clients=8) as load:
            for number in range(ROUNDS):
                gateway.process.send_signal(signal.SIGUSR2)
                eventually(lambda number=number: len(gateway.log("renewed")) > number)
        assert before.isdisjoint(gateway.role_pids("edge"))
        assert len(gateway.role_pids("edge")) == 2
        assert [each["roles"] for each in gateway.log("renewed")] == [4] * ROUNDS  # two edges, courier, console
        assert load.tally["reset before the greeting"] == 0, load.tally
        assert load.tally["broken after the greeting"] == 0, load.tally
        assert load.accepted
        eventually(lambda: load.accepted <= subjects(store_folder(gateway)), every=1.0)
        assert not gateway.log("role_died")
        assert gateway.stop() == 0


def test_a_stop_under_load_ends_what_has_begun_and_loses_nothing() -> None:
    with passable_folder() as folder:
        ports = free_ports()
        first = start(folder / "data", ports, POSTERN_EDGES="2", POSTERN_CLAMD="off")
        with Load(ports["mx"], clients=8) as load:
            eventually(lambda: len(load.accepted) > 20)
            assert first.stop() == 0
        second = start(folder / "data", ports, POSTERN_EDGES="2", POSTERN_CLAMD="off")
        try:
            eventually(lambda: load.accepted <= subjects(store_folder(second)), every=1.0)
        finally:
            assert second.stop() == 0
        assert load.tally["broken in DATA"] == 0, load.tally


@pytest.mark.clamd
def test_nothing_outlives_a_supervisor_that_was_killed_and_the_next_one_starts() -> None:
    with passable_folder() as folder:
        ports = free_ports()
        first = start(folder / "data", ports)
        pids = [pid for name in ("edge", "courier", "console", "dovecot", "clamd") for pid in first.role_pids(name)]
        assert len(pids) >= 5, "each of them runs"
        subject, octets = letter()
        assert deliver(first, octets).code == 250
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait()
        second = start(folder / "data", ports)
        try:
            eventually(lambda: not any(is_alive(pid) for pid in pids))
            arrives(second, subject)
            subject, octets = letter()
            assert deliver(second, octets).code == 250
            arrives(second, subject)
            assert second.role_pids("clamd"), "its own engine"
        finally:
            first.stop()
            assert second.stop() == 0


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
