"""Reading: connections that cannot write, used in threads of their own so that no session waits for a list."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from gateway.queue.ledger.connection import reader_engine
from gateway.queue.ledger.lock import FileLock

T = TypeVar("T")

CONNECTIONS: Final = 4


@dataclass(slots=True)
class Readers:
    """A few reading connections and as many threads."""

    engine: Engine
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(CONNECTIONS, "ledger-reader"))

    @classmethod
    def open(cls, folder: Path) -> Readers:
        """Connections are made when first needed."""
        return cls(reader_engine(folder, connections=CONNECTIONS))

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Run a function over one moment of the ledger, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, self.ask_now, question)

    def ask_now(self, question: Callable[[Connection], T]) -> T:
        """The same, in the caller's thread."""
        with self.engine.connect() as connection:
            return question(connection)

    def close(self, lock: FileLock) -> None:
        """Let running questions end, then close; the last connection to close checkpoints, so under the lock."""
        self.threads.shutdown(wait=True)
        with lock:
            self.engine.dispose()
