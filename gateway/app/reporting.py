"""Reports to other domains, put together for this installation."""

from __future__ import annotations

from collections.abc import Callable

from gateway import __version__
from gateway.app.installation import Folders
from gateway.checks.dns.answering import Answering
from gateway.clock import Clock
from gateway.mail.address import Address
from gateway.queue.custody import Custody
from gateway.reports.aggregate import Reporter
from gateway.reports.daily import DailyReports
from gateway.reports.journal import Journal
from gateway.settings import Settings


def daily_reports(
    settings: Settings,
    folders: Folders,
    custody: Custody,
    resolver: Answering,
    clock: Clock,
    *,
    sign: Callable[[bytes], bytes],
    destination_of: Callable[[Address], str],
) -> DailyReports:
    """DMARC aggregate reports in our name."""
    said = settings.reports
    reporter = Reporter(
        receiver=settings.hostname,
        organization=said.organization or settings.hostname,
        email=said.email or f"postmaster@{settings.domain}",
        generator=f"Postern {__version__}",
    )
    journal = Journal(folders.reports / "dmarc-sent")
    return DailyReports(custody, resolver, journal, clock, reporter=reporter, sign=sign, destination_of=destination_of)
