"""`postern reports`: DMARC aggregate reports that others sent about our domains."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gateway.app.installation import Folders
from gateway.app.policies import load_policy
from gateway.app.recipients.domains import DomainError
from gateway.app.reporting import received_reports
from gateway.checks.dns.domains import host_domain
from gateway.cli.options import ConfigOption, DataOption, JsonOption, err, fail, out, settings_of
from gateway.facts.evidence import to_plain
from gateway.policy.problem import PolicyError
from gateway.reports.archive import Archive
from gateway.reports.reading import within_any
from gateway.reports.received import ReceivedReport, parse
from gateway.reports.unpacking import MAX_OCTETS, BadReport, xml_of

app = typer.Typer(no_args_is_help=True, help="Reports about mail in the name of our domains")
dmarc = typer.Typer(no_args_is_help=True, help="DMARC aggregate reports (RFC 9990)")
app.add_typer(dmarc, name="dmarc")


@dmarc.command("read", epilog="Example: postern reports dmarc read report.eml other.xml.gz")
def read(
    files: Annotated[list[Path], typer.Argument(help="Messages, XML, gzip or zip files; - is standard input")],
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Read reports about our domains and keep them. Exit 1 if one of the files is none; the others are kept all the
    same."""
    archive = _archive(config, data)
    ours = _ours(config, data)
    bad = 0
    for file in files:
        try:
            report = parse(xml_of(_octets(file)))
            if not ours(host_domain(report.domain) or ""):
                raise BadReport(f"it is about {report.domain}, which is no domain of ours")
            name = archive.keep(report)
        except (BadReport, OSError) as error:
            err.print(f"{file}: {error}", style="red", markup=False)
            bad += 1
            continue
        out.print(f"{name}: {report.organization} about {report.domain}, {report.messages} messages", markup=False)
    raise typer.Exit(1 if bad else 0)


@dmarc.command("list")
def list_(
    domain: Annotated[str, typer.Option(help="Only reports about this domain")] = "",
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """All reports, the newest first."""
    reports = [pair for pair in _archive(config, data).all() if not domain or pair[1].domain == domain.lower()]
    if as_json:
        rows = [{**to_plain(each), "id": name, "rows": len(each.rows), "messages": each.messages, "passed": each.passed}
                for name, each in reports]  # fmt: skip
        out.print_json(json.dumps(rows))
        return
    table = Table("Id", "Day", "Domain", "Reporter", "Messages", "Passed", title="DMARC reports", title_justify="left")
    for name, each in reports:
        table.add_row(
            name, _day(each), escape(each.domain), escape(each.organization), str(each.messages), _share(each)
        )
    out.print(table)


@dmarc.command("show")
def show(
    report: Annotated[str, typer.Argument(help="Id of a report")],
    config: ConfigOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """One report with its rows, the most frequent first."""
    found = _archive(config, data).find(report)
    if found is None:
        fail(f"there is no report {report}", code=1)
    if as_json:
        out.print_json(json.dumps(to_plain(found)))
        return
    title = f"{escape(found.organization)} about {escape(found.domain)} (p={escape(found.policy)}), {_day(found)}"
    table = Table("Source", "Messages", "Author", "Reverse-path", "SPF", "DKIM", "Disposition", title=title)
    for row in sorted(found.rows, key=lambda row: -row.count):
        disposition = ", ".join([row.disposition, *row.reasons])
        texts = (row.source_ip, str(row.count), row.header_from, row.envelope_from, row.spf, row.dkim, disposition)
        table.add_row(*map(escape, texts))
    out.print(table)


def _archive(config: Path | None, data: Path | None) -> Archive:
    return received_reports(Folders(settings_of(config, data).data.resolve()))


def _ours(config: Path | None, data: Path | None) -> Callable[[str], bool]:
    settings = settings_of(config, data)
    try:
        policy = load_policy(settings, Folders(settings.data.resolve()))
    except (PolicyError, DomainError) as error:
        fail(f"the policy says which domains are ours, and cannot be read: {error}", code=1)
    return within_any(lambda: frozenset(policy.recipients))


def _octets(file: Path) -> bytes:
    stream = sys.stdin.buffer if str(file) == "-" else file.open("rb")
    with stream:
        return stream.read(MAX_OCTETS + 1)


def _day(report: ReceivedReport) -> str:
    return f"{datetime.fromtimestamp(report.begin, UTC):%Y-%m-%d}"


def _share(report: ReceivedReport) -> str:
    return f"{100 * report.passed / report.messages:.1f} %" if report.messages else "–"
