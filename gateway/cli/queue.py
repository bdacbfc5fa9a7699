"""`postern queue`: what waits, why, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.table import Table

from gateway.cli.custody import actor, message_id_of, with_custody
from gateway.cli.options import ConfigOption, DataOption, JsonOption, fail, out
from gateway.cli.times import when
from gateway.facts.evidence import to_plain
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.records import Selection
from gateway.queue.states import DELIVERABLE, State

app = typer.Typer(no_args_is_help=True, help="Mail that waits for delivery")

MessageArgument = Annotated[str | None, typer.Argument(help="Id of a message", show_default="all")]
DestinationOption = Annotated[str, typer.Option(help="Only what waits for this destination")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the record")]
LIMIT = 500
SHOWN = DELIVERABLE | {State.UNSCANNED, State.CORRUPT}
"""What waits for a courier, for a scan, or for a person."""


@app.command("list")
def list_(config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """What waits, by destination and then by message."""
    summary = with_custody(config, data, lambda custody: custody.queue_summary())
    items = with_custody(config, data, lambda custody: custody.queue_items(states=SHOWN, limit=LIMIT))
    if as_json:
        out.print_json(json.dumps({"destinations": to_plain(summary), "items": to_plain(items)}))
        return
    destinations = Table("Destination", "Waiting", "Oldest", "Next try", "Last answer", title="Destinations")
    for each in summary:
        destinations.add_row(each.name, str(each.waiting), when(each.oldest), when(each.next_due), each.last_reply)
    out.print(destinations)
    waiting = Table("Message", "From", "To", "State", "Tries", "Next try", "Last answer", title="Messages")
    for item in items:
        waiting.add_row(
            text_of(item.message_id), item.reverse_path or "<>", item.recipient, item.state.value, str(item.attempt),
            when(item.due), item.last_reply,
        )  # fmt: skip
    out.print(waiting)


@app.command("show")
def show(message: str, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """One message: recipients, states and its story."""
    message_id = message_id_of(message)
    record = with_custody(config, data, lambda custody: custody.message(message_id))
    events = with_custody(config, data, lambda custody: custody.events(message_id))
    if record is None:
        fail(f"there is no message {message}", code=1)
    if as_json:
        recipients = [to_plain(each) for each in record.recipients]
        out.print_json(json.dumps({"id": message, "recipients": recipients, "events": to_plain(events)}))
        return
    table = Table("Recipient", "State", "Destination", "Tries", "Next try", "Last answer", title=f"Message {message}")
    for each in record.recipients:
        table.add_row(
            str(each.recipient.address), each.state.value, each.destination, str(each.attempt), when(each.due),
            each.last_reply,
        )  # fmt: skip
    out.print(table)
    story = Table("When", "What", "Who", "Recipient", "Detail", title="Story")
    for event in events:
        story.add_row(when(event.at), event.kind, event.actor, event.recipient, json.dumps(event.detail))
    out.print(story)


@app.command("retry", epilog="Example: postern queue retry --destination mx:example.net")
def retry(
    message: MessageArgument = None,
    destination: DestinationOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Try again now."""
    _act(message, destination, lambda custody, chosen: custody.retry(chosen, actor=actor()), "due now", config, data)


@app.command("hold")
def hold(
    message: MessageArgument = None,
    destination: DestinationOption = "",
    reason: ReasonOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Move waiting mail to the quarantine."""
    _act(
        message, destination, lambda custody, chosen: custody.hold(chosen, actor=actor(), reason=reason), "held",
        config, data,
    )  # fmt: skip


@app.command("delete")
def delete(
    message: MessageArgument = None,
    destination: DestinationOption = "",
    reason: ReasonOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Drop waiting mail for good; the record of it stays."""
    if message is None and not destination:
        fail("say which message or --destination: this does not delete the whole queue")
    _act(
        message, destination, lambda custody, chosen: custody.delete_selected(chosen, actor=actor(), reason=reason),
        "deleted", config, data,
    )  # fmt: skip


def _act(
    message: str | None,
    destination: str,
    act: Callable[[Custody, Selection], Awaitable[int]],
    done: str,
    config: ConfigOption,
    data: DataOption,
) -> None:
    chosen = Selection(message_id=None if message is None else message_id_of(message), destination=destination)
    number = with_custody(config, data, lambda custody: act(custody, chosen))
    out.print(f"{number} {done}.")
