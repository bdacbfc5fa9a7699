"""The pool's end of one worker: what it sends, and what it notices."""

from __future__ import annotations

import asyncio
import errno
import mmap
import os
import socket

import pytest

from gateway.checks.anatomist import wire
from gateway.checks.anatomist.wire import BadReply, Kind, Reply
from gateway.checks.anatomist.worker import Worker
from gateway.checks.sealed import seal


async def test_sealed_octets_are_the_same_and_cannot_be_written() -> None:
    octets = os.urandom(1024) * 3000
    descriptor = await seal(octets)
    try:
        assert os.pread(descriptor, len(octets) + 1, 0) == octets
        with pytest.raises(PermissionError):
            os.pwrite(descriptor, b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(descriptor, 0)
        with pytest.raises(OSError) as refused:
            mmap.mmap(descriptor, 0, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        assert refused.value.errno == errno.EPERM
    finally:
        os.close(descriptor)


async def test_a_channel_is_clean_while_it_is_silent() -> None:
    ours, theirs = socket.socketpair()
    worker = Worker(ours, -1)
    with theirs, ours:
        assert worker.is_clean()
        theirs.send(b"x")
        assert not worker.is_clean()


async def test_a_channel_that_ended_is_not_clean() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        assert not Worker(ours, -1).is_clean()


async def test_a_reply_to_another_message_is_refused() -> None:
    ours, theirs = socket.socketpair()
    worker = Worker(ours, -1)
    with theirs, ours:
        theirs.setblocking(True)
        wire.send(theirs, Reply(99, None, "", 0, 0.0))
        with pytest.raises(BadReply, match="another message"):
            await worker.do(Kind.EXAMINE, b"octets")


async def test_a_worker_that_ends_within_a_reply_is_noticed() -> None:
    ours, theirs = socket.socketpair()
    worker = Worker(ours, -1)
    with ours:
        theirs.sendall(wire.LENGTH.pack(100) + b"half")
        asked = asyncio.ensure_future(worker.do(Kind.EXAMINE, b"octets"))
        await asyncio.sleep(0)
        theirs.recv(100)
        theirs.close()
        with pytest.raises(EOFError):
            await asked
