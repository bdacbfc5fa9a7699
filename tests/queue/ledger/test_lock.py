from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gateway.queue.ledger.lock import FileLock

HOLD = """
import sys
from pathlib import Path
from gateway.queue.ledger.lock import FileLock
lock = FileLock(Path(sys.argv[1]))
with lock:
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    one, other = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
    with one:
        assert not other.try_acquire()
    assert other.try_acquire()
    other.close()
    with one:
        pass
    one.close()


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"held\n"
        mine = FileLock(tmp_path / "lock")
        assert not mine.try_acquire()
        child.kill()
        child.wait()
        with mine:
            pass
        mine.close()
