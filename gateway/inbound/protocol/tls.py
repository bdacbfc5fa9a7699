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


def asking_context(certificate: Path, key: Path, *, authorities: Path) -> ssl.SSLContext:
    """One that asks clients for a certificate, and takes none as well. Which ones are good stands in `authorities`: the
    certificates of those that issue them, or these themselves. Raises as `server_context` does."""
    context = server_context(certificate, key)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(authorities)
    return context


class RenewableCertificate:
    """A certificate and its key in two files. `context` is made of them as they were when they last fitted together."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Raises as `server_context` does."""
        self._files = (certificate, key)
        self._stamp = self._look()
        self._asking: dict[Path, tuple[_Stamp, ssl.SSLContext]] = {}
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

    def asking(self, authorities: Path) -> ssl.SSLContext:
        """The same, for handshakes that ask for a client certificate of these authorities, as they are now. Raises
        OSError."""
        stamp = (*self._stamp, _stamp_of(authorities))
        made = self._asking.get(authorities)
        if made is None or made[0] != stamp:
            made = self._asking[authorities] = (stamp, asking_context(*self._files, authorities=authorities))
        return made[1]

    async def watch(
        self, take_up: Callable[[ssl.SSLContext], None], *, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        """Look at the files for ever, and hand over each new context."""
        while True:
            await sleep(WATCH_INTERVAL)
            if self.renew():
                take_up(self.context)

    def _look(self) -> _Stamp:
        return tuple(map(_stamp_of, self._files))


def _stamp_of(file: Path) -> tuple[int, int, int]:
    stat = file.stat()
    return stat.st_mtime_ns, stat.st_ino, stat.st_size
