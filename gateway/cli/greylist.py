"""`postern greylist`: who was asked to come back, and letting somebody in at once."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from gateway.cli.counters import with_counters, with_doorlists
from gateway.cli.options import ConfigOption, DataOption, JsonOption, fail, out
from gateway.cli.times import when
from gateway.console.doorlists import chosen
from gateway.facts.evidence import to_plain

app = typer.Typer(no_args_is_help=True, help="Senders that were asked to come back")

FromOption = Annotated[str, typer.Option("--from", help="From this address or domain")]
RcptOption = Annotated[str, typer.Option("--rcpt", help="To this address")]


@app.command("list")
def list_(
    from_: FromOption = "",
    rcpt: RcptOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who has to come back and has not yet, the newest first."""
    everybody = with_counters(config, data, lambda counters: counters.waiting())
    waiting = chosen(everybody, sender=from_, recipient=rcpt)
    if as_json:
        out.print_json(json.dumps([to_plain(each) for each in waiting]))
        return
    table = Table("Id", "First try", "Last try", "Tries", "From", "To", "Client", "Counts as", title="Greylist")
    for each in waiting:
        tries = f"{each.tries}, let in" if each.released else str(each.tries)
        table.add_row(
            str(each.id), when(each.first), when(each.last), tries, each.sender or "<>", each.recipient, each.client_ip,
            each.pool,
        )  # fmt: skip
    out.print(table)


@app.command("release", epilog="Example: postern greylist release --from shop.example")
def release(
    ids: Annotated[list[int] | None, typer.Argument(help="Ids of `postern greylist list`")] = None,
    from_: FromOption = "",
    rcpt: RcptOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Let mail in at its sender's next try, and all that the sender sends from then on."""
    if not (ids or from_ or rcpt):
        fail("say which: ids, --from or --rcpt")

    numbers = list(ids or ())
    if from_ or rcpt:
        waiting = with_counters(config, data, lambda counters: counters.waiting())
        numbers += [each.id for each in chosen(waiting, sender=from_, recipient=rcpt)]
    number = with_doorlists(config, data, lambda ip: False, lambda lists: lists.release(numbers))
    if not number:
        fail("nobody like that is waiting; `postern greylist list` shows who is", code=1)
    out.print(f"{number} will be let in at the next try.")
