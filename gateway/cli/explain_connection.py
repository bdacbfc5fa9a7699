"""`postern explain-connection`: what would happen to a client, and which line of the policy says so."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gateway.app.explaining import Explanation, Situation, explain_connection
from gateway.app.installation import Folders
from gateway.app.policies import PolicyError
from gateway.checks.dns.zone import ZoneError, ZoneResolver
from gateway.cli.options import ConfigOption, DataOption, JsonOption, fail, out, settings_of
from gateway.clock import SystemClock
from gateway.facts.evidence import to_plain
from gateway.inbound.ports import Door
from gateway.mail.address import Address, BadAddress


def explain(
    ip: Annotated[str, typer.Argument(help="Address of the client")],
    helo: Annotated[str | None, typer.Option(help="What it says in EHLO", show_default="nothing")] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="Its MAIL FROM, empty for <>", show_default="nothing")
    ] = None,
    rcpt: Annotated[str | None, typer.Option(help="Its RCPT TO", show_default="nothing")] = None,
    size: Annotated[int | None, typer.Option(min=0, help="SIZE that it declares", show_default="nothing")] = None,
    tls: Annotated[bool, typer.Option("--tls", help="The session is encrypted")] = False,
    door: Annotated[Door, typer.Option(help="Listener that it comes to")] = Door.MX,
    dns: Annotated[
        Path | None, typer.Option(help="Zone file that answers DNS questions instead of the network")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what would happen to a client, and which line of the policy says so: bans, maps, lists, groups, rates, TLS,
    size, recipient. Nothing is counted or changed."""
    settings = settings_of(config, data)
    try:
        situation = Situation(
            ip=str(ipaddress.ip_address(ip)),
            helo=helo,
            mail_from=Address.parse(from_) if from_ else None,
            says_mail=from_ is not None,
            recipient=Address.parse(rcpt) if rcpt else None,
            size=size,
            tls="TLSv1.3" if tls else "",
            door=door,
        )
        folders, zone = Folders(settings.data.resolve()), ZoneResolver.load(dns) if dns else None
        explanation = asyncio.run(
            explain_connection(situation, settings=settings, folders=folders, clock=SystemClock(), zone=zone)
        )
    except (PolicyError, ZoneError, BadAddress, ValueError) as error:
        fail(str(error))
    if as_json:
        out.print_json(json.dumps(_plain(explanation)))
    else:
        _print(explanation)


def _plain(explanation: Explanation) -> dict[str, object]:
    refusal = explanation.refusal
    return {
        "ip": explanation.situation.ip,
        "outcome": "refused" if refusal else "let in",
        "stage": refusal.stage if refusal else "",
        "reply": refusal.reply if refusal else "",
        "rule": refusal.rule if refusal else "",
        "place": refusal.place if refusal else "",
        "steps": [to_plain(each) for each in explanation.steps],
    }


def _print(explanation: Explanation) -> None:
    table = Table("Looked at", "Found", "Says", title=f"Client {explanation.situation.ip}", title_justify="left")
    for step in explanation.steps:
        found = f"[red]{escape(step.reply)}[/]: {escape(step.says)}" if step.reply else escape(step.says)
        table.add_row(step.stage, found, escape(step.place))
    out.print(table)
    refusal = explanation.refusal
    if refusal is None:
        out.print("It would be [green]let in[/].")
    else:
        by = ", ".join(filter(None, (refusal.rule, refusal.place)))
        where = f" ({by})" if by else ""
        out.print(f"It would be [red]refused[/] at {refusal.stage}: {escape(refusal.reply + where)}")
