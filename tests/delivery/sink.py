"""A scripted host for tests: speaks SMTP or LMTP, keeps the raw octets it was given, counts connections, and
misbehaves on demand.

`script` maps a moment to what the sink does then. Moments are `greeting`, `EHLO`, `STARTTLS`, `MAIL`, `RCPT`,
`RCPT:address`, `DATA`, `mid-data`, `END` (the reply after the octets) and `END:address` (LMTP). An act is a reply
without CRLF, or one of `CLOSE`, `HANG`, or a list of acts that are used one after the other (the last one stays).
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CLOSE = "<close>"
HANG = "<hang>"
Act = str | list[str]
LONGEST = 2**26
"""Octets that one line may have here: all of a message, if it has no line ends."""
ALL = ("PIPELINING", "8BITMIME", "SIZE 52428800", "ENHANCEDSTATUSCODES")


class Closed(Exception):
    """This session is over."""


@dataclass
class Taken:
    """One message that was taken: the octets between 354 and the dot, unstuffed; commands as they came."""

    octets: bytes
    mail: str
    recipients: list[str]
    rcpt_commands: list[str]
    connection: int
    tls: bool


@dataclass
class Sink:
    lmtp: bool = False
    extensions: Sequence[str] = ALL
    script: Mapping[str, Act] = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    delay: float = 0.0
    taken: list[Taken] = field(default_factory=list)
    connections: int = 0
    open_now: int = 0
    most_open: int = 0
    commands: list[str] = field(default_factory=list)
    port: int = 0
    _used: dict[str, int] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def route(self) -> str:
        return f"{'lmtp' if self.lmtp else 'smtp'}://127.0.0.1:{self.port}"

    def act(self, moment: str, usual: str) -> str:
        act = self.script.get(moment, usual)
        if isinstance(act, str):
            return act
        used = self._used.get(moment, 0)
        self._used[moment] = used + 1
        return act[min(used, len(act) - 1)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await _Session(self, reader, writer, self.connections).run()
        except (Closed, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            pass  # cancelled by `stop` only
        finally:
            self.open_now -= 1
            self._tasks.discard(task)
            writer.close()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Session:
    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.sink, self.reader, self.writer, self.number = sink, reader, writer, number
        self.tls = False
        self.reset()

    def reset(self) -> None:
        self.mail = ""
        self.recipients: list[str] = []
        self.rcpt_commands: list[str] = []

    async def say(self, moment: str, usual: str) -> str:
        reply = self.sink.act(moment, usual)
        if reply == CLOSE:
            raise Closed
        if reply == HANG:
            await self.writer.drain()
            await asyncio.sleep(3600)
        self.writer.write(reply.encode() + b"\r\n")
        await self.writer.drain()
        if reply.startswith("421"):
            raise Closed
        return reply

    async def run(self) -> None:
        await self.say("greeting", "220 sink.example ready")
        while line := await self.reader.readline():
            command = line.decode("utf-8").rstrip("\r\n")
            self.sink.commands.append(command)
            verb = command.split(" ", 1)[0].upper()
            if verb == "QUIT":
                await self.say("QUIT", "221 bye")
                return
            await getattr(self, f"on_{verb.lower()}", self.on_unknown)(command)

    async def on_unknown(self, _command: str) -> None:
        await self.say("unknown", "500 5.5.2 what?")

    async def on_ehlo(self, _command: str) -> None:
        offered = [*self.sink.extensions]
        if self.sink.context is not None and not self.tls:
            offered.append("STARTTLS")
        lines = ["sink.example", *offered]
        usual = "\r\n".join(f"250-{line}" for line in lines[:-1]) + ("\r\n" if lines[:-1] else "") + f"250 {lines[-1]}"
        await self.say("EHLO", usual)

    async def on_lhlo(self, command: str) -> None:
        await (self.on_ehlo(command) if self.sink.lmtp else self.on_unknown(command))

    async def on_helo(self, _command: str) -> None:
        await self.say("HELO", "250 sink.example")

    async def on_starttls(self, _command: str) -> None:
        reply = await self.say("STARTTLS", "220 2.0.0 go")
        if reply.startswith("220"):
            assert self.sink.context is not None
            await self.writer.start_tls(self.sink.context)
            self.tls = True

    async def on_rset(self, _command: str) -> None:
        self.reset()
        await self.say("RSET", "250 2.0.0 reset")

    async def on_mail(self, command: str) -> None:
        if self.mail:
            await self.say("nested", "503 5.5.1 nested MAIL")
            return
        reply = await self.say("MAIL", "250 2.1.0 sender ok")
        self.mail = command if reply.startswith("2") else ""

    async def on_rcpt(self, command: str) -> None:
        match = re.match(r"RCPT TO:<([^>]*)>", command)
        assert match, command
        if not self.mail:
            await self.say("early", "503 5.5.1 MAIL first")
            return
        usual = self.sink.act("RCPT", "250 2.1.5 recipient ok")
        reply = await self.say(f"RCPT:{match[1]}", usual)
        if reply.startswith("2"):
            self.recipients.append(match[1])
            self.rcpt_commands.append(command)

    async def on_data(self, _command: str) -> None:
        if not self.recipients:
            await self.say("nobody", "503 5.5.1 no valid recipients")
            return
        reply = await self.say("DATA", "354 go ahead")
        if not reply.startswith("354"):
            return
        if self.sink.act("mid-data", "") != "":
            await self.reader.readline()
            await self.say("mid-data", "")
        octets = await self.read_octets()
        if self.sink.delay:
            await asyncio.sleep(self.sink.delay)
        accepted = False
        for address in self.recipients if self.sink.lmtp else [""]:
            usual = self.sink.act("END", "250 2.0.0 taken")
            reply = await self.say(f"END:{address}", usual)
            accepted = accepted or reply.startswith("2")
        if accepted:
            taken = Taken(octets, self.mail, self.recipients, self.rcpt_commands, self.number, self.tls)
            self.sink.taken.append(taken)
        self.reset()

    async def read_octets(self) -> bytes:
        """Strictly: only CRLF . CRLF ends, and only a dot after CRLF is taken off. What follows the end in the same
        group, such as QUIT, is the next command."""
        lines = []
        while (line := await self.reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        return b"".join(lines)


@asynccontextmanager
async def running(sink: Sink, *, path: str = "", port: int = 0) -> AsyncIterator[Sink]:
    """The sink, listening on loopback or on a UNIX socket."""
    if path:
        server = await asyncio.start_unix_server(sink.serve, path, limit=LONGEST)
    else:
        server = await asyncio.start_server(sink.serve, "127.0.0.1", port, limit=LONGEST)
        sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await sink.stop()
