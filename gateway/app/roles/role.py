"""One role process, `python -m gateway.app.roles.role ROLE`, as the supervisor starts it: logging, lifeline, signals,
and the work itself. Each role loads its own rooms only: an edge needs no web framework, the office no SMTP server.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from gateway import settings as configuration
from gateway.app.roles.signals import Signals
from gateway.settings import Settings
from gateway.supervisor.lifeline import Lifeline
from gateway.telemetry import configure_logging, log

Work = Callable[[Settings, int, Signals, Lifeline], Awaitable[None]]
"""What a role does until it is told to stop; the number tells processes of one role apart."""


def run_role(name: str, index: int, settings: Settings) -> None:
    """Run one role until it is told to stop. An exception ends the process loudly: it is started again."""
    configure_logging(f"{name}-{index}")
    work = _work_of(name)

    async def main() -> None:
        signals = Signals()
        signals.install()
        await work(settings, index, signals, Lifeline.inherited())
        log().info("role_ended")

    uvloop.run(main())


def _work_of(name: str) -> Work:
    match name:
        case "edge":
            from gateway.app.roles.edge import work
        case "courier":
            from gateway.app.roles.courier import work
        case "console":
            from gateway.app.roles.office import work
        case _:
            raise ValueError(f"there is no role {name}")
    return work


def main() -> None:
    """Read the command line that `gateway.app.run` writes."""
    parser = argparse.ArgumentParser(prog="gateway.app.roles.role")
    parser.add_argument("name", choices=("edge", "courier", "console"))
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--config", type=Path)
    parser.add_argument("--data", type=Path)
    chosen = parser.parse_args()
    run_role(chosen.name, chosen.index, configuration.load(chosen.config, os.environ, data=chosen.data))


if __name__ == "__main__":
    main()
