"""The keys that sign in one process: read when needed, and again when their file has changed, so that a rotation takes
effect without a restart. What cannot be read any more leaves the keys in force that were read before.
"""

from __future__ import annotations

import os

from gateway.app.keys.keyring import Keyring, KeyringError
from gateway.pipeline.signing_key import SigningKey
from gateway.telemetry import log

_Version = tuple[int, int, int]


class LiveKeys:
    """Gives the keys in force for a domain (`signing.KeysFor`)."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._read: dict[str, tuple[_Version, tuple[SigningKey, ...]]] = {}

    def __call__(self, domain: str) -> tuple[SigningKey, ...]:
        """Its own keys, or those of the nearest domain above it that has some. `domain` as `host_domain` gives it."""
        labels = domain.split(".")
        for start in range(len(labels) - 1):
            keys = self._of(".".join(labels[start:]))
            if keys:
                return keys
        return ()

    def _of(self, domain: str) -> tuple[SigningKey, ...]:
        try:
            found = self._keyring.listing_file(domain).stat()
        except FileNotFoundError:
            self._read.pop(domain, None)
            return ()
        version = _version(found)
        before = self._read.get(domain)
        if before is None or before[0] != version:
            self._read[domain] = (version, self._keys(domain, before[1] if before else ()))
        return self._read[domain][1]

    def _keys(self, domain: str, before: tuple[SigningKey, ...]) -> tuple[SigningKey, ...]:
        """Mail without a signature is still mail (RFC 6376 section 6.1), so trouble here is told and stops none."""
        try:
            return self._keyring.signing_keys(domain)
        except KeyringError as error:
            log().error("signing_keys_unreadable", alert=True, domain=domain, kept=len(before), error=str(error))
            return before


def _version(found: os.stat_result) -> _Version:
    return found.st_mtime_ns, found.st_ino, found.st_size
