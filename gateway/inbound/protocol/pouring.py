"""Octets that are handed on as they come, without a buffer and a task between: to one consumer, until it has enough,
the client leaves, or the time is over. Knows nothing of connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeAlias

SIGN_OF_LIFE: Final = 1024
"""Octets that a client must bring within the idle time; fewer are a drip that only holds the connection."""

Consumer: TypeAlias = Callable[[bytes], bytes | None]
"""Takes octets as they come; None while it wants more, then those that are not its own."""


class Pouring:
    """From the first octet to the last. Await `ended`; it raises what the consumer raised, or why there are no more."""

    __slots__ = ("_consumer", "_drip", "ended")

    def __init__(self, consumer: Consumer, ended: asyncio.Future[None]) -> None:
        self._consumer = consumer
        self._drip = 0
        self.ended = ended

    def feed(self, octets: bytes) -> bytes:
        """Hand some over; gives those that are left when the consumer has enough. Only until `ended`."""
        try:
            rest = self._consumer(octets)
        except Exception as error:  # noqa: BLE001 - raised where the end is waited for
            self.end(error)
            return b""
        if rest is None:
            return b""
        self.end()
        return rest

    def is_sign_of_life(self, octets: bytes) -> bool:
        """Whether enough has come since it was so for the last time."""
        self._drip += len(octets)
        if self._drip < SIGN_OF_LIFE:
            return False
        self._drip = 0
        return True

    def end(self, error: Exception | None = None) -> None:
        """There is no more, or no more is wanted."""
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
