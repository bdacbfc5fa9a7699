from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.supervisor.bond import bound

pytestmark = pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")

PARENT = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:])
print(child.pid, flush=True)
child.wait()
"""


def is_gone(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("account", ["", "nobody"])
def test_it_does_not_outlive_whoever_started_it(account: str) -> None:
    if account and os.geteuid() != 0:
        pytest.skip("only root becomes somebody else")
    parent = subprocess.Popen(
        [sys.executable, "-S", "-c", PARENT, *bound(("sleep", "1000"), account=account)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        while b"sleep" not in (Path("/proc") / str(pid) / "cmdline").read_bytes().split(b"\0")[0]:
            time.sleep(0.01)
        if account:
            assert (Path("/proc") / str(pid)).stat().st_uid != 0
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    ends = time.monotonic() + 10
    while not is_gone(pid):
        assert time.monotonic() < ends
        time.sleep(0.02)
