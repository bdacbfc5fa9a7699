"""The domains that `postern domain add` added beside those of the policy: one YAML file, replaced atomically."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

MAX_DOMAINS: Final = 10_000


class DomainError(ValueError):
    """The list of domains cannot be read or changed. The text says why."""


def read(file: Path) -> list[dict[str, Any]]:
    """The entries, each with domain, route and validate, as the policy's `recipients` has them."""
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8")) or []
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DomainError(f"{file}: cannot be read: {error}") from None
    if not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise DomainError(f"{file}: expected a list of domains")
    return entries


def add(file: Path, *, domain: str, route: str, validate: str) -> None:
    """Add the domain, or replace what was said of it."""
    entry = {"domain": domain.lower(), "route": route, "validate": validate}
    with _alone(file):
        kept = [each for each in read(file) if each.get("domain") != entry["domain"]]
        if len(kept) >= MAX_DOMAINS:
            raise DomainError(f"{MAX_DOMAINS} domains are the most this list holds")
        replace(file, [*kept, entry])


def remove(file: Path, *, domain: str) -> bool:
    """Take the domain off the list; False if it was not there."""
    with _alone(file):
        entries = read(file)
        kept = [each for each in entries if each.get("domain") != domain.lower()]
        if len(kept) == len(entries):
            return False
        replace(file, kept)
    return True


def replace(file: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Make the list exactly this."""
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".domains-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        yaml.safe_dump(list(entries), out, sort_keys=False)
        out.flush()
        os.fsync(out.fileno())
    Path(name).replace(file)


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Nobody else changes the list between our reading and our writing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
