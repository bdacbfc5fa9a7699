"""`postern user`: mailboxes of the shipped store, and people who may use the console."""

from __future__ import annotations

import secrets
import sys
from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table

from gateway.app.accounts import AccountError, Accounts
from gateway.cli.options import ConfigOption, DataOption, fail, out, settings_of

app = typer.Typer(no_args_is_help=True, help="Mailboxes and console users")


class Role(StrEnum):
    """What a console user may do. A mailbox owner signs in with the mailbox's password and sees only mail to it."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"
    AUDITOR = "auditor"


StdinOption = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input")]
Name = Annotated[str, typer.Argument(help="A mailbox (alice@example.org) or a console user (ana)")]


@app.command("add", epilog="Example: echo secret | postern user add carol@example.org --password-stdin")
def add(
    name: Name,
    role: Annotated[Role | None, typer.Option(help="For console users: what they may do")] = None,
    password_stdin: StdinOption = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Add a mailbox, or a console user with --role."""
    password, shown = _password(from_stdin=password_stdin)
    try:
        accounts = Accounts(settings_of(config, data))
        if role is None:
            accounts.add_mailbox(name, password)
        else:
            accounts.add_person(name, password, role=role.value)
    except AccountError as error:
        fail(str(error))
    out.print(f"Added {name}." + (f" Password: {password}" if shown else ""))


@app.command("passwd")
def passwd(
    name: Name, password_stdin: StdinOption = False, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Set a new password."""
    password, shown = _password(from_stdin=password_stdin)
    try:
        Accounts(settings_of(config, data)).set_password(name, password)
    except AccountError as error:
        fail(str(error))
    out.print(f"{name} has a new password." + (f" It is: {password}" if shown else ""))


@app.command("remove")
def remove(name: Name, config: ConfigOption = None, data: DataOption = None) -> None:
    """Remove a mailbox (its mail stays on disk) or a console user."""
    try:
        Accounts(settings_of(config, data)).remove(name)
    except AccountError as error:
        fail(str(error))
    out.print(f"Removed {name}.")


@app.command("list")
def list_(config: ConfigOption = None, data: DataOption = None) -> None:
    """Everybody who can sign in somewhere."""
    table = Table("Name", "What", title="Accounts")
    for name, what in Accounts(settings_of(config, data)).listed():
        table.add_row(name, what)
    out.print(table)


def _password(*, from_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was made up here and has to be shown."""
    if not from_stdin:
        return secrets.token_urlsafe(12), True
    password = sys.stdin.readline().rstrip("\n")
    if not password:
        fail("no password came on standard input")
    return password, False
