"""One open session with a next hop, over SMTP (RFC 5321) or LMTP (RFC 2033): connect, greet, STARTTLS (RFC 3207),
commands in groups (RFC 2920), octets. The only door to aiosmtplib, of which it uses the protocol class, not the client
class: that one has neither LMTP nor pipelining, and it rewrites line ends.

What a remote host does is never an exception here: `open_connection` returns a `Reply` instead of a connection, and a
conversation that breaks off returns fewer replies and says how in `broken`. Never judges a reply beyond its syntax.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final, cast

from aiosmtplib.errors import SMTPException, SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.esmtp import parse_esmtp_extensions
from aiosmtplib.protocol import COMMAND_INJECTION_REGEX, MAX_RESPONSE_LENGTH, SMTPProtocol
from aiosmtplib.response import SMTPResponse

from gateway.delivery.routes import Endpoint, Language
from gateway.mail import replies
from gateway.mail.replies import Reply

BLOCK: Final = 256 * 1024
"""Octets written between two looks at whether the remote host keeps up."""

MAX_UNREAD: Final = 256
"""Replies that may wait for us: more than the commands of one group (RFC 5321 allows 100 recipients) ask for."""

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:[ \t]+|\Z)")
_INTERVENTION: Final = "The reply after STARTTLS was followed by clear text"


class Tls(Enum):
    """Whether to encrypt. Opportunistic: when offered, without asking who answers (RFC 7435); any TLS beats none."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each phase, by default those of RFC 5321 section 4.5.3.2."""

    connect: float = 30.0
    command: float = 300.0
    data_block: float = 180.0
    data_end: float = 600.0


class _Wire(SMTPProtocol):
    """aiosmtplib's protocol with its replies in a queue, since several are under way at once; the original keeps one
    and drops the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: deque[SMTPResponse] = deque()
        self._failure: SMTPException | None = None
        self._arrival: asyncio.Future[None] | None = None

    @property
    def is_quiet(self) -> bool:
        """Connected, with nothing said that nobody asked for."""
        return self.is_connected and not self._queue and not self._buffer and self._failure is None

    def data_received(self, data: bytes) -> None:
        self._buffer.extend(data)
        if len(self._buffer) > MAX_RESPONSE_LENGTH or len(self._queue) > MAX_UNREAD:
            self._fail(SMTPResponseException(-1, "too much said"))
        elif b"\n" in data:
            try:
                while (response := self._read_response_from_buffer()) is not None:
                    self._queue.append(response)
            except SMTPResponseException as error:
                self._fail(error)
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._fail(SMTPServerDisconnected("connection lost"))
        self._wake()

    async def read_response(self, timeout: float | None = None) -> SMTPResponse:
        """The next reply. Raises SMTPException when there will be none, TimeoutError when there is none yet."""
        if self._queue:
            return self._queue.popleft()
        async with asyncio.timeout(timeout):
            while not self._queue:
                if self._failure is not None:
                    raise self._failure
                self._arrival = self._loop.create_future()
                await self._arrival
        return self._queue.popleft()

    async def drain(self, timeout: float) -> None:
        """Wait until the remote host has taken most of what was written."""
        if self._paused:
            async with asyncio.timeout(timeout):
                await self._drain_helper()

    def _fail(self, failure: SMTPException) -> None:
        self._failure = self._failure or failure
        self._buffer.clear()
        self.abort()

    def abort(self) -> None:
        """Let go at once: `close` would wait for a host that has stopped reading to take the rest."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)


class Connection:
    """One session, after EHLO or LHLO. `tls` is the TLS version or empty; `carried` counts the messages handed over.

    `broken` is None while the conversation holds, then a reply of our own that says how it ended.
    """

    def __init__(self, wire: _Wire, endpoint: Endpoint, timeouts: Timeouts) -> None:
        self.endpoint = endpoint
        self.extensions: Mapping[str, str] = MappingProxyType({})
        self.tls = ""
        self.broken: Reply | None = None
        self.carried = 0
        self.needs_reset = False
        self._wire = wire
        self._timeouts = timeouts

    @property
    def is_usable(self) -> bool:
        """Whether a transaction may begin: still open, and the remote host has said nothing in between (such as
        421)."""
        return self.broken is None and self._wire.is_quiet

    def offers(self, extension: str) -> bool:
        """Whether the remote host announced the extension, in capitals as the RFCs write it."""
        return extension in self.extensions

    async def exchange(self, commands: Sequence[bytes]) -> list[Reply]:
        """Send the commands in one group and read their replies; fewer replies than commands: see `broken`."""
        for command in commands:
            if COMMAND_INJECTION_REGEX.search(command):
                raise ValueError("a command holds a control character")
        return await self._converse(b"\r\n".join(commands) + b"\r\n", answers=len(commands))

    async def send_octets(self, octets: bytes, *, answers: int) -> list[Reply]:
        """Send a message after 354 and read that many replies: one for SMTP, one for each recipient for LMTP."""
        stuffed = dot_stuffed(octets)
        try:
            if len(stuffed) <= BLOCK:
                self._wire.write(stuffed)
            else:
                for start in range(0, len(stuffed), BLOCK):
                    self._wire.write(stuffed[start : start + BLOCK])
                    await self._wire.drain(self._timeouts.data_block)
        except TimeoutError:
            self.abandon(replies.HOST_TIMED_OUT)
            return []
        except (SMTPException, OSError):
            # The remote host may have said why before it hung up: read on, what was said is still in the queue.
            pass
        return await self._read(answers, timeout=self._timeouts.data_end)

    def close(self) -> None:
        """Say QUIT where somebody listens, and close. Nobody waits for the answer."""
        transport = self._wire.transport
        if transport is None or transport.is_closing():
            return
        if self.broken is None:
            cast(asyncio.WriteTransport, transport).write(b"QUIT\r\n")
        self.broken = self.broken or replies.CONNECTION_LOST
        transport.close()

    def abandon(self, how: Reply) -> None:
        """Close without a word: what is open between us cannot be mended. The first reason stays."""
        self.broken = self.broken or how
        self._wire.abort()

    async def greet(self, name: str, *, tls: Tls) -> Reply | None:
        """Read the greeting, say who we are, encrypt if offered. The refusal, or None when all went well.

        Raises `_HandshakeFailed` when TLS was offered and did not work: the connection is spoilt then.
        """
        greeting = await self._read(1, timeout=self._timeouts.command)
        if not greeting or not greeting[0].is_success:
            return self._refusal(greeting)
        refusal = await self._say_hello(name)
        if refusal is None and tls is Tls.OPPORTUNISTIC and self.offers("STARTTLS") and await self._encrypt():
            refusal = await self._say_hello(name)
        return refusal

    async def _say_hello(self, name: str) -> Reply | None:
        verb = b"LHLO" if self.endpoint.language is Language.LMTP else b"EHLO"
        said = await self._ask(verb, name)
        if verb == b"EHLO" and said is not None and _typed(said.code, said.message).is_permanent:
            said = await self._ask(b"HELO", name)  # RFC 5321 section 3.2: a host from before ESMTP
            self.extensions = MappingProxyType({})
        elif said is not None:
            offered, _ = parse_esmtp_extensions(said.message)
            self.extensions = MappingProxyType({key.upper(): value.strip() for key, value in offered.items()})
        if said is None:
            return self.broken
        reply = _typed(said.code, said.message)
        return None if reply.is_success else self._refusal([reply])

    async def _ask(self, verb: bytes, name: str) -> SMTPResponse | None:
        """One command whose reply is wanted with its lines apart."""
        try:
            self._wire.write(verb + b" " + name.encode("ascii", "replace") + b"\r\n")
            response = await self._wire.read_response(self._timeouts.command)
        except TimeoutError:
            self.abandon(replies.HOST_TIMED_OUT)
        except (SMTPException, OSError) as error:
            self.abandon(_explain(error))
        else:
            if replies.is_code(response.code):
                return response
            self.abandon(replies.GARBLED_REPLY)
        return None

    async def _encrypt(self) -> bool:
        """False when the host took its offer back, so that the session goes on in the clear."""
        try:
            await self._wire.start_tls(
                _tls_context(), server_hostname=self.endpoint.name or None, timeout=self._timeouts.connect
            )
        except SMTPResponseException as error:
            if replies.is_code(error.code):
                return False
            raise _HandshakeFailed from error
        except (SMTPException, OSError, TimeoutError) as error:  # ssl.SSLError is an OSError
            raise _HandshakeFailed from error
        if not self._wire.is_quiet:
            raise _HandshakeFailed(_INTERVENTION)  # injected before the handshake: RFC 3207 section 6
        transport = self._wire.transport
        session = transport.get_extra_info("ssl_object") if transport is not None else None
        self.tls = (session.version() or "") if session is not None else ""
        return True

    async def _converse(self, octets: bytes, *, answers: int) -> list[Reply]:
        try:
            self._wire.write(octets)
        except (SMTPException, OSError):
            pass  # what was said before the end is still in the queue
        return await self._read(answers, timeout=self._timeouts.command)

    async def _read(self, answers: int, *, timeout: float) -> list[Reply]:
        """Up to that many replies. The time runs for each one anew."""
        said: list[Reply] = []
        while len(said) < answers:
            try:
                response = await self._wire.read_response(timeout)
            except TimeoutError:
                self.abandon(replies.HOST_TIMED_OUT)
                break
            except (SMTPException, OSError) as error:
                self.abandon(_explain(error))
                break
            if not replies.is_code(response.code):
                self.abandon(replies.GARBLED_REPLY)
                break
            said.append(_typed(response.code, response.message))
            if response.code == replies.SHUTTING_DOWN.code:
                self.abandon(said[-1])  # RFC 5321 section 3.8: the host is closing, what follows has no answer
                break
        return said

    def _refusal(self, said: list[Reply]) -> Reply:
        """Why the session cannot begin: the host's own words, or ours."""
        self.abandon(said[0] if said else self.broken or replies.CONNECTION_LOST)
        return self.broken or replies.CONNECTION_LOST


class _HandshakeFailed(Exception):
    """TLS was offered and failed. Never leaves this file."""


async def open_connection(endpoint: Endpoint, *, greet_as: str, timeouts: Timeouts, tls: Tls) -> Connection | Reply:
    """A session that is ready for MAIL, or why there is none: the remote host's own words, or a reply of our table.

    Where TLS is offered but fails the call comes back in the clear: opportunistic means that mail goes before secrecy.
    """
    for attempt in (tls, Tls.NONE):
        wire = await _connect(endpoint, timeout=timeouts.connect)
        if wire is None:
            return replies.UNREACHABLE
        connection = Connection(wire, endpoint, timeouts)
        try:
            refusal = await connection.greet(greet_as, tls=attempt)
        except _HandshakeFailed:
            connection.abandon(replies.CONNECTION_LOST)
            continue
        except BaseException:
            connection.abandon(replies.CONNECTION_LOST)
            raise
        return connection if refusal is None else refusal
    return replies.CONNECTION_LOST


async def _connect(endpoint: Endpoint, *, timeout: float) -> _Wire | None:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            if endpoint.path:
                _, wire = await loop.create_unix_connection(_Wire, endpoint.path)
            else:
                _, wire = await loop.create_connection(_Wire, endpoint.host, endpoint.port)
    except (OSError, TimeoutError, UnicodeError):  # UnicodeError: a host name that cannot be one
        return None
    return wire


def dot_stuffed(octets: bytes) -> bytes:
    """The message as DATA wants it (RFC 5321 section 4.5.2), with its end. Line ends stay as they are: bare CR and LF
    never got in. A last line without CRLF is given one, or there would be no end."""
    end = b".\r\n" if octets.endswith(b"\r\n") or not octets else b"\r\n.\r\n"
    first = b"." if octets.startswith(b".") else b""
    return b"".join((first, octets.replace(b"\r\n.", b"\r\n.."), end))


@lru_cache(maxsize=1024)
def _typed(code: int, text: str) -> Reply:
    """A reply with its enhanced status (RFC 2034) taken off every line. Cached: hosts say the same words all day."""
    lines = text.split("\n")
    match = _ENHANCED.match(lines[0])
    if not match:
        return replies.relayed(code, "", text)
    return replies.relayed(code, match[1], " ".join(_ENHANCED.sub("", line, count=1) for line in lines))


def _explain(error: Exception) -> Reply:
    return replies.GARBLED_REPLY if isinstance(error, SMTPResponseException) else replies.CONNECTION_LOST


@cache
def _tls_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
