"""An OpenSMTPD of our own. It knows one spool folder and one list of accounts, the system's: so it gets a mount
namespace in which these are others, and a process namespace with which it ends.

The package of Debian 12 offers STARTTLS and then fails in the handshake (OpenSMTPD issue 1239: its keys are not for
OpenSSL 3). It stays switched on: hosts like that are out there, and mail has to reach them.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.inbound.house import make_certificate
from tests.peers.installed import OPENSMTPD
from tests.peers.server import ELSEWHERE, LATER, REFUSED, MailServer, Ways, alive, folder_of, start
from tests.ports import free_port

ACCOUNTS = {"opensmtpd": 64991, "opensmtpq": 64992}

STAGE = """
set -e
folder=$1 program=$2
mount --bind "$folder/passwd" /etc/passwd
mount --bind "$folder/group" /etc/group
mount -t tmpfs none /var/spool
mount -t tmpfs none /var/lib
mount -t tmpfs none /run
mkdir -p /var/lib/opensmtpd/empty /var/spool/smtpd/offline
chmod 711 /var/spool/smtpd
chgrp opensmtpq /var/spool/smtpd/offline
chmod 770 /var/spool/smtpd/offline
for each in purge temporary incoming queue corrupt; do
    mkdir -m 700 "/var/spool/smtpd/$each"
    chown opensmtpq:root "/var/spool/smtpd/$each"
done
exec "$program" -d -f "$folder/smtpd.conf"
"""


@asynccontextmanager
async def opensmtpd(ways: Ways) -> AsyncIterator[MailServer]:
    """OpenSMTPD, until the end of the `with`."""
    assert OPENSMTPD is not None
    with folder_of("opensmtpd") as folder:
        port = free_port()
        certificate, key = make_certificate(folder)
        key.chmod(0o600)
        users = "".join(f"{name}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin\n" for name, id in ACCOUNTS.items())
        groups = "".join(f"{name}:x:{id}:\n" for name, id in ACCOUNTS.items())
        (folder / "passwd").write_text(Path("/etc/passwd").read_text() + users)
        (folder / "group").write_text(Path("/etc/group").read_text() + groups)
        (folder / "smtpd.conf").write_text(_smtpd_conf(port, ways, certificate, key))
        isolated = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
        process = await start([*isolated, "sh", "-c", STAGE, "sh", str(folder), OPENSMTPD], log=folder / "log")
        # unshare(1) lets SIGTERM pass; with it dies what it has started.
        async with alive(process, port, ending=signal.SIGKILL):
            yield MailServer("opensmtpd", port, folder / "log")


def _smtpd_conf(port: int, ways: Ways, certificate: Path, key: Path) -> str:
    actions = "\n".join(
        f'action "way{number}" relay host "smtp://127.0.0.1:{way}"' for number, way in enumerate(ways.values())
    )
    matches = [
        f'match from any for {"any" if name == ELSEWHERE else f"domain {name}"} action "way{number}"'
        for number, name in enumerate(ways)
    ]
    matches.sort(key=lambda line: " for any " in line)
    return (
        f"""
pki here cert "{certificate}"
pki here key "{key}"
smtp max-message-size 50M
queue ttl 1h
filter no phase mail-from match mail-from {{ "{REFUSED}" }} reject "550 5.7.1 not from you"
filter later phase mail-from match mail-from {{ "{LATER}" }} reject "451 4.7.1 come again later"
filter both chain {{ no, later }}
listen on 127.0.0.1 port {port} tls pki here hostname opensmtpd.example filter both
{actions}
"""
        + "\n".join(matches)
        + "\n"
    )
