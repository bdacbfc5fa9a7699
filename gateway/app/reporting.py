"""Reports to other domains and from them, put together for this installation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway import __version__
from gateway.app.installation import Folders
from gateway.app.reading import ReadingCarrier
from gateway.checks.authentication.public_suffixes import PublicSuffixes
from gateway.checks.dns.answering import Answering
from gateway.clock import Clock
from gateway.delivery.carrier import Carrier
from gateway.delivery.worker import timeouts_of
from gateway.mail.address import Address
from gateway.queue.custody import Custody
from gateway.reports.aggregate import Reporter
from gateway.reports.archive import Archive
from gateway.reports.daily import DailyReports
from gateway.reports.journal import Journal
from gateway.reports.reading import ReportReader, within_any
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
    suffixes: Callable[[], PublicSuffixes | None],
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
    return DailyReports(
        custody,
        resolver,
        journal,
        clock,
        reporter=reporter,
        sign=sign,
        destination_of=destination_of,
        suffixes=suffixes,
    )


def received_reports(folders: Folders) -> Archive:
    """What others sent about our domains."""
    return Archive(folders.reports / "dmarc-received")


def reading_carrier(
    settings: Settings, folders: Folders, *, domains: Callable[[], frozenset[str]], **carrying: Any
) -> Carrier | None:
    """The carrier that has reports read; None, for the usual one, where no mailbox of reports is named."""
    if not settings.reports.mailbox:
        return None
    reader = ReportReader(received_reports(folders), authserv_id=settings.hostname, is_ours=within_any(domains))
    return ReadingCarrier(
        reader,
        mailbox=Address.parse(settings.reports.mailbox),
        deliver=settings.reports.deliver,
        greet_as=settings.delivery.helo or settings.hostname,
        timeouts=timeouts_of(settings),
        **carrying,
    )
