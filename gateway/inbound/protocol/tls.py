"""The TLS of the front door: TLS 1.2 at least (RFC 8996), compression and renegotiation off, and a certificate that may
be renewed while the door is open. Open sessions keep what they agreed upon; a pair of files that does not fit together
changes nothing.
"""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from gateway.telemetry import log

WATCH_INTERVAL: Final = 5.0
"""Seconds between two looks at the files."""

_Stamp = tuple[tuple[int, int, int], ...]


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context for servers. Raises OSError or SSLError when the files are no certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.load_cert_chain(certificate, key)
    return context


class RenewableCertificate:
    """A certificate and its key in two files. `context` is made of them as they were when they last fitted together."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises as `server_context` does."""
        self._files = (certificate, key)
        self._stamp = self._look()
        self.context = server_context(certificate, key)

    def renew(self) -> bool:
        """Make a new context if the files have changed; whether there is one. Files that are no certificate and its key
        are left alone, for they may be half written: the next look may find them whole."""
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return False
            self.context = server_context(*self._files)
        except OSError as error:  # what files and ssl raise
            log().error("the new certificate cannot be used, the old one stays", reason=str(error))
            return False
        self._stamp = stamp
        log().info("certificate renewed")
        return True

    async def watch(
        self, take_up: Callable[[ssl.SSLContext], None], *, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        """Look at the files for ever, and hand over each new context."""
        while True:
            await sleep(WATCH_INTERVAL)
            if self.renew():
                take_up(self.context)

    def _look(self) -> _Stamp:
        stats = [file.stat() for file in self._files]
        return tuple((stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in stats)
