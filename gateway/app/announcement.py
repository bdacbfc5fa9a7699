"""What the person at the terminal is told when all is up: addresses, first passwords, what is missing and its mend; and
the one line of JSON by which programs know that every listener accepts.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

DOORS: Final = {
    "mx": "SMTP from the internet (MX)",
    "submission": "Submission, STARTTLS and sign-in",
    "submissions": "Submission, TLS",
    "imap": "IMAP",
    "imaps": "IMAP, TLS",
    "pop3": "POP3",
    "pop3s": "POP3, TLS",
    "sieve": "ManageSieve",
    "console": "Console and API",
}
"""Every door in the order in which people want to know it."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One open door: a name of `DOORS`, and where it listens."""

    door: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that could not be started, why it matters, and the line that mends it."""

    what: str
    effect: str
    mend: str


@dataclass(frozen=True, slots=True)
class Opening:
    """What there is to say. `passwords` are those made at the first start, and empty ever after."""

    domain: str
    listeners: tuple[Listener, ...]
    passwords: dict[str, str]
    passwords_file: Path
    missing: tuple[Missing, ...]


def announce(opening: Opening, *, data: Path) -> None:
    """Tables on standard error for people, one JSON line on standard output for programs."""
    console = Console(stderr=True, highlight=False)
    console.print(f"\n[bold]Postern is up and serves {opening.domain}[/]")
    console.print(_addresses(opening.listeners))
    if opening.passwords:
        console.print(f"\n[bold]Passwords[/], shown once and kept in {opening.passwords_file}", soft_wrap=True)
        console.print(_passwords(opening.passwords))
    if opening.missing:
        console.print("\n[bold yellow]Not available[/]")
        console.print(_missing(opening.missing))
    console.print("\nCtrl-C drains and stops. In another terminal: [bold]make demo[/], [bold]postern doctor[/]\n")
    ready = {
        "event": "ready",
        "pid": os.getpid(),
        "data": str(data),
        "listeners": [{"door": each.door, "host": each.host, "port": each.port} for each in opening.listeners],
        "missing": [each.what for each in opening.missing],
    }
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _addresses(listeners: tuple[Listener, ...]) -> Table:
    table = Table("Door", "Address")
    order = list(DOORS)
    for each in sorted(listeners, key=lambda listener: order.index(listener.door)):
        scheme = "http://" if each.door == "console" else ""
        table.add_row(DOORS[each.door], f"{scheme}{each.host}:{each.port}")
    return table


def _passwords(passwords: dict[str, str]) -> Table:
    table = Table("Sign in as", "Password")
    for name, password in passwords.items():
        table.add_row(name, password)
    return table


def _missing(missing: tuple[Missing, ...]) -> Table:
    table = Table("Missing", "So", "Mend", border_style="yellow")
    for each in missing:
        table.add_row(each.what, each.effect, each.mend)
    return table
