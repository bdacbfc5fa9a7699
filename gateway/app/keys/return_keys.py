"""The keys of addresses that we write into reverse-paths (SRS, BATV), and what the settings make of them; read again at
a reload, so that a key is changed without a restart.

A key is a line of hexadecimal digits in a file of mode 0600. The first line makes codes and all of them read them: who
wants a new one writes it on top, and takes the old one away three weeks later.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from gateway.app.installation import Folders, write_private
from gateway.delivery.departure import Tagging
from gateway.mail.batv import Batv
from gateway.mail.srs import Srs
from gateway.settings import Settings, SettingsError
from gateway.telemetry import log

_OCTETS: Final = 32
MIN_OCTETS: Final = 16


class ReturnKeyError(SettingsError):
    """A key file cannot be used."""


def make_return_keys(folders: Folders) -> None:
    """Make the files that are missing. Raises OSError."""
    for file in (folders.srs_keys, folders.batv_keys):
        if not file.exists():
            file.parent.mkdir(mode=0o700, exist_ok=True)
            write_private(file, f"{secrets.token_hex(_OCTETS)}\n".encode("ascii"))


def srs_of(settings: Settings, folders: Folders) -> Srs | None:
    """How we forward; None where it is switched off. Raises `ReturnKeyError`."""
    if not settings.forwarding.srs:
        return None
    return Srs(settings.forwarding.domain or settings.domain, _read(folders.srs_keys))


def tagging_of(settings: Settings, folders: Folders) -> Tagging | None:
    """How we tag; None where no domain is to be. Raises `ReturnKeyError`."""
    said = settings.bounces
    if not said.verify:
        return None
    return Tagging(
        Batv(_read(folders.batv_keys)),
        domains=frozenset(said.verify),
        exempt=frozenset(said.exempt),
        untagged_to=frozenset(said.untagged_to),
    )


def check_return_keys(settings: Settings, folders: Folders) -> None:
    """Read them once. Raises `ReturnKeyError`."""
    srs_of(settings, folders)
    tagging_of(settings, folders)


class LiveReturnKeys:
    """What is in force in one process. Raises `ReturnKeyError` for keys that cannot be used; later ones are then
    logged and change nothing."""

    def __init__(self, settings: Settings, folders: Folders) -> None:
        self._settings = settings
        self._folders = folders
        self._srs = srs_of(settings, folders)
        self._tagging = tagging_of(settings, folders)

    def srs(self) -> Srs | None:
        """How we forward."""
        return self._srs

    def tagging(self) -> Tagging | None:
        """How we tag."""
        return self._tagging

    def reload(self) -> None:
        """Read both files again: both count, or neither."""
        try:
            srs, tagging = srs_of(self._settings, self._folders), tagging_of(self._settings, self._folders)
        except ReturnKeyError as error:
            log().error("return_keys_refused", problem=str(error))
            return
        self._srs, self._tagging = srs, tagging


def _read(file: Path) -> tuple[bytes, ...]:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReturnKeyError(f"{file}: cannot be read: {error}") from None
    keys = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                keys.append(bytes.fromhex(line))
            except ValueError:
                keys.append(b"")
            if len(keys[-1]) < MIN_OCTETS:
                mend = f"write {2 * _OCTETS} hexadecimal digits, or remove the line"
                raise ReturnKeyError(f"{file}:{number}: not a key\n    mend: {mend}")
    if not keys:
        raise ReturnKeyError(f"{file}:1: holds no key\n    mend: remove the file, and the next start makes one")
    return tuple(keys)
