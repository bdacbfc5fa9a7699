"""How many octets of messages may be in memory for one destination, so that a slow host with large mail does not fill
it."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

OCTETS: Final = 64 * 1024 * 1024
"""For each destination. One message that is larger goes alone."""


@dataclass(slots=True)
class _Account:
    spent: int = 0
    waiting: deque[tuple[int, asyncio.Future[None]]] = field(default_factory=deque)


class Budget:
    """First come, first served, for each destination on its own."""

    def __init__(self, octets: int = OCTETS) -> None:
        self._octets = octets
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)

    @asynccontextmanager
    async def spend(self, destination: str, size: int) -> AsyncIterator[None]:
        """Wait until there is room for a message of that size; the room is free again at the end of the block."""
        account = self._accounts[destination]
        if account.waiting or not self._fits(account, size):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            account.waiting.append((size, turn))
            try:
                await turn
            except asyncio.CancelledError:
                self._leave(account, size, turn)
                raise
        else:
            account.spent += size
        try:
            yield
        finally:
            account.spent -= size
            self._admit(account)
            if not account.spent and not account.waiting:
                self._accounts.pop(destination, None)

    def _fits(self, account: _Account, size: int) -> bool:
        return account.spent == 0 or account.spent + size <= self._octets

    def _admit(self, account: _Account) -> None:
        while account.waiting and self._fits(account, account.waiting[0][0]):
            size, turn = account.waiting.popleft()
            account.spent += size
            turn.set_result(None)

    def _leave(self, account: _Account, size: int, turn: asyncio.Future[None]) -> None:
        """Cancelled while waiting, or in the instant after the turn had come."""
        if turn.done() and not turn.cancelled():
            account.spent -= size
        else:
            account.waiting.remove((size, turn))
        self._admit(account)
