"""A courier in a process of its own that kills itself, as kill -9 does, after a step has happened so many times.

Arguments: folder, step (or "none"), how many times, name. Leases of strangers are short, those of others
outlast any test.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

from gateway.clock import SystemClock
from gateway.delivery.routes import Routes
from gateway.delivery.tenure import tenure
from gateway.delivery.worker import Courier
from gateway.queue.custody import Custody
from gateway.settings import Settings
from tests.delivery.deposits import no_dns

LEASE = 1.0
LONG_LEASE = 600.0


class Fuse:
    """Burns down with every step of its name."""

    def __init__(self, step: str, times: int) -> None:
        self.step, self.left = step, times

    def __call__(self, name: str) -> None:
        if name == self.step:
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


async def main(folder: Path, fuse: Fuse, name: str) -> None:
    clock = SystemClock()
    custody = Custody.open(folder, clock=clock, free_disk=0, steps=fuse)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with tenure(folder, name) as is_heir:
        courier = Courier(
            custody,
            Routes(),
            Settings(),
            clock,
            random.Random(1),
            query=no_dns,
            owner=name,
            lease=LEASE if name.startswith("stranger") else LONG_LEASE,
            steps=fuse,
            heir=is_heir,
        )
        await courier.run(stop)
    await custody.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Fuse(sys.argv[2], int(sys.argv[3])), *sys.argv[4:]))
