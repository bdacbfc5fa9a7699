"""An Exim of our own, which sends in chunks where they are offered."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.inbound.house import make_certificate
from tests.peers.installed import EXIM, NSS_WRAPPER
from tests.peers.server import ELSEWHERE, LATER, REFUSED, MailServer, Ways, alive, folder_of, free_port, start


@asynccontextmanager
async def exim(ways: Ways) -> AsyncIterator[MailServer]:
    """Exim, until the end of the `with`."""
    assert EXIM is not None
    with folder_of("exim", "spool", "log") as folder:
        port = free_port()
        certificate, key = make_certificate(folder)
        for each in ("spool", "log", certificate.name, key.name):
            shutil.chown(folder / each, "nobody", "nogroup")
        (folder / "exim.conf").write_text(_exim_conf(folder, port, ways, certificate, key))
        users = "Debian-exim:x:64990:64990::/nonexistent:/usr/sbin/nologin\n"
        (folder / "passwd").write_text(Path("/etc/passwd").read_text() + users)
        (folder / "group").write_text(Path("/etc/group").read_text() + "Debian-exim:x:64990:\n")
        environment = {
            "LD_PRELOAD": str(NSS_WRAPPER),
            "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(folder / "group"),
        }
        command = [EXIM, "-C", str(folder / "exim.conf")]

        async def run_queue() -> None:
            # Without being installed, only root's own process may relay.
            await (await start([*command, "-qff"], environment)).wait()

        async with alive(await start([*command, "-bdf"], environment), port):
            yield MailServer("exim", port, folder / "log" / "mainlog", run_queue)


def _exim_conf(folder: Path, port: int, ways: Ways, certificate: Path, key: Path) -> str:
    routers = "\n".join(
        f"""
way_{number}:
  driver = manualroute
  route_list = {"*" if name == ELSEWHERE else name} 127.0.0.1::{way}
  transport = out
  self = send"""
        for number, (name, way) in enumerate(sorted(ways.items(), key=lambda each: each[0] == ELSEWHERE))
    )
    return f"""
exim_user = nobody
exim_group = nogroup
exim_path = {EXIM}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
primary_hostname = exim.example
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
host_lookup =
acl_smtp_mail = by_sender
acl_smtp_rcpt = take_all
acl_smtp_data = take_all
queue_only
begin acl
by_sender:
  deny senders = {REFUSED}
    message = not from you
  defer senders = {LATER}
    message = come again later
  accept
take_all:
  accept
begin routers
{routers}
begin transports
out:
  driver = smtp
  allow_localhost
  hosts_try_chunking = *
  tls_tempfail_tryclear
  message_linelength_limit = 100000
begin retry
* * F,10m,1s
"""
