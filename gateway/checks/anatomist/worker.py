"""The pool's end of one worker: send a job, await the reply, kill. Believes nothing beyond what `wire` has checked."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Self

from gateway.checks.anatomist import wire
from gateway.checks.anatomist.wire import BadReply, Greeting, Kind, Reply, Way
from gateway.checks.leaves import Wanted
from gateway.checks.sealed import seal
from gateway.checks.silence import is_silent
from gateway.mail.message import Octets


class Worker:
    """A worker process, as the pool holds it: its channel, and the pidfd by which it is killed and watched."""

    def __init__(self, channel: socket.socket, pidfd: int) -> None:
        self._channel = channel
        self._channel.setblocking(False)
        self._pidfd = pidfd
        self._ticket = 0
        self.greeting: Greeting | None = None

    async def greet(self) -> Greeting:
        """Await the worker's first words. Raises `BadReply`, OSError, EOFError."""
        self.greeting = wire.parse(Greeting, await self._receive(largest=wire.LARGEST_GREETING))
        return self.greeting

    def fileno(self) -> int:
        """The pidfd: readable once the process has ended."""
        return self._pidfd

    def is_clean(self) -> bool:
        """Whether the channel is alive and silent."""
        return is_silent(self._channel)

    async def do(self, kind: Kind, octets: Octets, wanted: Wanted = Wanted.NONE) -> tuple[Reply, tuple[bytes, ...]]:
        """Have a job done: the reply, and the leaves that were wanted. Raises `BadReply`, OSError, EOFError; the caller
        sets the deadline."""
        loop = asyncio.get_running_loop()
        size = len(octets)
        self._ticket += 1
        if size <= wire.BY_SOCKET:
            await loop.sock_sendall(
                self._channel, wire.JOB.pack(kind, Way.SOCKET, wanted, self._ticket, size) + octets[:]
            )
        else:
            sealed = await seal(octets)
            try:
                job = wire.JOB.pack(kind, Way.DESCRIPTOR, wanted, self._ticket, size)
                socket.send_fds(self._channel, [job], [sealed])
            finally:
                os.close(sealed)
        reply = wire.parse(Reply, await self._receive(largest=wire.LARGEST_REPLY[kind]))
        if reply.ticket != self._ticket:
            raise BadReply("a reply to another message")
        wire.check_leaves(reply, wanted)
        return reply, tuple([bytes(await self._read(size)) for size in reply.leaves])

    def kill(self) -> None:
        """End the process and let go of it, whatever state it is in. Idempotent."""
        if self._pidfd < 0:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has ended by itself
        os.close(self._pidfd)
        self._pidfd = -1
        self._channel.close()

    async def _receive(self, *, largest: int) -> bytearray:
        header = await self._read(wire.LENGTH.size)
        return await self._read(wire.length_of(header, largest=largest))

    async def _read(self, size: int) -> bytearray:
        loop = asyncio.get_running_loop()
        buffer = bytearray(size)
        unread = memoryview(buffer)
        while unread:
            count = await loop.sock_recv_into(self._channel, unread)
            if count == 0:
                raise EOFError("the worker is gone")
            unread = unread[count:]
        return buffer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
