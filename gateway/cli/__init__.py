"""VERBS. The command line `postern`; each verb in a file of its own. Holds no logic about mail.

A verb's file is imported when the verb is called: `postern track` does not wait for what only `postern model` needs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperGroup

from gateway.telemetry import configure_logging


class Verb(NamedTuple):
    """Where a verb is found: a module of this room, what it is there (a function, or an app with verbs of its own)."""

    module: str
    attribute: str = "app"
    example: str = ""


VERBS: Final = {
    "run": Verb("run", "run", "postern run --data /var/lib/postern"),
    "scan": Verb("scan", "scan", "postern scan --json --ip 192.0.2.9 --rcpt alice@example.org mail.eml"),
    "doctor": Verb("doctor", "doctor"),
    "demo": Verb("demo", "demo"),
    "track": Verb("track", "track", "postern track --rcpt bob@example.org"),
    "explain-connection": Verb(
        "explain_connection", "explain", "postern explain-connection 192.0.2.9 --rcpt bob@example.org"
    ),
    "learn": Verb("learning", "learn", "postern learn spam junk/*.eml"),
    "reference": Verb("reference", "reference", "postern reference settings"),
    "policy": Verb("policy"),
    "queue": Verb("queue"),
    "quarantine": Verb("quarantine"),
    "model": Verb("model"),
    "user": Verb("user"),
    "domain": Verb("domain"),
    "bans": Verb("bans"),
    "greylist": Verb("greylist"),
    "dkim": Verb("dkim"),
    "reports": Verb("reports"),
}


class OnDemand(Mapping[str, Any]):
    """The commands of all verbs by name; each is loaded when it is looked up."""

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)

    def __getitem__(self, name: str) -> Any:
        verb = VERBS[name]
        found = getattr(import_module(f"gateway.cli.{verb.module}"), verb.attribute)
        if isinstance(found, typer.Typer):
            group = typer.main.get_group(found)
            group.name = name
            return group
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command(name, epilog=f"Example: {verb.example}" if verb.example else None)(found)
        return typer.main.get_command(alone)


class Verbs(TyperGroup):
    """The group of all verbs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{**given, "commands": OnDemand()})


app = typer.Typer(
    name="postern",
    cls=Verbs,
    help="Postern, an email security gateway: judges mail at the border, while the client still waits.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _every_verb() -> None:
    """Standard output belongs to the verb: what goes wrong inside is told on standard error."""
    configure_logging("command", level=logging.WARNING)
