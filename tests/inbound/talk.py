"""A client that says exactly the octets it is told to, and reads replies line by line."""

from __future__ import annotations

import asyncio

from tests.inbound.house import PATIENCE, client_context


class Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, port: int, *, tls: bool = False) -> Talk:
        context = client_context() if tls else None
        return cls(*await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=2**22))

    async def send(self, octets: bytes) -> None:
        self.writer.write(octets)
        await self.writer.drain()

    async def line(self) -> str:
        """One line of a reply; empty when the connection is closed."""
        try:
            async with asyncio.timeout(PATIENCE):
                line = await self.reader.readline()
        except ConnectionResetError:
            return ""
        assert line == b"" or line.endswith(b"\r\n"), line
        return line.decode("ascii").removesuffix("\r\n")

    async def reply(self) -> list[str]:
        """All lines of one reply."""
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return lines

    async def ask(self, text: str) -> str:
        """Send a command; the last line of its reply."""
        await self.send(text.encode() + b"\r\n")
        return (await self.reply())[-1]

    async def say_hello(self) -> None:
        assert (await self.line()).startswith("220 ")
        assert (await self.ask("EHLO client.example")).startswith("250 ")

    async def begin(self, *recipients: str) -> None:
        """All up to the 354."""
        await self.say_hello()
        assert (await self.ask("MAIL FROM:<a@sender.example>")).startswith("250 ")
        for recipient in recipients or ("u@example.net",):
            assert (await self.ask(f"RCPT TO:<{recipient}>")).startswith("250 ")
        assert (await self.ask("DATA")).startswith("354 ")

    async def start_tls(self) -> None:
        await self.writer.start_tls(client_context())

    async def is_closed(self) -> bool:
        return await self.line() == ""

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except (ConnectionError, OSError):
            pass  # the server may have been first


MESSAGE = b"From: a@sender.example\r\nSubject: t\r\n\r\nhello\r\n"
