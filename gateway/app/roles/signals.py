"""What a role process is told by signals: to stop, or to read its policy again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


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
