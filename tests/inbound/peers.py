"""Real mail servers as senders: Postfix and Exim, each with configuration and queue of its own in a temporary folder,
on loopback, relaying whatever they are given to the front door."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.inbound.talk import Talk

MASTER = Path("/usr/share/postfix/master.cf.dist")
NSS_WRAPPER = next(iter(Path("/usr/lib").glob("*/libnss_wrapper.so")), None)


def _swaks_speaks_tls() -> bool:
    if shutil.which("swaks") is None:
        return False
    said = subprocess.run(["swaks", "--support"], capture_output=True, text=True, check=False).stdout
    return "TLS supported" in said


needs_postfix = pytest.mark.skipif(
    shutil.which("postfix") is None or not MASTER.exists() or os.geteuid() != 0,
    reason="Postfix is not installed, or this is not root, whom its master needs",
)
needs_exim = pytest.mark.skipif(
    shutil.which("exim4") is None or NSS_WRAPPER is None or os.geteuid() != 0,
    reason="exim4 or libnss_wrapper is not installed, or this is not root",
)
needs_swaks = pytest.mark.skipif(not _swaks_speaks_tls(), reason="swaks is not installed, or lacks Net::SSLeay for TLS")


@dataclass(frozen=True)
class Sender:
    """A mail server that takes anything at `port` and relays it to the front door. `log` is where it writes; `push` has
    it look at its queue now."""

    port: int
    log: Path
    push: Callable[[], Awaitable[None]]

    async def hand_in(self, data: bytes) -> None:
        """Give it one message, octet by octet as they are, to be relayed; it must be taken."""
        talk = await Talk.to(self.port)
        await talk.begin("u@example.net")
        await talk.send(data + b"\r\n.\r\n")
        said = await talk.line()
        assert said.startswith("250 "), said
        await talk.close()
        await self.push()

    async def wait_for(self, word: str, *, times: int = 1) -> None:
        """Wait until the log says the word so often."""
        async with asyncio.timeout(60):
            while not self.log.exists() or self.log.read_text(errors="replace").count(word) < times:
                await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@asynccontextmanager
async def postfix(gateway: int) -> AsyncIterator[Sender]:
    """Postfix, relaying to the gateway's port."""
    with tempfile.TemporaryDirectory(prefix="postern-postfix-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        for each in ("etc", "spool", "store"):
            (folder / each).mkdir()
        shutil.chown(folder / "store", "postfix")
        (folder / "etc" / "main.cf").write_text(_main_cf(folder, gateway))
        (folder / "etc" / "master.cf").write_text(_master_cf(port))
        process = await _start(["postfix", "-c", str(folder / "etc"), "start-fg"], {})
        try:
            await _listening(port)
            yield Sender(port, folder / "mail.log", _nothing)
        finally:
            stopping = await _start(["postfix", "-c", str(folder / "etc"), "stop"], {})
            await stopping.wait()
            await process.wait()


def _main_cf(folder: Path, gateway: int) -> str:
    return f"""
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/store
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = sender.example
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_forbid_bare_newline = normalize
smtpd_forbid_bare_newline_exclusions =
alias_maps =
local_recipient_maps =
maillog_file = {folder}/mail.log
maillog_file_prefixes = /tmp
smtp_dns_support_level = disabled
smtp_tls_security_level = may
smtp_line_length_limit = 0
message_size_limit = 52428800
smtputf8_enable = yes
relayhost = [127.0.0.1]:{gateway}
bounce_notice_recipient = u@example.net
"""


def _master_cf(port: int) -> str:
    lines = []
    for line in MASTER.read_text().splitlines():
        words = line.split()
        if not line.startswith((" ", "#")) and len(words) >= 8:
            words[4] = "n"  # no chroot
            if words[:2] == ["smtp", "inet"]:
                words[0] = f"127.0.0.1:{port}"
            line = " ".join(words)
        lines.append(line)
    return "\n".join(lines) + "\n"


@asynccontextmanager
async def exim(gateway: int) -> AsyncIterator[Sender]:
    """Exim, relaying to the gateway's port, in chunks where they are offered."""
    with tempfile.TemporaryDirectory(prefix="postern-exim-") as name:
        folder, port = Path(name), free_port()
        folder.chmod(0o755)
        for each in ("spool", "log"):
            (folder / each).mkdir()
            shutil.chown(folder / each, "nobody", "nogroup")
        (folder / "exim.conf").write_text(_exim_conf(folder, port, gateway))
        users = "Debian-exim:x:64990:64990::/nonexistent:/usr/sbin/nologin\n"
        (folder / "passwd").write_text(Path("/etc/passwd").read_text() + users)
        (folder / "group").write_text(Path("/etc/group").read_text() + "Debian-exim:x:64990:\n")
        environment = {
            "LD_PRELOAD": str(NSS_WRAPPER),
            "NSS_WRAPPER_PASSWD": str(folder / "passwd"),
            "NSS_WRAPPER_GROUP": str(folder / "group"),
        }
        command = ["exim4", "-C", str(folder / "exim.conf")]

        async def run_queue() -> None:
            # Without being installed, only root's own process may relay.
            await (await _start([*command, "-qff"], environment)).wait()

        process = await _start([*command, "-bdf"], environment)
        try:
            await _listening(port)
            yield Sender(port, folder / "log" / "mainlog", run_queue)
        finally:
            process.terminate()
            await process.wait()


def _exim_conf(folder: Path, port: int, gateway: int) -> str:
    return f"""
exim_user = nobody
exim_group = nogroup
exim_path = {shutil.which("exim4")}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
primary_hostname = exim.example
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts =
smtputf8_advertise_hosts = *
acl_smtp_rcpt = take_all
acl_smtp_data = take_all
begin acl
take_all:
  accept
begin routers
gateway:
  driver = manualroute
  route_list = * 127.0.0.1::{gateway}
  transport = out
  self = send
begin transports
out:
  driver = smtp
  port = {gateway}
  allow_localhost
  hosts_try_chunking = *
  hosts_avoid_tls = *
  message_linelength_limit = 100000
begin retry
* * F,10m,10s
"""


async def _nothing() -> None:
    """It looks by itself."""


async def _start(command: Sequence[str], environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                await writer.wait_closed()
                return
