"""While the house closes: clients who still come are told so at once (421, RFC 5321 section 3.8), and do not wait in a
backlog that nobody reads any more. Takes no mail and reads nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from gateway.mail import replies


class _Farewell(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"{replies.SHUTTING_DOWN}\r\n".encode())
        transport.close()


@asynccontextmanager
async def farewell(doors: Iterable[socket.socket]) -> AsyncIterator[None]:
    """Say it at these doors, whose plain text is SMTP, for as long as this lasts. They are closed then."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(_Farewell, sock=door) for door in doors]
    try:
        yield
    finally:
        for server in servers:
            server.close()
