"""`postern quarantine`: held mail, from the command line."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from gateway.app.installation import Folders
from gateway.app.policies import LivePolicy
from gateway.app.second_looks import looking_again
from gateway.cli.custody import actor, with_custody
from gateway.cli.options import ConfigOption, DataOption, JsonOption, fail, out, settings_of
from gateway.cli.times import when
from gateway.clock import SystemClock
from gateway.facts.content import MailClass
from gateway.facts.evidence import to_plain
from gateway.quarantine.feedback import Feedback
from gateway.quarantine.release import Ending, Result
from gateway.quarantine.release import delete as delete_item
from gateway.quarantine.release import release as release_item
from gateway.quarantine.release import report as report_item
from gateway.quarantine.rights import Actor, Role
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.records import HeldQuery
from gateway.settings import Settings
from gateway.spam.site.teaching import Ledger

app = typer.Typer(no_args_is_help=True, help="Held mail")

Items = Annotated[list[int], typer.Argument(help="Numbers of held items, as `list` shows them")]
ReasonOption = Annotated[str, typer.Option(help="Why, for the record")]


@app.command("list", epilog="Example: postern quarantine list --text invoice")
def list_(
    text: Annotated[str, typer.Option(help="Words in subject, author or address")] = "",
    recipient: Annotated[str, typer.Option(help="Held for this address; * stands for anything")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Held mail, newest first."""
    query = HeldQuery(terms=tuple(text.split()), recipient=recipient)
    items = with_custody(config, data, lambda custody: custody.held(query, after=None, limit=limit))
    if as_json:
        out.print_json(json.dumps([{**to_plain(each), "message": text_of(each.message_id)} for each in items]))
        return
    table = Table("Item", "Held", "From", "Subject", "For", "As", "Rule", "Score", title="Quarantine")
    for each in items:
        score = "–" if each.listing.score is None else f"{each.listing.score:.1f}"
        table.add_row(
            str(each.id), when(each.received_at), each.listing.author_address or each.reverse_path,
            each.listing.subject[:60], each.recipient, each.quarantine, each.judgement.rule, score,
        )  # fmt: skip
    out.print(table)


@app.command("show")
def show(item: int, config: ConfigOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """One held item with its reasons."""
    found = with_custody(config, data, lambda custody: custody.held_item(item))
    if found is None:
        fail(f"there is no held item {item}", code=1)
    if as_json:
        out.print_json(json.dumps({**to_plain(found), "message": text_of(found.message_id)}))
        return
    out.print(f"{found.listing.author_name} <{found.listing.author_address}> to {found.recipient}", markup=False)
    out.print(f"{found.listing.subject}  ({text_of(found.message_id)}, {found.state.value})", markup=False)
    judgement = found.judgement
    out.print(f"Held as {found.quarantine} by {judgement.rule} ({judgement.file}:{judgement.line})", markup=False)
    for code, words in judgement.reasons:
        out.print(f"    {code}: {words}", markup=False)


@app.command("release")
def release(items: Items, reason: ReasonOption = "", config: ConfigOption = None, data: DataOption = None) -> None:
    """Deliver held mail, after a second malware scan."""
    settings = settings_of(config, data)

    async def act(custody: Custody) -> list[Result]:
        folders = Folders(settings.data.resolve())
        policy = LivePolicy(settings, folders)
        async with looking_again(settings, folders, scanning=lambda: policy().scanning) as again:
            return [
                await release_item(
                    custody, again.look, actor=_me(), recipient_id=each, reason=reason, feedback=_feedback(settings)
                )
                for each in items
            ]

    _tell(with_custody(config, data, act))


@app.command("delete")
def delete(items: Items, reason: ReasonOption = "", config: ConfigOption = None, data: DataOption = None) -> None:
    """Drop held mail for good; the record of it stays."""

    async def act(custody: Custody) -> list[Result]:
        return [await delete_item(custody, actor=_me(), recipient_id=each, reason=reason) for each in items]

    _tell(with_custody(config, data, act))


@app.command("report", epilog="Example: postern quarantine report 1041 --as phishing")
def report(
    items: Items,
    label: Annotated[MailClass, typer.Option("--as", help="What it is")] = MailClass.SPAM,
    reason: ReasonOption = "",
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Drop held mail, and teach the classifier what it was."""
    if label is MailClass.HAM:
        fail("what is ham is released")
    feedback = _feedback(settings_of(config, data))

    async def act(custody: Custody) -> list[Result]:
        return [
            await report_item(custody, feedback, actor=_me(), recipient_id=each, label=label, reason=reason)
            for each in items
        ]

    _tell(with_custody(config, data, act))


def _feedback(settings: Settings) -> Feedback:
    return Feedback(Ledger(Folders(settings.data.resolve()).lessons), SystemClock())


def _me() -> Actor:
    return Actor(name=actor(), role=Role.ADMINISTRATOR)


def _tell(results: list[Result]) -> None:
    for each in results:
        out.print(f"{each.recipient_id}: {each.text}", markup=False)
    if any(each.ending in (Ending.REFUSED, Ending.ABSENT) for each in results):
        raise typer.Exit(1)
