"""`postern learn`, and what `postern model` says and does about what people taught: ledger, update, going back."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gateway.app.fingerprinting import take_fingerprints
from gateway.app.installation import Folders
from gateway.app.learning import Ending, Update, go_back, update
from gateway.cli.options import ConfigOption, DataOption, fail, folders_of, out, settings_of
from gateway.clock import SystemClock
from gateway.facts.content import MailClass
from gateway.settings import Settings
from gateway.spam.artefact import ModelError, read_manifest
from gateway.spam.site.teachers import teachers_of
from gateway.spam.site.teaching import (
    LEAST,
    OPERATOR,
    Accepted,
    Ledger,
    TeachingError,
    Way,
    accepted,
    as_wire,
    sender_in,
)
from gateway.spam.site.versions import Versions

app = typer.Typer()


class What(StrEnum):
    """What `rollback` goes back with."""

    TRAINED = "trained"
    TAUGHT = "taught"


@app.command("rollback", epilog="Example: postern model rollback --of taught")
def rollback(
    of: Annotated[
        What | None, typer.Option(help="The artefact, or what was taught over it", show_default="what changed last")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Go back to the version before: of the artefact, or of what people taught over it."""
    settings = settings_of(config, data)
    versions = Versions(Folders(settings.data.resolve()).layer)
    if (of or _changed_last(settings.model, versions)) is What.TRAINED:
        _go_back_to_the_last_training(settings.model)
        return
    name = asyncio.run(go_back(settings, Folders(settings.data.resolve()), now=SystemClock().now()))
    if name is None:
        fail("nothing was learnt between trainings")
    out.print(
        f"Back to {name}, and held there: `postern model update` learns again. Running roles follow by themselves."
    )


@app.command("update", epilog="Example: postern model update")
def update_(config: ConfigOption = None, data: DataOption = None) -> None:
    """Learn now from what people taught; after `rollback`, learn again. Exit 1: the gate refused it."""
    settings = settings_of(config, data)
    Versions(Folders(settings.data.resolve()).layer).go_on()
    _update(settings)


@app.command("ledger", epilog="Example: postern model ledger")
def ledger(config: ConfigOption = None, data: DataOption = None) -> None:
    """Who taught what here, and what of it may be learnt."""
    lessons, damaged = Ledger(folders_of(config, data).lessons).lessons()
    found = accepted(lessons)
    table = Table("Who", "Ham", "Spam", "Phishing", "Learnt of it", title="Lessons")
    for each in sorted(teachers_of(lessons, found), key=lambda each: each.name):
        table.add_row(escape(each.name), *map(str, (each.ham, each.spam, each.phishing, each.learnt)))
    out.print(table)
    for reason, count in found.aside.items():
        out.print(f"Set aside, {reason}: {count}")
    if damaged:
        out.print(f"Damaged lines, left out: {damaged}")
    out.print(_enough(found))


@app.command("forget", epilog="Example: postern model forget bob@example.org")
def forget(
    who: Annotated[str, typer.Argument(help="Whose lessons are taken back")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Take back all that somebody taught, and learn again without it."""
    settings = settings_of(config, data)
    count = Ledger(settings.data.resolve() / "lessons").forget(who, at=SystemClock().now())
    out.print(f"{count} lessons of {escape(who)} taken back. What a training learnt of them needs another training.")
    _update(settings)


def learn(
    label: Annotated[MailClass, typer.Argument(help="What the messages are")],
    files: Annotated[list[Path], typer.Argument(help="Messages, one a file", exists=True, dir_okay=False)],
    by: Annotated[
        str, typer.Option("--by", help="Who says so; all but the operator may only teach so much")
    ] = OPERATOR,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Keep messages as lessons, and learn from all there are, if there are enough."""
    settings = settings_of(config, data)
    kept = Ledger(settings.data.resolve() / "lessons")
    for file in files:
        octets = as_wire(file.read_bytes())
        try:
            kept.teach(octets, label=label, by=by, way=Way.COMMAND, sender=sender_in(octets), at=SystemClock().now())
        except TeachingError as error:
            fail(f"{file}: {error}")
    found = accepted(kept.lessons()[0])
    out.print(f"{len(files)} lessons of {label.value} kept. {_enough(found)}")
    if found.enough:
        _update(settings)
    else:
        _take_fingerprints(settings)


def _update(settings: Settings) -> None:
    found = asyncio.run(_learn_all(settings))
    out.print(found.text, markup=False)
    if found.ending is Ending.REFUSED:
        raise typer.Exit(1)


async def _learn_all(settings: Settings) -> Update:
    folders = Folders(settings.data.resolve())
    await take_fingerprints(settings, folders, now=SystemClock().now())
    return await update(settings, folders)


def _take_fingerprints(settings: Settings) -> None:
    count = asyncio.run(take_fingerprints(settings, Folders(settings.data.resolve()), now=SystemClock().now()))
    out.print(f"Mail with nearly the text of {count} lessons is known again.")


def _enough(found: Accepted) -> str:
    ham, bad = found.sides
    state = "enough to learn from" if found.enough else f"not learnt yet: {LEAST} of each are needed"
    return f"{ham} of ham and {bad} of unwanted mail count; {state}."


def _changed_last(model: Path, versions: Versions) -> What:
    try:
        trained = (model / "manifest.json").stat().st_mtime
    except FileNotFoundError:
        trained = 0.0
    return What.TAUGHT if versions.changed > trained else What.TRAINED


def _go_back_to_the_last_training(folder: Path) -> None:
    previous = folder.with_name(f"{folder.name}.previous")
    if not previous.exists():
        fail(f"{previous} is not there: nothing was trained over")
    aside = folder.with_name(f"{folder.name}.aside")
    folder.rename(aside)
    previous.rename(folder)
    aside.rename(previous)
    try:
        name = read_manifest(folder).sha256[:12]
    except ModelError as error:
        fail(str(error), code=3)
    out.print(f"Back to {name}. Restart to load it.")
