"""Where it is known who exists, outside of the policy and the shipped store: a file with one address a line, and a web
service. Each answers with an Outcome and never raises.
"""

from __future__ import annotations

import asyncio
import http.client
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from gateway.delivery.callahead import Presence
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.address import Address
from gateway.telemetry import log

MAX_OCTETS: Final = 64 * 1024 * 1024
"""Of one file of addresses: a million and more."""

WEB_PATIENCE: Final = 5.0
MAX_REQUESTS: Final = 20


class AddressFiles:
    """Files of addresses, read again when they change. A line is an address, a local part (for the domain that asks) or
    a comment after `#`. What was read last holds for `last_known` alone."""

    def __init__(self, folder: Path) -> None:
        """Relative paths are below the folder."""
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int, int], frozenset[str]]] = {}

    def ask(self, address: Address, path: str) -> Outcome[Presence]:
        """Whether the address stands in the file."""
        try:
            names = self._names(path)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            return Unknown(f"{path} cannot be read: {error}")
        return _presence(address, names)

    def last_known(self, address: Address, path: str) -> Outcome[Presence]:
        """The same from what was read last."""
        _, names = self._read.get(path, ((0, 0, 0), None))
        return Unknown(f"{path} was never read") if names is None else _presence(address, names)

    def _names(self, path: str) -> frozenset[str]:
        file = self._folder / path
        status = file.stat()
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        known = self._read.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        if status.st_size > MAX_OCTETS:
            raise ValueError(f"longer than {MAX_OCTETS} octets")
        lines = file.read_text(encoding="utf-8").lower().splitlines()
        names = frozenset(name for line in lines if (name := line.partition("#")[0].strip()))
        log().info("addresses_read", file=str(file), number=len(names))
        self._read[path] = (stamp, names)
        return names


def _presence(address: Address, names: frozenset[str]) -> Outcome[Presence]:
    found = any(spelling in names for each in spellings(address) for spelling in (each, each.rpartition("@")[0]))
    return Known(Presence.EXISTS if found else Presence.ABSENT)


def spellings(address: Address) -> tuple[str, ...]:
    """The keys under which a directory may know an address: itself, and what stands before the first `+` (RFC 5233)."""
    base = address.local.partition("+")[0]
    return (address.key, f"{base}@{address.domain}".lower()) if base and base != address.local else (address.key,)


class WebDirectory:
    """A web service that is asked about one address, `MAX_REQUESTS` of them at a time: 200 or 204 says that it exists,
    404 or 410 that it does not."""

    def __init__(self) -> None:
        self._opener = urllib.request.build_opener(_NoRedirection)
        self._threads = ThreadPoolExecutor(MAX_REQUESTS, thread_name_prefix="directory")

    async def ask(self, address: Address, url: str) -> Outcome[Presence]:
        """`url` has `{address}` in it; anything but a plain answer is doubt. Blocks a thread of our own: not the loop,
        and none of those that are everybody's."""
        try:
            asked = url.replace("{address}", quote(address.key, safe="@"))
            status = await asyncio.get_running_loop().run_in_executor(self._threads, self._status, asked)
        except (OSError, ValueError, http.client.HTTPException) as error:
            return Unknown(f"the directory did not answer: {error}"[:200])
        match status:
            case 200 | 204:
                return Known(Presence.EXISTS)
            case 404 | 410:
                return Known(Presence.ABSENT)
        return Unknown(f"the directory answered {status}")

    def close(self) -> None:
        """Ask no more; a question that is open ends with its own deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _status(self, url: str) -> int:
        try:
            with self._opener.open(url, timeout=WEB_PATIENCE) as reply:
                return int(reply.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """A directory that sends us elsewhere has not answered."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None
