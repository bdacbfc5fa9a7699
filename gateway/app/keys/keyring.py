"""The keys that sign our mail, on disk: DATA/dkim/DOMAIN/SELECTOR.pem of mode 0600, and keys.json, which says when each
was made, was first shown by the DNS, and was retired.

Never asks the DNS itself, and never lets a key sign that was not seen there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gateway.app.installation import write_private
from gateway.checks.dns.domains import host_domain
from gateway.facts.evidence import from_plain, to_plain
from gateway.pipeline.signing_key import RSA_BITS, BadSigningKey, SigningKey
from gateway.queue.ledger.lock import FileLock

_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\Z")
_SIDE: Final = "-ed25519"
"""Both keys of a pair need a selector of their own: one name holds one key record (RFC 6376 section 3.6.2.2)."""


class KeyringError(ValueError):
    """The keys cannot be read, or not changed as asked. The text says why."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What is known of one key. Times are seconds since the epoch; `shown_at` is when the DNS was first seen to show
    it, from when on it signs; `retired_at` is when a newer one took its place."""

    selector: str
    algorithm: str
    made_at: float
    shown_at: float | None = None
    retired_at: float | None = None

    @property
    def is_coming(self) -> bool:
        """Whether it waits for the DNS."""
        return self.shown_at is None and self.retired_at is None

    @property
    def signs(self) -> bool:
        """Whether mail is signed with it."""
        return self.shown_at is not None and self.retired_at is None


class Keyring:
    """The keys of all domains. Changes are made under a lock, whole or not at all; other processes see them at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def domains(self) -> list[str]:
        """The domains that have keys."""
        return sorted(each.parent.name for each in self._folder.glob("*/keys.json"))

    def listing_file(self, domain: str) -> Path:
        """The file that changes whenever anything about the domain's keys does."""
        return self._folder / domain / "keys.json"

    def entries(self, domain: str) -> tuple[KeyEntry, ...]:
        """The domain's keys, oldest first. Raises `KeyringError`."""
        try:
            plain = json.loads(self.listing_file(domain).read_text(encoding="utf-8"))
            return tuple(from_plain(KeyEntry, each) for each in plain)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError) as error:
            raise KeyringError(f"{self.listing_file(domain)}: cannot be read: {error}") from None

    def key(self, domain: str, entry: KeyEntry) -> SigningKey:
        """One key. Raises `KeyringError`."""
        file = self._file(domain, entry.selector)
        try:
            return SigningKey.from_pem(domain, entry.selector, file.read_bytes())
        except (OSError, BadSigningKey) as error:
            raise KeyringError(f"{file}: cannot be read: {error}") from None

    def signing_keys(self, domain: str) -> tuple[SigningKey, ...]:
        """The keys that mail of the domain is signed with now: at most one of each algorithm. Raises `KeyringError`."""
        newest = {entry.algorithm: entry for entry in self.entries(domain) if entry.signs}
        return tuple(self.key(domain, entry) for entry in newest.values())

    def make(self, domain: str, selector: str, *, bits: int = RSA_BITS, at: float) -> list[KeyEntry]:
        """Make an RSA key and an Ed25519 key, which sign nothing yet. Raises `KeyringError`."""
        if host_domain(domain) != domain:
            raise KeyringError(f"{domain!r} is not a domain in lower case")
        if not _SELECTOR.match(selector):
            raise KeyringError(f"{selector!r} is no selector: write letters, digits and hyphens in lower case")
        with self._changing(domain) as entries:
            taken = {entry.selector for entry in entries}
            if taken & {selector, selector + _SIDE}:
                raise KeyringError(f"{domain} has a key {selector} already")
            try:
                keys = [
                    SigningKey.new_rsa(domain, selector, bits=bits),
                    SigningKey.new_ed25519(domain, selector + _SIDE),
                ]
            except BadSigningKey as error:
                raise KeyringError(str(error)) from None
            for key in keys:
                write_private(self._file(domain, key.selector), key.pem)
            made = [KeyEntry(key.selector, key.algorithm, made_at=at) for key in keys]
            self._keep(domain, [*entries, *made])
        return made

    def note_shown(self, domain: str, selector: str, *, at: float) -> None:
        """The DNS shows this key: it signs from now on, and retires those of its algorithm that were made before it.
        Raises `KeyringError`."""
        with self._changing(domain) as entries:
            number = next((n for n, each in enumerate(entries) if each.selector == selector and each.is_coming), None)
            if number is None:
                return
            algorithm = entries[number].algorithm
            older = [
                replace(each, retired_at=at) if each.algorithm == algorithm and each.retired_at is None else each
                for each in entries[:number]
            ]
            self._keep(domain, [*older, replace(entries[number], shown_at=at), *entries[number + 1 :]])

    def forget(self, domain: str, *, retired_before: float) -> list[KeyEntry]:
        """Remove the keys that were retired before that time; answers which. Raises `KeyringError`."""
        with self._changing(domain) as entries:
            old = [each for each in entries if each.retired_at is not None and each.retired_at < retired_before]
            if old:
                self._keep(domain, [each for each in entries if each not in old])
                for each in old:
                    self._file(domain, each.selector).unlink(missing_ok=True)
        return old

    @contextmanager
    def _changing(self, domain: str) -> Iterator[Sequence[KeyEntry]]:
        folder = self._folder / domain
        for each in (self._folder, folder):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            with lock:
                yield self.entries(domain)
        finally:
            lock.close()

    def _keep(self, domain: str, entries: Sequence[KeyEntry]) -> None:
        write_private(self.listing_file(domain), (json.dumps(to_plain(entries), indent=1) + "\n").encode("ascii"))

    def _file(self, domain: str, selector: str) -> Path:
        return self._folder / domain / f"{selector}.pem"


def fresh_selector(taken: Sequence[KeyEntry], day: str) -> str:
    """A selector that the domain has not used: `p` and the day (YYYYMMDD), with a number from the second on."""
    used = {entry.selector for entry in taken}
    number = 1
    while (name := f"p{day}" if number == 1 else f"p{day}-{number}") in used:
        number += 1
    return name
