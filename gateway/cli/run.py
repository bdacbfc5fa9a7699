"""`postern run`, and the hidden verb by which the supervisor starts each role."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from gateway.app.installation import AlreadyRunning
from gateway.app.policies import PolicyError
from gateway.app.run import ALL, Installation, Role
from gateway.cli.options import ConfigOption, DataOption, fail, settings_of
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
    except (AlreadyRunning, PortTaken, PolicyError, OSError) as error:
        fail(str(error), code=1)


def role(
    name: Annotated[Role, typer.Argument()],
    index: Annotated[int, typer.Option()] = 0,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """One role process, started by the supervisor."""
    # Each role loads only its own rooms: an edge needs no web framework, the console no SMTP server.
    from gateway.app.role import run_role

    settings = settings_of(config, data)
    match name:
        case Role.EDGE:
            from gateway.app import edge

            run_role(f"edge-{index}", lambda signals, lifeline: edge.work(settings, index, signals, lifeline))
        case Role.COURIER:
            from gateway.app import courier

            run_role(f"courier-{index}", lambda signals, lifeline: courier.work(settings, index, signals, lifeline))
        case Role.CONSOLE:
            from gateway.app import office

            run_role("console", lambda signals, lifeline: office.work(settings, signals, lifeline))
        case Role.MAILBOX:
            fail("the mailbox role is Dovecot itself: `postern run --role mailbox` starts it", code=1)
