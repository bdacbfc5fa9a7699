"""Octets on disk: where a message's octets are while it arrives, and where large ones stay while they are owed.

A file's writer holds a shared lock on it until the ledger has answered. So an unlocked file that the ledger does not
know is nobody's, and may be collected at any time. Never reads a message's content; never touches the ledger.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from gateway.mail.message import Octets
from gateway.queue.identifiers import BadIdentifier, parse_id, text_of

IN_MEMORY: Final = 64 * 1024
"""Up to here octets stand in a row of the ledger: 0.08 flushes a message; a file of its own costs 2.1."""

_ARRIVING: Final = ".arriving"


class OctetsGone(LookupError):
    """The octets are not kept any more: nothing is owed, or the hold expired."""


class Incoming:
    """The sink for one DATA. Small messages stay in memory, others go to a file in the spool folder as they grow."""

    def __init__(self, folder: Path, name: str) -> None:
        self.size = 0
        self._path = folder / f"{name}{_ARRIVING}"
        self._memory: bytearray | None = bytearray()
        self._descriptor: int | None = None
        self._octets: Octets | None = None
        self._is_entrusted = False
        self.is_spooled = False

    def write(self, chunk: bytes | memoryview) -> None:
        """Append. Raises OSError when the disk refuses."""
        if self._octets is not None:
            raise ValueError("the message is complete")
        self.size += len(chunk)
        if self._memory is not None:
            self._memory += chunk
            if len(self._memory) > IN_MEMORY:
                self._move_to_disk(self._memory)
            return
        self._write_all(chunk)

    def finish(self) -> Octets:
        """All octets: bytes, or a read-only mapping of the file. Durable only after `accept`."""
        if self._octets is None:
            if self._memory is not None:
                self._octets = bytes(self._memory)
            else:
                self._octets = mmap.mmap(self._open(), 0, access=mmap.ACCESS_READ)
        return self._octets

    def settle(self, folder: Path, message_id: int, steps: Callable[[str], None]) -> None:
        """Make the file durable under its final name: flush it, rename it, flush the folder. Blocks; raises OSError."""
        os.fsync(self._open())
        steps("spool:flushed")
        final = folder / text_of(message_id)
        self._path.rename(final)
        self._path = final
        steps("spool:renamed")
        flush_folder(folder)
        steps("spool:folder-flushed")

    def discard(self) -> None:
        """Forget the octets and remove the file. May be called again; does nothing once `entrust` was called."""
        if self._is_entrusted:
            return
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
        self.let_go()

    def entrust(self) -> None:
        """From now on the ledger decides about the file, not the session that brought it."""
        self._is_entrusted = True

    def let_go(self) -> None:
        """Give up the file, which stays where it is: the ledger's now or, failing that, an orphan for upkeep."""
        self._memory = None
        self._octets = None
        if self._descriptor is not None:
            # Said aloud, because a mapping keeps the open file, and with it the lock, for as long as it lives.
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        if self._descriptor is None:
            raise ValueError("the message was discarded")
        return self._descriptor

    def _move_to_disk(self, start: bytearray) -> None:
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)
        self._memory = None
        self.is_spooled = True
        self._write_all(start)

    def _write_all(self, chunk: bytes | bytearray | memoryview) -> None:
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(self._open(), rest) :]


class Spool:
    """The folder of large messages that are owed to somebody, one file each, named by the message's id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def incoming(self, id: int) -> Incoming:
        """A sink for a new message; the id only makes its name unique."""
        return Incoming(self.folder, text_of(id))

    def octets(self, message_id: int) -> Octets:
        """A read-only mapping, valid even if the file is removed meanwhile. Raises `OctetsGone`."""
        try:
            with (self.folder / text_of(message_id)).open("rb") as file:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise OctetsGone(text_of(message_id)) from None

    def remove_all(self, messages: Iterable[int]) -> None:
        """Remove the files of messages, where they have one. After the commit that closes them, never before."""
        for message_id in messages:
            (self.folder / text_of(message_id)).unlink(missing_ok=True)

    def collect(self, *, is_owed: Callable[[int], bool]) -> Iterator[str]:
        """Remove the files that no ledger row and no living writer knows; yields their names.

        The lock comes first, the question second: whoever was about to commit holds the lock until the ledger has
        answered, so once we have it the answer is final.
        """
        for path in sorted(self.folder.iterdir()):
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.suffix == _ARRIVING or not is_owed(parse_id(path.name)):
                    path.unlink(missing_ok=True)
                    yield path.name
            except (BlockingIOError, BadIdentifier):
                continue  # its writer lives, or it is no file of ours
            finally:
                os.close(descriptor)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
