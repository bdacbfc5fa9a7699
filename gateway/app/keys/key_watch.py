"""Waits for new keys to appear in the DNS: a key signs only once everybody can verify with it. Removes keys that were
retired long enough ago.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final

from gateway.app.keys.keyring import KeyEntry, Keyring, KeyringError
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import Status
from gateway.clock import Clock, pause
from gateway.pipeline.signing_key import SigningKey
from gateway.telemetry import log

DAY: Final = 86400.0


class Publication(StrEnum):
    """What the DNS says about a key."""

    SHOWN = "shown"
    ABSENT = "absent"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


async def publication(resolver: Answering, key: SigningKey) -> Publication:
    """Ask the DNS for the key's record. Never raises."""
    answer = await resolver.query(key.name, "TXT")
    if answer.failed:
        return Publication.UNKNOWN
    if answer.status is not Status.OK or not answer.records:
        return Publication.ABSENT
    return Publication.SHOWN if key.is_shown_by(answer.records) else Publication.DIFFERENT


async def look(keyring: Keyring, resolver: Answering, domain: str, *, at: float) -> list[KeyEntry]:
    """Let those of the domain's coming keys sign that the DNS shows; answers which. Raises `KeyringError`."""
    shown = []
    for entry in keyring.entries(domain):
        if entry.is_coming and await publication(resolver, keyring.key(domain, entry)) is Publication.SHOWN:
            keyring.note_shown(domain, entry.selector, at=at)
            shown.append(entry)
    return shown


class KeyWatch:
    """Looks at all domains again and again. `keep_days` is how long a retired key stays on disk and in the listing, as
    long as its record should stay in the DNS: mail that it signed may still be under way."""

    def __init__(self, keyring: Keyring, resolver: Answering, clock: Clock, *, keep_days: float) -> None:
        self._keyring = keyring
        self._resolver = resolver
        self._clock = clock
        self._keep_days = keep_days

    async def run(self, stop: asyncio.Event, *, interval: float = 300.0) -> None:
        """A round every `interval` seconds until told to stop."""
        while not stop.is_set():
            await self.round()
            await pause(interval, until=stop)

    async def round(self) -> None:
        """Look once at every domain. A domain in trouble is logged and does not keep the others waiting."""
        for domain in self._keyring.domains():
            try:
                now = self._clock.now()
                for entry in await look(self._keyring, self._resolver, domain, at=now):
                    log().info("signing_key_shown", domain=domain, selector=entry.selector)
                for entry in self._keyring.forget(domain, retired_before=now - self._keep_days * DAY):
                    log().info("signing_key_removed", domain=domain, selector=entry.selector)
            except (KeyringError, OSError) as error:
                log().error("signing_keys_unreadable", domain=domain, error=str(error))
