"""Copies in the shipped store: find the one of a message, read it, take it away. By `doveadm`, so that no reader's
session is confused; never by touching Dovecot's files.

A copy is known by the reference in our own Received field. Who asks has a reason, and keeps the octets first.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from typing import Final

from gateway.mailbox.dovecot import StoreLayout

PATIENCE: Final = 30.0
"""Seconds that one command may take."""

_REFERENCE: Final = re.compile(r"[0-9A-Za-z]{4,40}\Z")
_OWNER: Final = re.compile(r"[^\s-][^\s]{0,319}\Z")
_HEAD: Final = b"text:\n"
_NO_SUCH_USER: Final = 67
_FIELD: Final = re.compile(rb"[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*")


class StoreSilent(RuntimeError):
    """The store could not be asked. The text says why."""


@dataclass(frozen=True, slots=True)
class StoreCopies:
    """The copies in one store. `owner` is a mailbox's address, `reference` the message's id as we stamp it."""

    layout: StoreLayout

    async def read(self, owner: str, reference: str) -> bytes | None:
        """The octets of the owner's copy, from our own header fields on; None where there is none any more. Raises
        `StoreSilent`."""
        said = await self._doveadm("fetch", owner, reference, "text")
        first = said.split(b"\n\f\n")[0] if said else b""
        return ours(first.removeprefix(_HEAD), reference) if first.startswith(_HEAD) else None

    async def remove(self, owner: str, reference: str) -> None:
        """Take the owner's copy away, in whatever folder it lies; nothing happens where there is none. Raises
        `StoreSilent`."""
        await self._doveadm("expunge", owner, reference)

    async def _doveadm(self, verb: str, owner: str, reference: str, *what: str) -> bytes:
        if not _REFERENCE.match(reference) or not _OWNER.match(owner):
            raise StoreSilent("neither mailbox nor reference may look like that")
        binary = shutil.which("doveadm") or "/usr/bin/doveadm"
        query = ("mailbox", "*", "HEADER", "Received", f"id {reference}")
        try:
            process = await asyncio.create_subprocess_exec(
                binary, "-c", str(self.layout.configuration), verb, "-u", owner, *what, *query,
                stdin=DEVNULL, stdout=PIPE, stderr=PIPE,
            )  # fmt: skip
        except OSError as error:
            raise StoreSilent(f"doveadm: {error.strerror}") from None
        try:
            async with asyncio.timeout(PATIENCE):
                said, complaint = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise StoreSilent(f"doveadm took longer than {PATIENCE:g} s") from None
        if process.returncode == _NO_SUCH_USER:
            return b""
        if process.returncode != 0:
            raise StoreSilent(complaint.decode("utf-8", "replace").strip()[-200:] or "doveadm failed")
        return said


def ours(stored: bytes, reference: str) -> bytes | None:
    """A copy as we handed it over: from our Received field on (the store puts its own above), with CRLF line ends,
    which the store does not keep. None where no such field stands on top."""
    position = 0
    while (field := _FIELD.match(stored, position)) is not None:
        text = field[0]
        if text[:9].lower() == b"received:" and f"id {reference}".encode() in b" ".join(text.split()):
            return stored[position:].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        position = field.end()
    return None
