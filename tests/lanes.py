"""The whole suite in two lanes beside each other: tests of the whole product mostly wait, all others mostly compute.

    python -m tests.lanes [arguments for pytest in both lanes]

Each lane is a pytest of its own, in the order that it always has; what it prints comes line by line behind its name.
Succeeds where both do. To run some tests only, call pytest itself.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time

PRODUCT = "tests/e2e"
LANES = {"product": [PRODUCT], "rest": ["tests", f"--ignore={PRODUCT}"]}


def main() -> int:
    """Run both; the exit status is that of the worse one."""
    begun = time.monotonic()
    lanes = [Lane(name, [*where, *sys.argv[1:]]) for name, where in LANES.items()]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    for lane in lanes:
        print(f"{lane.name:>8} | {'passed' if lane.status == 0 else f'FAILED ({lane.status})'}: {lane.last}")
    print(f"both lanes took {time.monotonic() - begun:.0f} s")
    return max(abs(lane.status) for lane in lanes)


class Lane(threading.Thread):
    """One pytest. `status` is its exit status once it has ended, `last` the last line that it printed."""

    def __init__(self, name: str, arguments: list[str]) -> None:
        super().__init__(name=name)
        self.status = 1
        self.last = ""
        self._arguments = arguments

    def run(self) -> None:
        command = [sys.executable, "-u", "-m", "pytest", *self._arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                self.last = line.strip() or self.last
                print(f"{self.name:>8} | {line}", end="", flush=True)
        self.status = process.returncode


if __name__ == "__main__":
    sys.exit(main())
