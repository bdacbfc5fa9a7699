"""`postern track`: where is this mail, and why was it refused. Refusals before DATA are found too."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gateway.cli.options import ConfigOption, DataOption, JsonOption, fail, ledger_folder, out
from gateway.cli.times import when
from gateway.facts.evidence import to_plain
from gateway.queue.identifiers import text_of
from gateway.queue.looking import looking
from gateway.queue.records import TrackQuery, TrackRow


def track(
    rcpt: Annotated[str, typer.Option(help="To this address; * stands for anything")] = "",
    from_: Annotated[str, typer.Option("--from", help="From this reverse-path; * stands for anything")] = "",
    id_: Annotated[str, typer.Option("--id", help="Our id, a reference from a reply, or a Message-ID")] = "",
    client: Annotated[str, typer.Option(help="From this IP address; * stands for anything")] = "",
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find messages and refusals, newest first."""
    if not (rcpt or from_ or id_ or client):
        fail("say --rcpt, --from, --id or --client")
    query = TrackQuery(recipient=rcpt, sender=from_, message_id=id_, client=client)
    with looking(ledger_folder(config, data)) as ledger:
        _show(ledger.track(query, limit=limit), as_json=as_json)


def _show(rows: Sequence[TrackRow], *, as_json: bool) -> None:
    if as_json:
        out.print_json(json.dumps([{**to_plain(each), "reference": _reference(each)} for each in rows]))
        return
    table = Table("What", "From and to", "Reply, rule and reason", title="Track", show_lines=True)
    table.add_column("Id", no_wrap=True)
    for row in rows:
        table.add_row(*(escape("\n".join(filter(None, lines))) for lines in _cells(row)))
    out.print(table)


def _cells(row: TrackRow) -> tuple[tuple[str, ...], ...]:
    """What stands in each column, line by line."""
    outcome = f"{row.outcome} at {row.stage}" if row.outcome == "refused" else row.outcome
    return (
        (when(row.at), outcome, row.client_ip),
        (row.reverse_path or "<>", f"to {row.recipient or '–'}", row.subject[:60]),
        (row.reply, ": ".join(filter(None, (row.rule, row.reason)))),
        (_reference(row),),
    )


def _reference(row: TrackRow) -> str:
    """What stands in replies and in `postern queue show`: the message's id, or the refusal's own."""
    return text_of(row.id if row.message_id is None else row.message_id)
