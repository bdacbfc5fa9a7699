"""`postern run`: everything, or some roles, in the foreground."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from gateway.app.accounts import AccountError
from gateway.app.installation import AlreadyRunning
from gateway.app.policies import PolicyError
from gateway.app.recipients.domains import DomainError
from gateway.app.run import ALL, Installation, Role
from gateway.cli.options import ConfigOption, DataOption, fail, settings_of
from gateway.settings import SettingsError
from gateway.supervisor.sockets import PortTaken


def run(
    role: Annotated[list[Role] | None, typer.Option(help="Run only this role; may repeat")] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Run the gateway in the foreground until Ctrl-C. Prints one JSON line when every listener accepts."""
    settings = settings_of(config, data)
    try:
        Installation(settings, config, frozenset(role) if role else ALL).run(os.environ)
    except (AlreadyRunning, PortTaken, PolicyError, DomainError, AccountError, SettingsError, OSError) as error:
        fail(str(error), code=1)
