"""The octets of one message, from the wire into the spool: after DATA (RFC 5321 section 4.5.2) or in chunks (RFC 3030),
in large pieces, with the limits held while they stream, in bounded memory and time. Judges nothing; decides nothing
about what follows the end.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Final

from gateway.inbound.protocol.chunks import ChunkReader
from gateway.inbound.protocol.dots import DotReader
from gateway.inbound.protocol.line_ends import Normaliser
from gateway.inbound.protocol.wire import Wire
from gateway.inbound.refused import Refused
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


class Intake:
    """One message on its way into the spool. `refused` is set at the first thing that is wrong with it, and stays: from
    then on nothing is kept."""

    def __init__(self, incoming: Incoming, *, limit: int, now: float, normalises: bool = False) -> None:
        """`limit` counts octets; `now` is the event loop's time. One that normalises makes line ends of bare CRs and
        LFs instead of refusing them."""
        self.incoming = incoming
        self.refused: Refused | None = None
        self.deadline = now + DATA_PATIENCE
        self._limit = limit
        self._size = 0
        self._chunks = ChunkReader()
        self._normaliser = Normaliser() if normalises else None

    def take_dotted(self, reader: DotReader, octets: bytes) -> None:
        """Some octets after DATA, and the reader that gave them."""
        self._take(octets, fault=reader.fault)

    def take_chunked(self, octets: bytes) -> None:
        """Some octets of a chunk."""
        self._take(self._chunks.feed(octets), fault=self._chunks.fault)

    def end_chunks(self) -> None:
        """The last chunk is over."""
        self._take(self._chunks.end(), fault=self._chunks.fault)
        if self._normaliser is not None:
            self._take(self._normaliser.end(), fault=None)

    def discard(self) -> None:
        """Throw away what was kept. May be called again."""
        self.incoming.discard()

    def _take(self, octets: bytes, *, fault: str | None) -> None:
        if self.refused is not None:
            return
        if fault is not None and self._normaliser is not None:
            fault = Fault.NUL if b"\0" in octets else None
            octets = self._normaliser.feed(octets)
        self._size += len(octets)
        if fault is not None:
            self.refused = Refused(FAULT_REPLIES[fault], fault)
        elif self._size > self._limit:
            self.refused = Refused(replies.TOO_LARGE, f"more than {self._limit} octets")
        else:
            self.refused = self._write(octets)
        if self.refused is not None:
            self.discard()

    def _write(self, octets: bytes) -> Refused | None:
        try:
            self.incoming.write(octets)
        except OSError as error:
            log().error("cannot write to the spool", exc_info=error)
            return Refused(disk_reply(error), "the disk refuses")
        return None


async def receive_dotted(wire: Wire, intake: Intake) -> None:
    """Read to the end of the data, also when it is refused: what follows the end are commands, what stands before it
    never is. Raises `ClientGone`, and TimeoutError after `DATA_PATIENCE`."""
    reader = DotReader()

    def take(octets: bytes) -> bytes | None:
        intake.take_dotted(reader, reader.feed(octets))
        return reader.rest if reader.finished else None

    await wire.pour(take, until=intake.deadline)


async def receive_chunk(wire: Wire, intake: Intake, size: int) -> None:
    """Read a chunk of so many octets to its end, also when it is refused. All chunks of a message together have
    `DATA_PATIENCE`. Raises as `receive_dotted` does."""
    await _receive_exactly(wire, size, intake.take_chunked, until=intake.deadline)


async def skip_chunk(wire: Wire, size: int) -> None:
    """Read away a chunk that nobody wants (RFC 3030 section 2). Raises as `receive_dotted` does."""
    await _receive_exactly(wire, size, _drop, until=wire.now() + DATA_PATIENCE)


async def _receive_exactly(wire: Wire, size: int, keep: Callable[[bytes], None], *, until: float) -> None:
    if wire.now() >= until:  # a chunk that is there already is read without a pause for the timer
        raise TimeoutError
    missing = size

    def take(octets: bytes) -> bytes | None:
        nonlocal missing
        own = octets[:missing]
        missing -= len(own)
        keep(own)
        return None if missing else octets[len(own) :]

    if missing:
        await wire.pour(take, until=until)


def _drop(_: bytes) -> None:
    """Nobody wants them."""


def disk_reply(error: Exception) -> Reply:
    """452 where the disk is full, else the local error."""
    full = isinstance(error, OSError) and error.errno in DISK_FULL
    return replies.NO_SPACE if full else replies.LOCAL_ERROR
