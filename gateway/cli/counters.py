"""Opening the counters for one verb of the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from gateway.cli.options import fail, folders_of
from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.counters.records import CountersUnavailable

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
