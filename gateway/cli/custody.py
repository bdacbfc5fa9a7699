"""Opening custody for one verb of the command line, and who acts then."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from gateway.cli.options import fail, ledger_folder
from gateway.clock import SystemClock
from gateway.queue.custody import Custody
from gateway.queue.identifiers import parse_id

T = TypeVar("T")


def with_custody(config: Path | None, data: Path | None, work: Callable[[Custody], Awaitable[T]]) -> T:
    """Open the ledger of the data folder, do the work, close it."""
    folder = ledger_folder(config, data)

    async def main() -> T:
        custody = Custody.open(folder, clock=SystemClock())
        try:
            return await work(custody)
        finally:
            await custody.close()

    return asyncio.run(main())


def actor() -> str:
    """Who acts, for the record."""
    return f"{getpass.getuser()} (command line)"


def message_id_of(text: str) -> int:
    """The number of a message's id, or exit with a word."""
    try:
        return parse_id(text)
    except ValueError as error:
        fail(str(error))
