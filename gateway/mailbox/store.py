"""Prepare the shipped store and say how it is started: folders, configuration, account, command line. The supervisor
runs it.

Never an IMAP server itself, and never reaches into the queue.
"""

from __future__ import annotations

import asyncio
import grp
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.mailbox import marks
from gateway.mailbox.dovecot import StoreLayout, StorePorts, render
from gateway.mailbox.filing import script, script_of
from gateway.mailbox.moves import scripts, spool_of
from gateway.settings import Listen

MEND: Final = (
    "apt-get install dovecot-core dovecot-imapd dovecot-lmtpd dovecot-pop3d dovecot-sieve dovecot-managesieved"
)
"""What to type where Dovecot is missing."""

# A UNIX socket's path has 108 octets at most; Dovecot's own names take up to 30 of them.
_LONGEST_SOCKET_FOLDER: Final = 70
_NEEDED: Final = (
    "/usr/lib/dovecot/imap",
    "/usr/lib/dovecot/lmtp",
    "/usr/lib/dovecot/pop3",
    "/usr/lib/dovecot/managesieve",
)


class StoreError(RuntimeError):
    """The store cannot be prepared. The text says how to mend it."""


@dataclass(frozen=True, slots=True)
class StorePlan:
    """A store that is ready to be started: its command, and the endpoint to which the courier delivers."""

    argv: tuple[str, ...]
    layout: StoreLayout
    ports: StorePorts

    @property
    def route(self) -> str:
        """What the route `mailbox` stands for."""
        return f"lmtp+unix:{self.layout.lmtp}"


def find_dovecot() -> str | None:
    """The dovecot binary, if all of the store's parts are installed."""
    binary = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return binary if binary and all(Path(each).exists() for each in _NEEDED) else None


def layout_of(data: Path) -> StoreLayout:
    """Where the store of this data folder lies. As root the store belongs to the unprivileged account `mail`."""
    folder = (data / "mailbox").resolve()
    account = pwd.getpwnam("mail") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    sockets = folder / "run"
    if len(str(sockets)) > _LONGEST_SOCKET_FOLDER:
        mark = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        sockets = Path(tempfile.gettempdir()) / f"postern-{account.pw_uid}-{mark}"
    return StoreLayout(
        folder=folder,
        sockets=sockets,
        users=folder / "users",
        certificate=folder / "certificate.pem",
        key=folder / "key.pem",
        account=account.pw_name,
        group=grp.getgrgid(account.pw_gid).gr_name,
        uid=account.pw_uid,
        gid=account.pw_gid,
    )


def prepare(data: Path, listen: Listen, *, hostname: str, certificate: Path, key: Path, quota: int = 0) -> StorePlan:
    """Write the configuration and the folders. `quota` is the octets that a mailbox may hold, 0 for any number. Raises
    `StoreError` when Dovecot is missing or cannot reach its folder, and OSError when the folder of its sockets is
    somebody else's."""
    binary = find_dovecot()
    if binary is None:
        raise StoreError(MEND)
    layout = layout_of(data)
    ports = StorePorts(
        host=listen.host,
        imap=listen.imap_port,
        imaps=listen.imaps_port,
        pop3=listen.pop3_port,
        pop3s=listen.pop3s_port,
        sieve=listen.sieve_port,
    )
    _make_socket_folder(layout)
    for folder, mode in ((layout.folder, 0o700), (layout.folder / "mail", 0o700), (layout.sockets, 0o755)):
        folder.mkdir(parents=True, exist_ok=True)
        _give(folder, layout, mode=mode)
    _prepare_scripts(layout)
    _prepare_filing(layout)
    take_certificate(layout, certificate, key)
    _write(layout.configuration, render(layout, ports, hostname=hostname, quota=quota).encode(), layout)
    if not layout.users.exists():
        _write(layout.users, b"", layout)
    if os.geteuid() == 0:
        _require_passable(layout)
    return StorePlan(argv=_command(binary, layout), layout=layout, ports=ports)


def take_certificate(layout: StoreLayout, certificate: Path, key: Path) -> None:
    """Copy the pair to where the store's account can read it. The store reads it at its start and at a SIGHUP."""
    for source, target in ((certificate, layout.certificate), (key, layout.key)):
        _write(target, source.read_bytes(), layout)


def protect_users(layout: StoreLayout, descriptor: int) -> None:
    """Let the store's account, and nobody else, read the user base."""
    if os.geteuid() == 0:
        os.fchown(descriptor, layout.uid, layout.gid)


async def is_ready(layout: StoreLayout) -> bool:
    """Whether the store takes mail: its LMTP socket greets."""
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_unix_connection(str(layout.lmtp))
            greeting = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return greeting.startswith(b"2")


def _command(binary: str, layout: StoreLayout) -> tuple[str, ...]:
    dovecot = (binary, "-F", "-c", str(layout.configuration))
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if os.geteuid() == 0:
            raise StoreError("apt-get install util-linux (setpriv is needed to leave root)")
        return dovecot
    # The store must not outlive us, and must not be root.
    leave_root = ("--reuid", str(layout.uid), "--regid", str(layout.gid), "--clear-groups") if os.geteuid() == 0 else ()
    return (setpriv, *leave_root, "--pdeathsig", "TERM", "--", *dovecot)


def _make_socket_folder(layout: StoreLayout) -> None:
    """Under a long path the sockets lie in the folder for temporary files, where anybody may have been before us: who
    owns the folder could put a socket of his own there and be given all mail."""
    layout.folder.mkdir(parents=True, exist_ok=True)
    try:
        layout.sockets.mkdir(mode=0o700)
    except FileExistsError:
        status = layout.sockets.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (layout.uid, os.geteuid()):
            raise PermissionError(f"{layout.sockets} belongs to somebody else; remove it, and start again") from None


def _give(path: Path, layout: StoreLayout, *, mode: int) -> None:
    path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, layout.uid, layout.gid)


def _prepare_scripts(layout: StoreLayout) -> None:
    """The scripts by which moves become lessons, the spool that they fill, and the script that sets keywords."""
    spool = spool_of(layout.folder)
    for folder in (spool.parent, spool, spool.parent / "bin", marks.script_of(layout.folder).parent):
        folder.mkdir(exist_ok=True)
        _give(folder, layout, mode=0o700)
    for file, (octets, mode) in {**scripts(layout.folder), **marks.scripts(layout.folder)}.items():
        _write(file, octets, layout)
        _give(file, layout, mode=mode)


def _prepare_filing(layout: StoreLayout) -> None:
    """The script by which new mail is filed."""
    file = script_of(layout.folder)
    file.parent.mkdir(exist_ok=True)
    _give(file.parent, layout, mode=0o700)
    _write(file, script(), layout)


def _write(file: Path, octets: bytes, layout: StoreLayout) -> None:
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    with os.fdopen(descriptor, "wb") as out:
        out.write(octets)
    _give(Path(name), layout, mode=0o600)
    Path(name).replace(file)


def _require_passable(layout: StoreLayout) -> None:
    for folder in layout.folder.parents:
        if not folder.stat().st_mode & 0o001:
            raise StoreError(
                f"the store runs as `{layout.account}`, which may not pass {folder}: "
                "choose a data folder that it can reach (--data /var/lib/postern), or run as an ordinary user"
            )
