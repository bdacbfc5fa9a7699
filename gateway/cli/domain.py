"""`postern domain`: what we receive for, beside the domains of the policy. Takes effect without a restart."""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from gateway.app.installation import Folders, running_supervisor
from gateway.app.policies import PolicyError, load_policy
from gateway.app.recipients import domains
from gateway.cli.options import ConfigOption, DataOption, fail, folders_of, out, settings_of
from gateway.delivery.routes import BadRoute, parse_route

app = typer.Typer(no_args_is_help=True, help="Domains that we receive mail for")


class Validate(StrEnum):
    """How recipients of a domain are checked at RCPT."""

    MAILBOX = "mailbox"
    STATIC = "static"
    CALLAHEAD = "callahead"
    NONE = "none"


@app.command("add", epilog="Example: postern domain add example.net --route smtp://192.0.2.25:25 --validate none")
def add(
    name: Annotated[str, typer.Argument(help="The domain")],
    route: Annotated[str, typer.Option(help="mailbox, lmtp://HOST:PORT, lmtp+unix:PATH, smtp://HOST:PORT[,...] or mx")],
    validate: Annotated[Validate, typer.Option(help="How recipients are checked")] = Validate.NONE,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Receive for a domain and say where its mail goes."""
    try:
        parse_route(route, domain=name)
    except BadRoute as error:
        fail(f"{route}: {error}")
    folders = folders_of(config, data)
    try:
        before = domains.read(folders.domains)
        domains.add(folders.domains, domain=name, route=route, validate=validate.value)
        try:
            load_policy(settings_of(config, data), folders)
        except PolicyError:
            domains.replace(folders.domains, before)
            raise
    except (domains.DomainError, PolicyError) as error:
        fail(str(error))
    _reload(folders)
    out.print(f"Mail for {name} goes to {route}.")


@app.command("remove")
def remove(name: str, config: ConfigOption = None, data: DataOption = None) -> None:
    """Receive for a domain no more."""
    folders = folders_of(config, data)
    try:
        removed = domains.remove(folders.domains, domain=name)
    except domains.DomainError as error:
        fail(str(error))
    if not removed:
        fail(f"{name} was not added; `postern domain list` shows what was")
    _reload(folders)
    out.print(f"{name} is not received for any more.")


@app.command("list")
def list_(config: ConfigOption = None, data: DataOption = None) -> None:
    """What was added."""
    table = Table("Domain", "Route", "Recipients are checked by", title="Domains beside those of the policy")
    try:
        entries = domains.read(folders_of(config, data).domains)
    except domains.DomainError as error:
        fail(str(error))
    for entry in entries:
        table.add_row(str(entry.get("domain")), str(entry.get("route")), str(entry.get("validate")))
    out.print(table)


def _reload(folders: Folders) -> None:
    pid = running_supervisor(folders)
    if pid is not None:
        os.kill(pid, signal.SIGHUP)
