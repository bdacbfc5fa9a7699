"""A program that stands still, for tests of what happens to those who wait for it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def freeze(pid: int) -> None:
    """Stop a process. Returns once all its threads stand still: on a busy machine one of several may go on for a while
    after the signal was sent."""
    os.kill(pid, signal.SIGSTOP)
    while not all(_state(task) == "T" for task in Path(f"/proc/{pid}/task").iterdir()):
        time.sleep(0.001)


def _state(task: Path) -> str:
    return (task / "stat").read_text().rpartition(")")[2].split()[0]
