"""Accounts of the console's staff: one YAML file of mode 0600, written whole or not at all, passwords as argon2id.

Mailbox owners are not here: the mail store knows them. The file is read again when it changed, so that an account
removed on the command line is gone at once. A change is made under a lock on the folder, so that none made elsewhere
meanwhile is lost. Never keeps or logs a password.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.quarantine.rights import Role

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
MIN_PASSWORD: Final = 8
MAX_PASSWORD: Final = 1024

_HASHER: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)

# Of 32 random octets that nobody kept. Checked against where there is no account, so that an unknown name takes as
# long as a wrong password; its parameters are those of the hasher.
_DECOY: Final = "$argon2id$v=19$m=65536,t=3,p=4$4s7Zmyu7yNFy+bFY9VfCKg$8bEy1IFXQKq1hD1rIfncZ4fyn5XhmAKT8un8BqfNFzo"


class PeopleError(ValueError):
    """The file or the change cannot be used; the text says why."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=NAME.pattern.replace(r"\Z", "$"))
    role: Role
    password: str = Field(pattern=r"^\$argon2id\$")


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    people: tuple[_Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """One member of the staff. `seal` changes with the password: sessions made under another seal are over."""

    name: str
    role: Role
    seal: str


class People:
    """The accounts in one file. Calls are blocking and short, but for those that hash a password (about 50 ms)."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._entries: dict[str, _Entry] = {}

    def all(self) -> tuple[Account, ...]:
        """Every account, by name. Raises `PeopleError` when the file cannot be read."""
        self._refresh()
        return tuple(_account(self._entries[name]) for name in sorted(self._entries))

    def find(self, name: str) -> Account | None:
        """The account of that name."""
        self._refresh()
        entry = self._entries.get(name)
        return None if entry is None else _account(entry)

    def verify(self, name: str, password: str) -> Account | None:
        """The account, if the password is right. Blocking: run it in a thread."""
        self._refresh()
        entry = self._entries.get(name)
        stored = entry.password if entry is not None else _DECOY
        try:
            _HASHER.verify(stored, password[:MAX_PASSWORD])
        except (VerificationError, InvalidHashError):
            return None
        return None if entry is None else _account(entry)

    def add(self, name: str, role: Role, password: str) -> Account:
        """Add an account, or raise `PeopleError`."""
        if not NAME.match(name):
            raise PeopleError(
                "a name has up to 64 of a-z, 0-9, dot, dash and underscore, and begins with one of a-z, 0-9"
            )
        entry = _Entry(name=name, role=role, password=_hash(password))
        with self._alone():
            if name in self._entries:
                raise PeopleError(f"{name} is there already")
            self._write({**self._entries, name: entry})
        return _account(entry)

    def set_password(self, name: str, password: str) -> None:
        """Change a password; all sessions of that person end. Raises `PeopleError`."""
        stored = _hash(password)
        with self._alone():
            if name not in self._entries:
                raise PeopleError(f"there is no {name}")
            entry = self._entries[name].model_copy(update={"password": stored})
            self._write({**self._entries, name: entry})

    def remove(self, name: str) -> None:
        """Remove an account; all its sessions end. The last administrator stays. Raises `PeopleError`."""
        with self._alone():
            if name not in self._entries:
                raise PeopleError(f"there is no {name}")
            rest = {each: entry for each, entry in self._entries.items() if each != name}
            is_administrator = self._entries[name].role is Role.ADMINISTRATOR
            if is_administrator and all(entry.role is not Role.ADMINISTRATOR for entry in rest.values()):
                raise PeopleError(f"{name} is the last administrator")
            self._write(rest)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Have the folder to oneself, and know what stands in the file."""
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = os.open(self._file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            self._refresh()
            yield
        finally:
            os.close(folder)

    def _refresh(self) -> None:
        try:
            seen = self._file.stat()
        except FileNotFoundError:
            self._stamp, self._entries = None, {}
            return
        stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        if stamp == self._stamp:
            return
        try:
            read = _File.model_validate(yaml.safe_load(self._file.read_text(encoding="utf-8")) or {})
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
            raise PeopleError(f"{self._file}: cannot be used: {type(error).__name__}") from error
        self._stamp, self._entries = stamp, {entry.name: entry for entry in read.people}

    def _write(self, entries: dict[str, _Entry]) -> None:
        plain = {"people": [entries[name].model_dump(mode="json") for name in sorted(entries)]}
        # mkstemp makes it 0600 from the first octet on.
        descriptor, temporary = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                yaml.safe_dump(plain, stream, sort_keys=False)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self._file)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._refresh()


def _hash(password: str) -> str:
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise PeopleError(f"a password has {MIN_PASSWORD} characters at least and {MAX_PASSWORD} at most")
    return _HASHER.hash(password)


def _account(entry: _Entry) -> Account:
    return Account(entry.name, entry.role, entry.password[-16:])
