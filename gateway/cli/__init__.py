"""VERBS. The command line `postern`; each verb in a file of its own. Holds no logic about mail."""

from __future__ import annotations

import logging

import typer

from gateway.cli import bans, dkim, domain, greylist, model, policy, quarantine, queue, reports, user
from gateway.cli.demo import demo
from gateway.cli.doctor import doctor
from gateway.cli.explain_connection import explain
from gateway.cli.model import learn
from gateway.cli.reference import reference
from gateway.cli.run import run
from gateway.cli.scan import scan
from gateway.cli.track import track
from gateway.telemetry import configure_logging

app = typer.Typer(
    name="postern",
    help="Postern, an email security gateway: judges mail at the border, while the client still waits.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _every_verb() -> None:
    """Standard output belongs to the verb: what goes wrong inside is told on standard error."""
    configure_logging("command", level=logging.WARNING)


app.command("run", epilog="Example: postern run --data /var/lib/postern")(run)
app.command("scan", epilog="Example: postern scan --json --ip 192.0.2.9 --rcpt alice@example.org mail.eml")(scan)
app.command("doctor")(doctor)
app.command("demo")(demo)
app.command("track", epilog="Example: postern track --rcpt bob@example.org")(track)
app.command("explain-connection", epilog="Example: postern explain-connection 192.0.2.9 --rcpt bob@example.org")(
    explain
)
app.command("learn", epilog="Example: postern learn spam junk/*.eml")(learn)
app.command("reference", epilog="Example: postern reference settings")(reference)
app.add_typer(policy.app, name="policy")
app.add_typer(queue.app, name="queue")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(model.app, name="model")
app.add_typer(user.app, name="user")
app.add_typer(domain.app, name="domain")
app.add_typer(bans.app, name="bans")
app.add_typer(greylist.app, name="greylist")
app.add_typer(dkim.app, name="dkim")
app.add_typer(reports.app, name="reports")
