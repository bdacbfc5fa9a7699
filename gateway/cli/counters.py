"""Opening the counters for one verb of the command line; the ledger too, where the verb leaves an event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from gateway.cli.custody import actor
from gateway.cli.options import fail, folders_of
from gateway.clock import SystemClock
from gateway.console.doorlists import Doorlists, NeverShutOut
from gateway.counters.counters import Counters
from gateway.counters.records import CountersUnavailable
from gateway.queue.custody import Custody

T = TypeVar("T")


def with_counters(config: Path | None, data: Path | None, work: Callable[[Counters], Awaitable[T]]) -> T:
    """Open the counters of the data folder, do the work, close them. Says why and exits where they cannot be asked."""
    folders = folders_of(config, data)
    if not folders.data.is_dir():
        fail(f"{folders.data} is not there: nothing has run on this data folder yet (make run)")

    async def main() -> T:
        counters = Counters.open(folders.counters, clock=SystemClock())
        try:
            return await work(counters)
        finally:
            await counters.close()

    try:
        return asyncio.run(main())
    except CountersUnavailable as error:
        fail(f"the counters cannot be asked: {error}", code=1)


def with_doorlists(
    config: Path | None, data: Path | None, never: NeverShutOut, work: Callable[[Doorlists], Awaitable[T]]
) -> T:
    """Do what a person wants with who is shut out and who has to come back. What is wrong is said, and exits."""
    folders = folders_of(config, data)

    async def with_ledger(counters: Counters) -> T:
        custody = Custody.open(folders.queue, clock=SystemClock())
        try:
            return await work(Doorlists(counters, custody, never, actor=actor()))
        finally:
            await custody.close()

    try:
        return with_counters(config, data, with_ledger)
    except ValueError as error:
        fail(str(error))
