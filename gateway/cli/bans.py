"""`postern bans`: who is shut out, and why. What is changed here holds in all processes within a second or two."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from gateway.cli.counters import with_counters, with_doorlists
from gateway.cli.options import ConfigOption, DataOption, JsonOption, fail, out, settings_of
from gateway.cli.times import when
from gateway.console.doorlists import Doorlists
from gateway.counters.records import Ban
from gateway.facts.evidence import to_plain
from gateway.inbound.admission.counting import own_networks

app = typer.Typer(no_args_is_help=True, help="Clients that are shut out")

NetworkArgument = Annotated[str, typer.Argument(help="Address or network, like 192.0.2.7 or 192.0.2.0/24")]


@app.command("list")
def list_(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Who is shut out now."""
    bans = with_counters(config, data, lambda counters: counters.bans())
    if as_json:
        out.print_json(json.dumps([to_plain(each) for each in bans]))
        return
    table = Table("Network", "Since", "Until", "By", "Reason", title="Bans")
    for each in bans:
        table.add_row(each.network, when(each.since), when(each.until), each.by, each.reason)
    out.print(table)


@app.command("add", epilog="Example: postern bans add 192.0.2.0/24 --for 7d --reason 'tries passwords'")
def add(
    network: NetworkArgument,
    for_: Annotated[str, typer.Option("--for", help="How long, like 4h or 7d")] = "1d",
    reason: Annotated[str, typer.Option(help="Why, for the record")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Shut a client or a network out."""
    own = own_networks(settings_of(config, data).own_networks)

    async def work(lists: Doorlists) -> Ban:
        return await lists.shut_out(network, lasting=for_, reason=reason)

    ban = with_doorlists(config, data, lambda ip: own.holds(ip, at=0.0), work)
    out.print(f"{ban.network} is shut out until {when(ban.until)}.")


@app.command("remove")
def remove(network: NetworkArgument, config: ConfigOption = None, data: DataOption = None) -> None:
    """Let it in again."""

    async def work(lists: Doorlists) -> bool:
        return await lists.let_in(network)

    if not with_doorlists(config, data, lambda ip: False, work):
        fail(f"{network} is not shut out; `postern bans list` shows who is", code=1)
    out.print(f"{network} is let in again.")
