"""The lines of one session: aiosmtpd's protocol class made strict and cheap. Reads command lines and chunks of data,
writes replies in batches (RFC 2920 section 3.2), keeps the idle time (RFC 5321 section 4.5.3.2), starts TLS (RFC 3207).

The only file that knows aiosmtpd's and asyncio's private names (aiosmtpd is pinned, tests hold them). aiosmtpd's own
verbs and per-connection introspection are never reached: the constructor does not call the one above it. Knows no verb.
"""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from asyncio import sslproto
from collections.abc import Callable
from enum import Enum
from typing import Final, cast

from aiosmtpd.proxy_protocol import ProxyData
from aiosmtpd.smtp import SMTP

from gateway.inbound.protocol.client import address_of
from gateway.inbound.protocol.pouring import Consumer, Pouring
from gateway.inbound.protocol.proxying import is_balancer_itself, read_header
from gateway.mail import replies
from gateway.mail.replies import Reply

READ_AHEAD: Final = 64 * 1024
"""Octets that a client may send ahead of us before its connection is paused (twice this, by asyncio's rule)."""

REPLIES_AHEAD: Final = 8 * 1024
"""Octets of replies kept together before they are sent although more commands are waiting."""

HANDSHAKE_PATIENCE: Final = 30
CLOSING_PATIENCE: Final = 10.0
"""Seconds that a client has to take our last words before the connection is cut."""

LINGERING: Final = 2.0
"""Seconds for which a client that is sent away may go on speaking to nobody."""


class LineFault(Enum):
    """Why a line is no command line."""

    TOO_LONG = "too long"
    BARE_LINE_END = "bare line end"
    NUL = "NUL"


class ClientGone(Exception):
    """The client left, or cannot speak TLS: nobody is there to be answered."""


class Wire(SMTP, ABC):
    """One connection. A subclass gives it a `_converse`; everything else here is about octets."""

    def __init__(
        self, *, loop: asyncio.AbstractEventLoop, idle: float, tls: Callable[[], ssl.SSLContext | None]
    ) -> None:
        """`idle` is in seconds; `tls` gives the context of a handshake that begins now."""
        asyncio.StreamReaderProtocol.__init__(
            self,
            asyncio.StreamReader(limit=READ_AHEAD, loop=loop),
            client_connected_cb=self._cb_client_connected,
            loop=loop,
        )
        # What aiosmtpd's connection_made, connection_lost and STARTTLS branch read.
        self.loop = loop
        self.session = None
        self.envelope = None
        self.transport = None
        self._timeout_duration = idle
        self._timeout_handle = None
        self._tls_protocol = None
        self._original_transport = None
        self._handler_coroutine = None
        self._handle_hooks = {}
        # Ours.
        self._current_tls = tls
        self._heard_at = 0.0
        self._at_rest = False
        self._working = True
        self._hung_up = False
        self._unsent = bytearray()
        self._pouring: Pouring | None = None
        self._handshake: asyncio.Future[None] | None = None

    # ------------------------------------------------------------ life of the connection

    async def _handle_client(self) -> None:
        """The whole session, started by aiosmtpd when the connection is made."""
        try:
            wanted_to_go = await self._converse()
            await self.flush()
            if not wanted_to_go:
                await self._linger()
        except ClientGone:
            pass
        finally:
            self._hang_up()

    @abstractmethod
    async def _converse(self) -> bool:
        """The conversation itself, from the greeting to the last word; whether the client wanted it to end."""

    async def _linger(self) -> None:
        """Hear the client out for a moment. To close while its octets still come in resets the connection, and what
        was said last is lost with them."""
        if self.transport is None or self.is_encrypted or self._reader.at_eof():
            return
        cast(asyncio.Transport, self.transport).write_eof()
        try:
            await self.pour(_drop, until=self.now() + LINGERING)
        except (TimeoutError, OSError):
            pass  # long enough

    def eof_received(self) -> bool:
        """A client that has said all it wants to say may still listen: what it sent is answered (but TLS has no half
        closing)."""
        self._reader.feed_eof()
        if self._pouring is not None:
            self._pouring.end(ClientGone())
        return not self._over_ssl

    @property
    def own_address(self) -> str:
        """The address of ours that the client connected to. Raises `ClientGone`."""
        name = None if self.transport is None else self.transport.get_extra_info("sockname")
        if name is None:
            raise ClientGone
        return address_of(name[0], name[1]).ip

    def now(self) -> float:
        """The event loop's time, in seconds."""
        return self.loop.time()

    def _hang_up(self) -> None:
        """Close once what was said has been taken; cut when it is not taken in time."""
        if self.transport is None or self._hung_up:
            return
        self._hung_up = True
        self.transport.close()
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._timeout_handle = self.loop.call_later(CLOSING_PATIENCE, self.abort)

    def abort(self) -> None:
        """Cut the connection without a word."""
        if self.transport is not None:
            cast(asyncio.Transport, self.transport).abort()

    def dismiss(self, reply: Reply) -> None:
        """Say a last word from outside the conversation, and hang up."""
        if self.transport is not None and not self._hung_up:
            self.say(reply)
            cast(asyncio.Transport, self.transport).write(self._unsent)
            self._unsent = bytearray()
            self._hang_up()

    # ------------------------------------------------------------ idle time

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Note that the client spoke. One timer serves the whole session: it looks at the note when it fires."""
        self._heard_at = self.loop.time()
        if self._timeout_handle is None:
            self._timeout_handle = self.loop.call_later(self._timeout_duration, self._timeout_cb)

    def _timeout_cb(self) -> None:
        remaining = self._heard_at + self._timeout_duration - self.loop.time()
        if self._working:
            remaining = self._timeout_duration  # it is we who are slow
        if remaining > 0:
            self._timeout_handle = self.loop.call_later(remaining, self._timeout_cb)
        else:
            self.dismiss(replies.IDLE_TOO_LONG)

    # ------------------------------------------------------------ writing

    def say(self, reply: Reply) -> None:
        """Put a reply in line. It is sent when nothing more is waiting to be read, so that a batch of commands gets its
        replies in one packet."""
        self._unsent += reply.octets

    def say_octets(self, octets: bytes) -> None:
        """The same for a reply that is written out already."""
        self._unsent += octets

    async def flush(self) -> None:
        """Send what was said. Raises `ClientGone`."""
        if not self._unsent:
            return
        if self.transport is None or self._hung_up:
            raise ClientGone
        cast(asyncio.Transport, self.transport).write(self._unsent)
        self._unsent = bytearray()  # the other one is the transport's now
        if self._paused:  # type: ignore[attr-defined]
            self._working = False  # to be slow in taking replies is silence, too
            try:
                await self._drain_helper()  # type: ignore[attr-defined]
            except ConnectionError as error:
                raise ClientGone from error
            finally:
                self._working = True
            self._reset_timeout()

    # ------------------------------------------------------------ reading

    @property
    def waiting(self) -> bytearray:
        """Octets that came and were not read yet. To be looked at only."""
        return self._reader._buffer  # type: ignore[no-any-return,attr-defined]

    @property
    def has_left(self) -> bool:
        """Whether nothing more will come."""
        return self._hung_up or self._reader.at_eof()

    async def read_proxy_header(self) -> ProxyData:
        """The PROXY header with which the connection must begin; from now on `client_address` knows of it. Raises
        `BadProxyHeader`."""
        assert self.session is not None
        header = await read_header(self._reader)
        if not is_balancer_itself(header):
            self.session.proxy_data = header
        return header

    async def read_line(self) -> bytes | LineFault | None:
        """The next line without its CRLF; None at the end of the connection. A line that is too long is read away."""
        if len(self._unsent) > REPLIES_AHEAD:
            await self.flush()
            await asyncio.sleep(0)  # others want to be served too
        if b"\n" not in self.waiting:
            await self.flush()
        self._working, self._at_rest = False, True
        try:
            line = await self._read_to_newline()
        finally:
            self._working, self._at_rest = True, False
        self._reset_timeout()
        if line is None or isinstance(line, LineFault):
            return line
        # Whoever ends a line with less than CRLF may disagree with us about where lines end (RFC 5321 section 2.3.8).
        if line[-2:] != b"\r\n" or line.count(b"\r") != 1:
            return LineFault.BARE_LINE_END
        return LineFault.NUL if b"\0" in line else line[:-2]

    async def _read_to_newline(self) -> bytes | LineFault | None:
        too_long = False
        while True:
            try:
                line = await self._reader.readuntil(b"\n")
                return LineFault.TOO_LONG if too_long else line
            except (asyncio.IncompleteReadError, ConnectionError):
                return None
            except asyncio.LimitOverrunError as overrun:
                too_long = True
                await self._reader.read(overrun.consumed)

    async def pour(self, consumer: Consumer, *, until: float) -> None:
        """Hand what comes to the consumer as it comes, without a buffer and a task between, until it wants no more.

        Raises what the consumer raises, `ClientGone`, and TimeoutError at `until` (the event loop's time).
        """
        while self.waiting or self._unsent:
            if not self.waiting:
                await self.flush()
            elif (rest := consumer(await self._reader.read(READ_AHEAD))) is not None:
                self.waiting[:0] = rest
                self._reset_timeout()
                return
        if self._reader.at_eof():
            raise ClientGone
        self._pouring = pouring = Pouring(consumer, self.loop.create_future())
        out_of_time = self.loop.call_at(until, pouring.end, TimeoutError())
        self._working = False
        try:
            await pouring.ended
        finally:
            self._pouring, self._working = None, True
            out_of_time.cancel()
        self._reset_timeout()

    def data_received(self, data: bytes) -> None:
        """Octets came: for the consumer if there is one, else to be read."""
        if self._pouring is not None and not self._pouring.ended.done():
            if self._pouring.is_sign_of_life(data):
                self._heard_at = self.loop.time()
            data = self._pouring.feed(data)
        if data:
            self._reader.feed_data(data)

    # ------------------------------------------------------------ TLS

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What a handshake that begins now is done with: a renewed certificate is taken up at once."""
        return self._current_tls()

    @property
    def is_encrypted(self) -> bool:
        """Whether TLS is active."""
        return self.session is not None and self.session.ssl is not None

    def expect_tls(self, context: ssl.SSLContext) -> None:
        """Put TLS under a connection from which nothing was read yet but a PROXY header (RFC 8314 section 3).

        This is what aiosmtpd does for STARTTLS. `loop.start_tls` would come too late: uvloop reads before a task runs.
        What was read ahead is the beginning of the handshake, and is handed down.
        """
        plain = cast(asyncio.Transport, self.transport)
        self._handshake = self.loop.create_future()
        self._handshake.add_done_callback(lambda done: done.cancelled() or done.exception())
        below = sslproto.SSLProtocol(
            self.loop,
            self,
            context,
            self._handshake,
            server_side=True,
            call_connection_made=False,
            ssl_handshake_timeout=HANDSHAKE_PATIENCE,
        )
        read_ahead = bytes(self.waiting)
        self.waiting.clear()
        if self._reader._paused:  # type: ignore[attr-defined]
            plain.resume_reading()
        plain.set_protocol(below)
        self._adopt(below._get_app_transport())  # type: ignore[attr-defined]
        below.connection_made(plain)
        if read_ahead:
            below.get_buffer(len(read_ahead))[: len(read_ahead)] = read_ahead
            below.buffer_updated(len(read_ahead))

    async def encrypt(self, context: ssl.SSLContext) -> ssl.SSLObject:
        """Do the handshake, or wait for the one that was begun; gives what was agreed upon.

        Whatever came in clear is thrown away unread: it may have been put in by somebody else (RFC 3207 section 4.2).
        Raises `ClientGone`.
        """
        try:
            if self._handshake is not None:
                await self._handshake
            else:
                await self.flush()
                self.waiting.clear()
                self._over_ssl = True
                # uvloop's transports are none of asyncio's classes, so nothing may ask.
                plain = cast(asyncio.Transport, self.transport)
                transport = await self.loop.start_tls(
                    plain, self, context, server_side=True, ssl_handshake_timeout=HANDSHAKE_PATIENCE
                )
                if transport is None:
                    raise ClientGone
                self._adopt(transport)
        except OSError as error:  # what ssl, the network and the clock raise
            raise ClientGone from error
        assert self.transport is not None
        return cast(ssl.SSLObject, self.transport.get_extra_info("ssl_object"))

    def _adopt(self, transport: asyncio.Transport) -> None:
        """Go on with this transport, which is encrypted."""
        assert self.session is not None
        self.transport = transport
        self._reader._paused = False  # type: ignore[attr-defined]
        self._reader._transport = transport  # type: ignore[attr-defined]
        self._writer._transport = transport  # type: ignore[attr-defined]
        self._over_ssl = True
        self.session.ssl = {"cipher": transport.get_extra_info("cipher")}


def _drop(_: bytes) -> None:
    """Nobody listens."""
