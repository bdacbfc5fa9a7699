"""`postern scan`: judge messages offline with the running policy, on the same code path as the gateway."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from gateway.app.installation import Folders
from gateway.app.policies import load_policy
from gateway.app.recipients.domains import DomainError
from gateway.app.senses import open_senses, read_suffixes
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.zone import ZoneError, ZoneResolver
from gateway.cli.options import ConfigOption, DataOption, JsonOption, err, fail, out, settings_of
from gateway.clock import SystemClock
from gateway.facts.connection import ClientFact
from gateway.mail.address import Address, BadAddress, ReversePath
from gateway.mail.envelope import Envelope, Recipient
from gateway.mail.headers import authors
from gateway.mail.message import BadMessage, Message
from gateway.pipeline.report import report
from gateway.pipeline.scan import Scanner
from gateway.pipeline.stamp import reply_to_data
from gateway.policy.decide import decide_all
from gateway.policy.policy import Policy
from gateway.policy.problem import PolicyError
from gateway.policy.verdict import Disposition
from gateway.settings import Settings, SettingsError

MAX_FILE: Final = 256 * 1024 * 1024
_LINE_END: Final = re.compile(rb"\r?\n")
_MBOX_FROM: Final = re.compile(rb"\AFrom [^\r\n]*\r?\n")


class Exit(IntEnum):
    """What the exit status says; with several files, the worst."""

    DELIVER = 0
    QUARANTINE = 10
    DEFER = 11
    REJECT = 12
    UNREADABLE = 3


_EXIT: Final = {
    Disposition.DELIVER: Exit.DELIVER,
    Disposition.QUARANTINE: Exit.QUARANTINE,
    Disposition.DEFER: Exit.DEFER,
    Disposition.REJECT: Exit.REJECT,
}


@dataclass(frozen=True, slots=True)
class Situation:
    """The connection and envelope assumed for every file. `mail_from` None: the author's address is taken."""

    client: ClientFact
    mail_from: str | None
    recipients: tuple[Recipient, ...]
    now: float


def scan(
    files: Annotated[list[Path], typer.Argument(help="Messages, one a file; - is standard input")],
    as_json: JsonOption = False,
    ip: Annotated[str, typer.Option(help="Address of the client")] = "192.0.2.1",
    helo: Annotated[str, typer.Option(help="What the client said in EHLO")] = "client.example",
    mail_from: Annotated[
        str | None, typer.Option(help="Reverse-path, empty for <>", show_default="the author's address")
    ] = None,
    rcpt: Annotated[list[str] | None, typer.Option(help="Recipient; may repeat", show_default="postmaster")] = None,
    dns: Annotated[
        Path | None, typer.Option(help="Zone file that answers DNS questions instead of the network")
    ] = None,
    now: Annotated[float | None, typer.Option(help="Seconds since the epoch", show_default="the clock")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Judge messages: exit 0 deliver, 10 quarantine, 11 defer, 12 reject, 2 usage, 3 unreadable."""
    settings = settings_of(config, data)
    folders = Folders(settings.data.resolve())
    try:
        policy = load_policy(settings, folders)
        read_suffixes(settings.dmarc.public_suffix_list)
        zone = ZoneResolver.load(dns) if dns else None
        recipients = tuple(Recipient(Address.parse(each)) for each in rcpt or [f"postmaster@{settings.domain}"])
        if mail_from:
            Address.parse(mail_from)
        (ipaddress.IPv6Address if ":" in ip else ipaddress.IPv4Address)(ip)
    except (PolicyError, DomainError, SettingsError, ZoneError, ValueError, OSError) as error:
        fail(str(error))
    situation = Situation(
        client=ClientFact(ip=ip, helo=helo),
        mail_from=mail_from,
        recipients=recipients,
        now=SystemClock().now() if now is None else now,
    )
    worst = asyncio.run(_scan_all(files, situation, policy, settings, folders, zone=zone, as_json=as_json))
    raise typer.Exit(worst)


async def _scan_all(
    files: Sequence[Path],
    situation: Situation,
    policy: Policy,
    settings: Settings,
    folders: Folders,
    *,
    zone: Answering | None,
    as_json: bool,
) -> int:
    worst = Exit.DELIVER
    clock = SystemClock()
    async with open_senses(settings, folders, clock, zone=zone, scanning=lambda: policy.scanning) as senses:
        for file in files:
            try:
                message = Message.from_wire(_read(file))
            except (OSError, BadMessage) as error:
                err.print(f"{file}: {error}", style="red", markup=False)
                worst = max(worst, Exit.UNREADABLE, key=_severity)
                continue
            found, disposition = await _scan_one(str(file), message, situation, policy, senses.scanner)
            worst = max(worst, _EXIT[disposition], key=_severity)
            if as_json:
                sys.stdout.write(json.dumps(found) + "\n")
                sys.stdout.flush()
            else:
                _print(found)
    return worst


async def _scan_one(
    file: str, message: Message, situation: Situation, policy: Policy, scanner: Scanner
) -> tuple[dict[str, Any], Disposition]:
    envelope = Envelope(reverse_path=_reverse_path(message, situation), recipients=situation.recipients)
    begun = time.perf_counter()
    evidence = await scanner.scan(message, envelope, situation.client, received_at=situation.now)
    settlement = decide_all(evidence, policy)
    elapsed = (time.perf_counter() - begun) * 1000
    found = report(evidence, settlement, reply_to_data(settlement, "-"), file=file, elapsed_ms=elapsed)
    return found, settlement.disposition


def _reverse_path(message: Message, situation: Situation) -> ReversePath:
    if situation.mail_from is not None:
        return Address.parse(situation.mail_from) if situation.mail_from else None
    for author in authors(message.first(b"from")):
        try:
            return Address.parse(author.address)
        except BadAddress:
            continue
    return None


def _read(file: Path) -> bytes:
    """A file as it would come over the wire: files on disk end their lines as they like, and mbox puts a line first."""
    stream = sys.stdin.buffer if str(file) == "-" else file.open("rb")
    with stream:
        octets = stream.read(MAX_FILE)
    octets = _LINE_END.sub(b"\r\n", _MBOX_FROM.sub(b"", octets, count=1))
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def _severity(exit_status: int) -> int:
    """Unreadable is worse than anything that was judged."""
    return 99 if exit_status == Exit.UNREADABLE else exit_status


def _print(found: dict[str, Any]) -> None:
    colour = {"deliver": "green", "quarantine": "magenta", "defer": "yellow", "reject": "red"}[found["disposition"]]
    rule = found["rule"]
    where = f" by {rule['id']} ({rule['file']}:{rule['line']})" if rule else " by default"
    out.print(
        f"[bold]{escape(found['file'])}[/]  [{colour}]{found['disposition']}[/] as {found['class']}{escape(where)}"
    )
    for reason in found["reasons"]:
        out.print(f"    {reason['code']}: {reason['text']}", markup=False)
    for name, why in found["unknown"].items():
        out.print(f"    could not tell {name}: {why}", markup=False)
