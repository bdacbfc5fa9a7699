"""Options that many verbs share, and how they become settings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from gateway import settings as configuration
from gateway.app.installation import Folders
from gateway.settings import Settings

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", envvar="POSTERN_CONFIG", help="Configuration file", show_default="built-in defaults"),
]
DataOption = Annotated[
    Path | None, typer.Option("--data", envvar="POSTERN_DATA", help="Data folder", show_default="./data")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

EXIT_USAGE = 2


def settings_of(config: Path | None, data: Path | None) -> Settings:
    """The settings that the options name, or exit with their errors."""
    try:
        return configuration.load(config, os.environ, data=data)
    except configuration.SettingsError as error:
        fail(str(error))


def folders_of(config: Path | None, data: Path | None) -> Folders:
    """The data folder that the options name."""
    return Folders(settings_of(config, data).data.resolve())


def ledger_folder(config: Path | None, data: Path | None) -> Path:
    """The ledger's folder, or exit with a word where there is none yet."""
    folder = folders_of(config, data).queue
    if not folder.is_dir():
        fail(f"{folder} is not there: nothing has run on this data folder yet (make run)")
    return folder


def fail(text: str, *, code: int = EXIT_USAGE) -> NoReturn:
    """Say what is wrong on standard error and leave."""
    err.print(text, style="bold red", markup=False, soft_wrap=True)
    raise typer.Exit(code)
