"""`postern greylist`: who was asked to come back, and letting somebody in at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from gateway.cli.counters import with_counters
from gateway.cli.custody import when
from gateway.cli.options import ConfigOption, DataOption, JsonOption, fail, out
from gateway.counters.counters import Counters
from gateway.counters.records import Waiting
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
    waiting = _chosen(with_counters(config, data, lambda counters: counters.waiting()), from_=from_, rcpt=rcpt)
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

    async def work(counters: Counters) -> int:
        waiting = _chosen(await counters.waiting(), from_=from_, rcpt=rcpt) if from_ or rcpt else []
        return await counters.release([*(ids or ()), *(each.id for each in waiting)])

    number = with_counters(config, data, work)
    if not number:
        fail("nobody like that is waiting; `postern greylist list` shows who is", code=1)
    out.print(f"{number} will be let in at the next try.")


def _chosen(waiting: Sequence[Waiting], *, from_: str, rcpt: str) -> list[Waiting]:
    sender, recipient = from_.lower(), rcpt.lower()
    return [
        each
        for each in waiting
        if (not sender or each.sender == sender or each.sender.rpartition("@")[2] == sender)
        and (not recipient or each.recipient == recipient)
    ]
