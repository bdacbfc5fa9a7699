"""The socket between the supervisor and a role: heartbeats one way, the end of the supervisor the other.

A role whose loop stands still for `SILENCE` seconds is killed: it may hold the ledger's lock, and a frozen holder
freezes every other edge (measured: locks vanish with their process, so killing it frees the rest).
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Final

VARIABLE: Final = "POSTERN_LIFELINE"
BEAT: Final = 2.0
SILENCE: Final = 10.0


class Lifeline:
    """A role's end. Outside a supervisor (`postern run --role` by hand) there is none, and everything here does
    nothing."""

    def __init__(self, connection: socket.socket | None) -> None:
        self._connection = connection

    @classmethod
    def inherited(cls) -> Lifeline:
        """The end that the supervisor left in the environment, if it did."""
        number = os.environ.pop(VARIABLE, "")
        return cls(socket.socket(fileno=int(number)) if number else None)

    async def serve(self, stop: asyncio.Event) -> None:
        """Say ready, then beat until `stop`; set `stop` when the supervisor is gone. Call it when the role is ready."""
        if self._connection is None:
            await stop.wait()
            return
        reader, writer = await asyncio.open_connection(sock=self._connection)
        gone = asyncio.ensure_future(reader.read(1))
        try:
            writer.write(b"ready\n")
            while not stop.is_set():
                stopping = asyncio.ensure_future(stop.wait())
                await asyncio.wait({gone, stopping}, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if gone.done():
                    stop.set()
                writer.write(b"beat\n")
        finally:
            gone.cancel()
            writer.close()
