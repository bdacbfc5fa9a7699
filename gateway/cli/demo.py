"""`postern demo`: play the sample messages through a running gateway and show where each went and why."""

from __future__ import annotations

import asyncio
import re
import smtplib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from gateway.app.installation import Folders, running_supervisor
from gateway.cli import probes
from gateway.cli.custody import with_custody
from gateway.cli.options import ConfigOption, DataOption, err, fail, out, settings_of
from gateway.queue.custody import Custody
from gateway.queue.identifiers import parse_id
from gateway.queue.records import RecipientRecord, TrackQuery
from gateway.queue.states import State

SAMPLES: Final = Path(__file__).resolve().parents[2] / "samples"
SETTLING: Final = 8.0
_LINE_END: Final = re.compile(rb"\r?\n")
_COLOUR: Final = {"delivered": "green", "held": "magenta", "refused": "red", "queued": "yellow", "deferred": "yellow"}


@dataclass(frozen=True, slots=True)
class Played:
    """One sample after it was sent."""

    about: str
    recipient: str
    answer: probes.Answer


def demo(
    folder: Annotated[Path, typer.Option("--samples", help="Folder with messages and envelopes.yaml")] = SAMPLES,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Send every sample to the MX of the running gateway and tell its story."""
    settings = settings_of(config, data)
    if running_supervisor(Folders(settings.data.resolve())) is None:
        fail("no gateway runs on this data folder; start one in another terminal: make run", code=1)
    envelopes: list[dict[str, Any]] = yaml.safe_load((folder / "envelopes.yaml").read_text(encoding="utf-8"))
    played = []
    with Progress(console=err, transient=True) as progress:
        for envelope in progress.track(envelopes, description="Sending"):
            octets = _LINE_END.sub(b"\r\n", (folder / envelope["file"]).read_bytes())
            try:
                answer = probes.send(
                    settings.listen.host, settings.listen.mx_port, sender=envelope["from"], recipient=envelope["to"],
                    octets=octets,
                )  # fmt: skip
            except (OSError, smtplib.SMTPException) as error:
                fail(f"the MX at {settings.listen.host}:{settings.listen.mx_port} does not answer: {error}", code=1)
            played.append(Played(envelope["about"], envelope["to"], answer))
    stories = with_custody(config, data, lambda custody: _stories(custody, played))
    table = Table("Sample", "For", "Where it went", "Why", title="Demo", show_lines=True)
    for each, (state, why) in zip(played, stories, strict=True):
        colour = _COLOUR.get(state, "default")
        table.add_row(
            each.about, each.recipient, f"[{colour}]{state}[/]\n[dim]{escape(str(each.answer))}[/]", escape(why)
        )
    out.print(table)
    console = f"http://{settings.listen.host}:{settings.listen.console_port}/quarantine"
    out.print(f"What was held waits in the quarantine: {console}")


async def _stories(custody: Custody, played: list[Played]) -> list[tuple[str, str]]:
    return [await _story(custody, each) for each in played]


async def _story(custody: Custody, played: Played) -> tuple[str, str]:
    """Where the sample stands and why, once it has settled."""
    if not played.answer.accepted_as:
        return "refused", await _why_refused(custody, played)
    ends = time.monotonic() + SETTLING
    while True:
        record = await custody.message(parse_id(played.answer.accepted_as))
        if record is None:
            return "unknown", ""
        recipient = record.recipients[0]
        if recipient.state not in (State.QUEUED, State.DEFERRED) or time.monotonic() > ends:
            return recipient.state.value, _why(recipient)
        await asyncio.sleep(0.1)


async def _why_refused(custody: Custody, played: Played) -> str:
    query = TrackQuery(message_id=played.answer.reference, recipient=played.recipient)
    rows = await custody.track(query, limit=1)
    said = [rows[0].rule, rows[0].reason] if rows else []
    return "\n".join([*filter(None, said), f"at {played.answer.stage.upper()}"])


def _why(recipient: RecipientRecord) -> str:
    judgement = recipient.judgement
    if not judgement.rule:
        return "no rule matched"
    reasons = [text for _, text in judgement.reasons[:4]]
    return "\n".join([f"{judgement.rule} (line {judgement.line})", *reasons])
