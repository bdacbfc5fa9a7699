"""The octets of one DATA, from the wire into the spool (RFC 5321 section 4.5.2): in large chunks, with the limits held
while they stream, in bounded memory. Judges nothing; decides nothing about what follows the end of the data.
"""

from __future__ import annotations

import asyncio
import errno
from typing import Final

from gateway.inbound.dots import DotReader
from gateway.inbound.refused import Refused
from gateway.inbound.wire import Wire
from gateway.mail import replies
from gateway.mail.message import Fault
from gateway.mail.replies import Reply
from gateway.queue.spool import Incoming
from gateway.telemetry import log

DATA_PATIENCE: Final = 3600.0
"""Seconds that one message may take to arrive, however steadily it drips."""

DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

FAULT_REPLIES: Final = {
    Fault.BARE_CR: replies.BARE_LINE_END,
    Fault.BARE_LF: replies.BARE_LINE_END,
    Fault.NUL: replies.MALFORMED_MESSAGE,
    Fault.HEADER_TOO_LARGE: replies.HEADER_TOO_LARGE,
}
"""What to answer to each `BadMessage`."""


async def receive(wire: Wire, incoming: Incoming, *, limit: int) -> Refused | None:
    """Read to the end of the data, also when it is refused: what follows the end are commands, what stands before it
    never is. `limit` counts octets. Raises `ClientGone`, and TimeoutError after `DATA_PATIENCE`."""
    reader = DotReader()
    refused: Refused | None = None
    async with asyncio.timeout(DATA_PATIENCE):
        while not reader.finished:
            octets = reader.feed(await wire.read_chunk())
            if refused is None:
                refused = _refusal(reader, limit) or _write(incoming, octets)
                if refused is not None:
                    incoming.discard()
    if reader.rest:
        wire.unread(reader.rest)
    return refused


def _refusal(reader: DotReader, limit: int) -> Refused | None:
    if reader.fault is not None:
        return Refused(FAULT_REPLIES[reader.fault], reader.fault)
    if reader.size > limit:
        return Refused(replies.TOO_LARGE, f"more than {limit} octets")
    return None


def _write(incoming: Incoming, octets: bytes) -> Refused | None:
    try:
        incoming.write(octets)
    except OSError as error:
        log().error("cannot write to the spool", exc_info=error)
        return Refused(disk_reply(error), "the disk refuses")
    return None


def disk_reply(error: Exception) -> Reply:
    """452 where the disk is full, else the local error."""
    full = isinstance(error, OSError) and error.errno in DISK_FULL
    return replies.NO_SPACE if full else replies.LOCAL_ERROR
