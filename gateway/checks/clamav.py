"""The door to clamd: scan a message for malware, and ask for its version. The only file that speaks clamd's protocol
(clamd(8)) and imports the `clamd` package.

Only an explicit `OK` is clean and only an explicit `FOUND` is malware. A limit that was reached, or an encrypted
member, is unscannable: never clean. Everything else is Unknown. Never raises (but for cancellation), decides, or logs
content.
"""

from __future__ import annotations

import asyncio
import calendar
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import clamd

from gateway.checks.verdicts import Verdicts, digest_of
from gateway.clock import Clock, SystemClock
from gateway.facts.content import MalwareFact, MalwareResult
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.message import Octets

ENGINE: Final = "clamav"
DEMO_SIGNATURES: Final = "demo"
"""The version of a signature database that names none: the demonstration database, or others of that kind."""

_WITHOUT_VERSION: Final = ("", DEMO_SIGNATURES)
"""Signatures that cannot be told from later ones: what they say is not kept."""

_CHUNK: Final = 128 * 1024
_LENGTH: Final = struct.Struct("!L")
_END: Final = _LENGTH.pack(0)
_LARGEST_REPLY: Final = 4096
_CONTROL_TIMEOUT: Final = 5.0
_BREAK: Final = 1.0
"""Seconds without another try after clamd could not be reached."""
_VERSION_LIFETIME: Final = 60.0
"""Seconds that a version is believed, and so the longest that a verdict of older signatures may be given again."""
_DATED: Final = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2}) (\d{4})\Z")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_FOUND: Final = re.compile(r"stream: ([\x21-\x7e]{1,256}) FOUND\Z")
_SIZE_LIMIT: Final = "INSTREAM size limit exceeded"
# AlertExceedsMax and AlertEncrypted report these as findings; they are reasons why something was not looked into.
_NOT_LOOKED_INTO: Final = re.compile(r"Heuristics\.(Limits\.Exceeded|Encrypted)\b")
_VERSION: Final = re.compile(r"ClamAV ([^/\s]{1,40})(?:/(\d{1,10})/([^/\x00-\x1f]{1,60}))?\Z")


@dataclass(frozen=True, slots=True)
class ClamavVersion:
    """What clamd says about itself: the engine, the number of its signature database ("demo" where it names none), and
    the date of that in clamd's words."""

    engine: str
    signatures: str
    dated: str = ""

    @property
    def built(self) -> float | None:
        """When the signatures were made, in seconds since the epoch; None where clamd does not say. It names no zone:
        taken for UTC, that may be wrong by half a day."""
        found = _DATED.match(self.dated)
        if found is None or found[1] not in _MONTHS:
            return None
        day, hour, minute, second, year = (int(number) for number in found.groups()[1:])
        return float(calendar.timegm((year, _MONTHS.index(found[1]) + 1, day, hour, minute, second)))


@dataclass(frozen=True, slots=True)
class ClamavAddress:
    """Where clamd listens: a socket path, or a host and a port."""

    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> ClamavAddress:
        """`/run/clamav/clamd.ctl`, `127.0.0.1:3310` or `[::1]:3310`. Raises ValueError on anything else."""
        if text.startswith("/"):
            return cls(path=text)
        host, colon, port = text.rpartition(":")
        if not colon or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"not an address of clamd: {text!r} (a socket path, or host:port)")
        return cls(host=host.removeprefix("[").removesuffix("]"), port=int(port))


class Clamav:
    """One clamd, as a process of ours uses it: a bounded number of connections, one for each scan.

    `timeout` is in seconds for a whole scan, the wait for a connection included. While clamd cannot be reached, scans
    answer at once, and one of them tries again after a short time.
    """

    def __init__(self, address: str, timeout: float, connections: int, *, clock: Clock | None = None) -> None:
        self._address = ClamavAddress.parse(address)
        self._timeout = timeout
        self._clock = clock or SystemClock()
        self._slots = asyncio.Semaphore(connections)
        self._shut_until = float("-inf")
        self._version: ClamavVersion | None = None
        self._version_until = float("-inf")
        self._asking_version = asyncio.Lock()
        self._closed = False
        self._verdicts = Verdicts()

    async def scan(self, octets: Octets) -> Outcome[MalwareFact]:
        """Scan a message as it stands. What was scanned with the same signatures before is not sent again."""
        if self._closed:
            return Unknown("clamd: closed")
        if self._clock.monotonic() < self._shut_until:
            return Unknown("clamd unreachable")
        try:
            async with asyncio.timeout(self._timeout), self._slots:
                signatures = await self._signatures()
                digest = await digest_of(octets) if signatures not in _WITHOUT_VERSION else b""
                if digest and (said := self._verdicts.get(digest, signatures)) is not None:
                    return Known(said)
                reply = await self._stream(octets)
                if reply is None:
                    return await self._cut_off(signatures)
        except _Unreachable as error:
            self._shut_until = self._clock.monotonic() + _BREAK
            self._version_until = float("-inf")
            self._verdicts = Verdicts()  # one that comes back may be configured otherwise
            return Unknown(f"clamd unreachable: {error}")
        except TimeoutError:
            return Unknown(f"clamd took longer than {self._timeout:g} s")
        except OSError as error:
            return Unknown(f"clamd failed: {type(error).__name__}")
        outcome = fact_of(reply, signatures=signatures)
        # A limit is a matter of clamd's configuration, and that may have changed when it is asked again.
        if digest and isinstance(outcome, Known) and outcome.value.result is not MalwareResult.UNSCANNABLE:
            self._verdicts.put(digest, outcome.value)
        return outcome

    async def version(self) -> Outcome[ClamavVersion]:
        """What clamd says about itself, asked now."""
        said = await self._control(lambda door: door.version())
        if isinstance(said, Unknown):
            return said
        found = _VERSION.match(said.value)
        if found is None:
            return Unknown("clamd: its version was not understood")
        engine, number, dated = found.groups()
        self._version = ClamavVersion(engine, number or DEMO_SIGNATURES, dated or "")
        return Known(self._version)

    async def ping(self) -> Outcome[str]:
        """Whether clamd answers at all."""
        return await self._control(lambda door: door.ping())

    async def stats(self) -> Outcome[str]:
        """Its queue and memory, in clamd's own words."""
        return await self._control(lambda door: door.stats())

    async def reload(self) -> Outcome[str]:
        """Have it read its signatures again."""
        self._version_until = float("-inf")
        return await self._control(lambda door: door.reload())

    async def close(self) -> None:
        """Nothing more will be asked. Scans that run come to their end."""
        self._closed = True

    # ------------------------------------------------------------------ INSTREAM

    async def _stream(self, octets: Octets) -> str | None:
        """Send the octets and hear the reply; None where clamd hung up without one while we were sending."""
        loop = asyncio.get_running_loop()
        with await self._connect() as channel:
            try:
                await loop.sock_sendall(channel, b"zINSTREAM\0")
                for start in range(0, len(octets), _CHUNK):
                    # A copy of one chunk, never a view: a view left in a failed call would keep a mapping from closing.
                    chunk = octets[start : start + _CHUNK]
                    await loop.sock_sendall(channel, _LENGTH.pack(len(chunk)) + chunk)
                await loop.sock_sendall(channel, _END)
            except (BrokenPipeError, ConnectionResetError):
                # It has had enough, most likely of our size. What it said before it hung up can still be read.
                return await _read_reply(channel) or None
            return await _read_reply(channel)

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        address = self._address
        try:
            if address.path:
                family, target = socket.AF_UNIX, address.path
            else:
                found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
                family, target = found[0][0], found[0][4]  # type: ignore[assignment]
            channel = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:
            raise _Unreachable(type(error).__name__) from None
        try:
            channel.setblocking(False)
            await loop.sock_connect(channel, target)
            if family != socket.AF_UNIX:
                channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            channel.close()
            raise _Unreachable(type(error).__name__) from None
        except BaseException:
            channel.close()
            raise
        return channel

    async def _cut_off(self, signatures: str) -> Outcome[MalwareFact]:
        """It hung up on us without a word. If it is alive, that was its limit; if not, nobody looked at the message."""
        if isinstance(await self.ping(), Known):
            return Known(MalwareFact(MalwareResult.UNSCANNABLE, "size limit", ENGINE, signatures=signatures))
        return Unknown("clamd hung up")

    # ------------------------------------------------------------------ control

    async def _signatures(self) -> str:
        async with self._asking_version:
            if self._clock.monotonic() >= self._version_until:
                self._version_until = self._clock.monotonic() + _VERSION_LIFETIME
                await self.version()
        return self._version.signatures if self._version is not None else ""

    async def _control(self, ask: Callable[[_Door], str | None]) -> Known[str] | Unknown:
        try:
            said = await asyncio.to_thread(ask, _Door(self._address))
        except (clamd.ClamdError, OSError, UnicodeDecodeError) as error:
            return Unknown(f"clamd unreachable: {type(error).__name__}")
        return Known(said) if said else Unknown("clamd: no answer")


class _Unreachable(Exception):
    """No connection could be made. The text is the kind of error."""


class _Door(clamd.ClamdNetworkSocket):  # type: ignore[misc]
    """The clamd package's client, over either kind of socket and with a timeout that holds for the connection too (its
    own begins after that)."""

    def __init__(self, address: ClamavAddress) -> None:
        super().__init__(address.host, address.port, _CONTROL_TIMEOUT)
        self._address = address

    def _init_socket(self) -> None:
        if not self._address.path:
            self.clamd_socket = socket.create_connection((self.host, self.port), self.timeout)
            return
        self.clamd_socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.clamd_socket.settimeout(self.timeout)
        try:
            self.clamd_socket.connect(self._address.path)
        except OSError:
            self.clamd_socket.close()
            raise


def fact_of(reply: str, *, signatures: str = "") -> Outcome[MalwareFact]:
    """What a reply to INSTREAM means."""
    if reply == "stream: OK":
        return Known(MalwareFact(MalwareResult.CLEAN, "", ENGINE, signatures=signatures))
    if found := _FOUND.match(reply):
        name = found[1]
        result = MalwareResult.UNSCANNABLE if _NOT_LOOKED_INTO.match(name) else MalwareResult.FOUND
        return Known(MalwareFact(result, name, ENGINE, signatures=signatures))
    if reply.startswith(_SIZE_LIMIT):
        return Known(MalwareFact(MalwareResult.UNSCANNABLE, "size limit", ENGINE, signatures=signatures))
    if not reply:
        return Unknown("clamd hung up")
    return Unknown("clamd said neither OK nor FOUND: " + "".join(filter(str.isprintable, reply))[:80])


async def _read_reply(channel: socket.socket) -> str:
    """The reply up to its NUL, or empty where there was none that ended."""
    loop = asyncio.get_running_loop()
    reply = b""
    while b"\0" not in reply and len(reply) <= _LARGEST_REPLY:
        try:
            received = await loop.sock_recv(channel, _LARGEST_REPLY)
        except ConnectionResetError:
            break
        if not received:
            break
        reply += received
    said, ended, _ = reply.partition(b"\0")
    return said.decode("ascii", "replace") if ended else ""
