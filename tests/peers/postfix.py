"""A Postfix of our own. Its protection against smuggling can be switched off, as it was everywhere before 2024."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.inbound.house import make_certificate
from tests.peers.installed import POSTFIX, POSTFIX_MASTER
from tests.peers.server import ELSEWHERE, LATER, REFUSED, MailServer, Ways, alive, folder_of, start
from tests.ports import free_port


@asynccontextmanager
async def postfix(ways: Ways, *, bare_newlines: str = "normalize") -> AsyncIterator[MailServer]:
    """Postfix, until the end of the `with`. `bare_newlines` is its `smtpd_forbid_bare_newline`."""
    assert POSTFIX is not None
    with folder_of("postfix", "etc", "spool", "store") as folder:
        port = free_port()
        shutil.chown(folder / "store", "postfix")
        certificate, key = make_certificate(folder)
        (folder / "etc" / "main.cf").write_text(_main_cf(folder, ways, certificate, key, bare_newlines))
        (folder / "etc" / "master.cf").write_text(_master_cf(port))
        command = [POSTFIX, "-c", str(folder / "etc")]
        process = await start([*command, "start-fg"])
        try:
            async with alive(process, port):
                yield MailServer("postfix", port, folder / "mail.log")
                await (await start([*command, "stop"])).wait()
        finally:
            await process.wait()


def _main_cf(folder: Path, ways: Ways, certificate: Path, key: Path, bare_newlines: str) -> str:
    named = ", ".join(f"{name}=smtp:[127.0.0.1]:{port}" for name, port in ways.items() if name != ELSEWHERE)
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
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_sender_restrictions = check_sender_access inline:{{
    {{ {REFUSED} = 550 5.7.1 not from you }}, {{ {LATER} = 450 4.7.1 come again later }} }}
smtpd_forbid_bare_newline = {bare_newlines}
smtpd_forbid_bare_newline_exclusions =
smtpd_forbid_unauth_pipelining = no
smtpd_peername_lookup = no
alias_maps =
local_recipient_maps =
maillog_file = {folder}/mail.log
maillog_file_prefixes = /tmp
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
smtp_dns_support_level = disabled
smtp_tls_security_level = may
smtp_tls_loglevel = 1
smtp_destination_concurrency_failed_cohort_limit = 0
smtpd_tls_security_level = may
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_loglevel = 1
smtp_line_length_limit = 0
message_size_limit = 52428800
smtputf8_enable = yes
{f"transport_maps = inline:{{ {named} }}" if named else ""}
relayhost = [127.0.0.1]:{ways[ELSEWHERE]}
"""


def _master_cf(port: int) -> str:
    lines = []
    for line in POSTFIX_MASTER.read_text().splitlines():
        words = line.split()
        if not line.startswith((" ", "#")) and len(words) >= 8:
            words[4] = "n"  # no chroot
            if words[:2] == ["smtp", "inet"]:
                words[0] = f"127.0.0.1:{port}"
            line = " ".join(words)
        lines.append(line)
    return "\n".join(lines) + "\n"
