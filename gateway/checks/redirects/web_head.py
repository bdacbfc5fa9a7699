"""One question by HTTP/1.1: where does a place send its visitors (RFC 9110 section 10.2.2)? Asked of one address that
was chosen before, with HEAD, and with GET where HEAD is refused.

Strict: what is not an answer as RFC 9112 writes it says nothing. Sends no cookies and no Referer, reads no body, never
follows, never looks up a name.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Final

from gateway.anatomy import limits
from gateway.checks.redirects.web_place import WebPlace
from gateway.facts.outcome import Known, Unknown

MAX_HEAD: Final = 16 * 1024
"""Octets of an answer before its body."""

_END: Final = b"\r\n\r\n"
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_HEAD_REFUSED: Final = frozenset({405, 501})
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)")
_MALFORMED: Final = Unknown("its answer is malformed")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[str, WebPlace], Awaitable[Streams]]
"""Connects to an address on behalf of a place. Raises OSError."""


async def dial(address: str, place: WebPlace) -> Streams:
    """Connect to that very address; https only with a certificate for the name of the place."""
    if place.scheme == "https":
        return await asyncio.open_connection(
            address, place.port, limit=MAX_HEAD, ssl=tls_context(), server_hostname=place.host
        )
    return await asyncio.open_connection(address, place.port, limit=MAX_HEAD)


@cache
def tls_context() -> ssl.SSLContext:
    """TLS as the system believes in it."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def location_of(place: WebPlace, address: str, *, dial: Dial) -> Known[str] | Unknown:
    """The Location that the place answers with, as it stands. Takes as long as it takes: bound it."""
    try:
        status, location = read_answer(await _answer("HEAD", place, address, dial))
        if status in _HEAD_REFUSED:
            status, location = read_answer(await _answer("GET", place, address, dial))
    except ssl.SSLCertVerificationError:
        return Unknown("its certificate does not hold")
    except asyncio.LimitOverrunError:
        return Unknown("its answer has no end")
    except (OSError, EOFError):
        return Unknown("it did not answer")
    if not status:
        return _MALFORMED
    return location if status in _MOVED else Unknown(f"it answered {status}")


async def _answer(method: str, place: WebPlace, address: str, dial: Dial) -> bytes:
    reader, writer = await dial(address, place)
    try:
        writer.write(
            f"{method} {place.target} HTTP/1.1\r\nHost: {place.authority}\r\nUser-Agent: Postern\r\nAccept: */*\r\n"
            "Connection: close\r\n\r\n".encode("ascii")
        )
        return await reader.readuntil(_END)
    finally:
        writer.transport.abort()  # a body may follow for ever


def read_answer(head: bytes) -> tuple[int, Known[str] | Unknown]:
    """The status, 0 where it is none, and the Location."""
    first, *lines = head.removesuffix(_END).split(b"\r\n")
    status = _STATUS.fullmatch(first)
    fields = [_FIELD.fullmatch(line) for line in lines]
    if status is None or None in fields:
        return 0, _MALFORMED
    locations = {field[2].strip() for field in fields if field is not None and field[1].lower() == b"location"}
    if not locations:
        return int(status[1]), Unknown("it names no address")
    try:
        (location,) = (each.decode() for each in locations)
    except ValueError:  # several, or not UTF-8
        return int(status[1]), _MALFORMED
    return int(status[1]), Known(location) if len(location) <= limits.MAX_URL else Unknown("it names a long address")
