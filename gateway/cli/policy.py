"""`postern policy`: is it right, and what would it do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.app.installation import Folders
from gateway.app.policies import PolicyError
from gateway.app.recipients import domains
from gateway.cli.options import ConfigOption, DataOption, fail, out, settings_of
from gateway.policy.language.parse import load

app = typer.Typer(no_args_is_help=True, help="The policy")


@app.command("check", epilog="Example: postern policy check policies/")
def check(
    folder: Annotated[
        Path | None, typer.Argument(help="Folder of the policy", show_default="the configured one")
    ] = None,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Validate a policy. Every problem is shown with file, line, column and mend."""
    settings = settings_of(config, data)
    try:
        added = domains.read(Folders(settings.data.resolve()).domains)
        policy = load(folder or settings.policy, extra_recipients=added)
    except PolicyError as error:
        fail("\n".join(str(problem) for problem in error.problems), code=1)
    except domains.DomainError as error:
        fail(str(error), code=1)
    out.print(f"The policy is good: {len(policy.rules)} rules, version {policy.version}.")
