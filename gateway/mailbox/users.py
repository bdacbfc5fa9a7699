"""Our user base: who has a mailbox, and how a password is proven. One file that Dovecot reads too (its passwd-file
form).

Passwords are argon2id hashes. The file is replaced atomically and has mode 0600, or 0640 for the account that runs the
store. Never logs, returns or compares a password in clear but inside argon2.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from gateway.mail.address import Address, BadAddress

MAX_USERS: Final = 100_000
MAX_PASSWORD: Final = 1024

# Between the profiles of RFC 9106 section 4: 64 MiB and four lanes would let eight parallel sign-ins take half a
# gigabyte in the store's own processes.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1, type=Type.ID)
_SCHEME: Final = "{ARGON2ID}"
_PLAIN_LOCAL: Final = re.compile(r"[a-z0-9](?:[a-z0-9._+\-]*[a-z0-9])?\Z")


class UserError(ValueError):
    """The user base cannot do that. The text says why, for the person who asked."""


class UserBase:
    """The mailboxes and their password hashes. Every call reads the file again when it has changed on disk, so that
    what one process adds the others know at once."""

    def __init__(self, file: Path, *, protect: Callable[[int], None] = lambda _: None) -> None:
        """`protect` gets the descriptor of each new file before it takes its place: the store's account may be let
        in."""
        self._file = file
        self._protect = protect
        self._stamp: tuple[int, int, int] | None = None
        self._hashes: dict[str, str] = {}

    def addresses(self) -> list[str]:
        """All mailboxes, sorted."""
        return sorted(self._current())

    def __contains__(self, address: str) -> bool:
        return address.lower() in self._current()

    def mailbox_of(self, address: Address) -> str | None:
        """The mailbox that takes mail for this address: itself, or what stands before the first "+" (RFC 5233), or
        None."""
        current = self._current()
        if address.key in current:
            return address.key
        base = f"{address.local.partition('+')[0]}@{address.domain}".lower()
        return base if base in current else None

    def verify(self, address: str, password: str) -> bool:
        """Whether the password is the mailbox's. Takes the same time when there is no such mailbox."""
        stored = self._current().get(address.lower())
        candidate = stored or _ABSENT_HASH
        try:
            proven = len(password) <= MAX_PASSWORD and _HASHER.verify(candidate, password)
        except (VerificationError, InvalidHashError):
            return False
        return bool(proven) and stored is not None

    def add(self, address: str, password: str) -> None:
        """A new mailbox. Raises `UserError` if it exists or the address cannot be one."""
        key, hashed = _mailbox_name(address), _hash(password)
        with self._alone():
            if key in self._current():
                raise UserError(f"{key} exists already; `postern user passwd {key}` sets its password")
            self._store({**self._hashes, key: hashed})

    def set_password(self, address: str, password: str) -> None:
        """A new password for a mailbox. Raises `UserError` if there is none."""
        key, hashed = address.lower(), _hash(password)
        with self._alone():
            self._require(key)
            self._store({**self._hashes, key: hashed})

    def remove(self, address: str) -> None:
        """The mailbox takes no mail any more; what lies in it stays on disk. Raises `UserError` if there is none."""
        key = address.lower()
        with self._alone():
            self._require(key)
            self._store({name: value for name, value in self._hashes.items() if name != key})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes the file between our reading and our writing."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file.with_name(f".{self._file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _require(self, key: str) -> None:
        if key not in self._current():
            raise UserError(f"there is no mailbox {key}; `postern user list` shows them")

    def _current(self) -> dict[str, str]:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._hashes = None, {}
            return self._hashes
        stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
        if stamp != self._stamp:
            self._hashes = dict(_read(self._file))
            self._stamp = stamp
        return self._hashes

    def _store(self, hashes: dict[str, str]) -> None:
        if len(hashes) > MAX_USERS:
            raise UserError(f"the shipped store holds {MAX_USERS} mailboxes at most")
        descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=".users-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            self._protect(out.fileno())
            out.writelines(f"{key}:{_SCHEME}{hashes[key]}::::::\n" for key in sorted(hashes))
            out.flush()
            _be_later(out.fileno(), than=self._file)
            os.fsync(out.fileno())
        Path(name).replace(self._file)


def _be_later(descriptor: int, *, than: Path) -> None:
    """Give a file a second of its own. Dovecot 2.3 takes one of the same size and second for the one that it has read,
    and a new password is as long as the old one: it would hold only after the next change."""
    if not than.exists():
        return
    before = int(than.stat().st_mtime)
    if int(os.fstat(descriptor).st_mtime) <= before:
        os.utime(descriptor, (before + 1, before + 1))


def _read(file: Path) -> list[tuple[str, str]]:
    found = []
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition(":")
        stored = rest.split(":", 1)[0].removeprefix(_SCHEME)
        if name and not name.startswith("#"):
            found.append((name, stored))
    return found


def _mailbox_name(address: str) -> str:
    try:
        parsed = Address.parse(address)
    except BadAddress as error:
        raise UserError(f"{address}: {error}") from None
    # The name becomes a folder of the store: only what is safe there, though RFC 5321 allows far more.
    if not _PLAIN_LOCAL.match(parsed.local.lower()) or parsed.domain.startswith("[") or not parsed.domain.isascii():
        raise UserError(f"{address}: a mailbox name has letters, digits, dots, hyphens and underscores")
    if "+" in parsed.local:
        raise UserError(f"{address}: what follows a + belongs to the mailbox before it")
    return parsed.key


def _hash(password: str) -> str:
    if not password or len(password) > MAX_PASSWORD:
        raise UserError(f"a password has 1 to {MAX_PASSWORD} characters")
    return _HASHER.hash(password)


_ABSENT_HASH: Final = _HASHER.hash("nobody has this mailbox")
