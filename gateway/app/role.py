"""What every role process does around its work: logging, the lifeline, signals. The work itself is passed in."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import uvloop

from gateway.supervisor.lifeline import Lifeline
from gateway.telemetry import configure_logging, log


class Signals:
    """`stop` is set by SIGTERM, or when the supervisor is gone; `on_reload` is called at each SIGHUP."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.on_reload: Callable[[], None] = lambda: None

    def install(self) -> None:
        """Listen to the process's signals. Ctrl-C is the supervisor's: it drains the roles in order."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        self.on_reload()


def run_role(name: str, work: Callable[[Signals, Lifeline], Awaitable[None]]) -> None:
    """Run one role until it is told to stop. An exception in `work` ends the process loudly: it is started again."""
    configure_logging(name)

    async def main() -> None:
        signals = Signals()
        signals.install()
        await work(signals, Lifeline.inherited())
        log().info("role_ended")

    uvloop.run(main())
