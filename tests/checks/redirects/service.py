"""A service that shortens links, on loopback: it answers each target with the octets it was given, and keeps what it
was asked. `dial` leads every connection there, whatever its address, and keeps that."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from gateway.checks.redirects.web_head import MAX_HEAD, Streams
from gateway.checks.redirects.web_place import WebPlace

Reply = bytes | Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def moved(location: str, status: int = 301) -> bytes:
    return f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


class Service:
    """`replies` are by the first line of the question without its version, like `HEAD /a`, or by target alone."""

    def __init__(self, replies: Mapping[str, Reply], tls: ssl.SSLContext | None = None) -> None:
        self.replies = replies
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.connections: list[tuple[str, int, str]] = []
        self.accepted = 0
        self.port = 0
        self._tls = tls

    async def dial(self, address: str, place: WebPlace) -> Streams:
        self.connections.append((address, place.port, place.host))
        secure = {"ssl": self._tls, "server_hostname": place.host} if place.scheme == "https" and self._tls else {}
        return await asyncio.open_connection("127.0.0.1", self.port, limit=MAX_HEAD, **secure)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            question = head.partition(b" HTTP/1.1\r\n")[0].decode()
            self.heads.append(head)
            self.asked.append(question)
            reply = self.replies.get(question) or self.replies.get(question.partition(" ")[2], b"")
            if isinstance(reply, bytes):
                writer.write(reply)
                await writer.drain()
            else:
                await reply(reader, writer)
        except (ConnectionError, EOFError):
            pass  # who asked has gone
        finally:
            writer.close()


@asynccontextmanager
async def running(
    replies: Mapping[str, Reply], *, server_tls: ssl.SSLContext | None = None, client_tls: ssl.SSLContext | None = None
) -> AsyncIterator[Service]:
    """The service, listening."""
    service = Service(replies, client_tls)
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0, ssl=server_tls)
    service.port = server.sockets[0].getsockname()[1]
    try:
        yield service
    finally:
        server.close()
        await server.wait_closed()
