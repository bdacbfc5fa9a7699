"""DMARC reports: who sends mail in our name, and how much of it passes, as others saw it."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.console.access import AnOffice, AnyStaff
from gateway.console.pages.rendering import page
from gateway.console.telling.columns import Columns, columns_of
from gateway.reports.sources import DAY, Day, summary_of

router = APIRouter(include_in_schema=False)

DAYS: Final = 30
GAP: Final = 2.0


@router.get("/reports")
async def reports(request: Request, office: AnOffice, visitor: AnyStaff, domain: str = "") -> Response:
    """The last thirty days, of one domain or of all."""
    now = office.ports.clock.now()
    received = await asyncio.to_thread(office.ports.received_reports)
    every = [each for each in received if each.begin >= now - DAYS * DAY]
    domains = tuple(sorted({each.domain for each in every}))
    chosen = domain.lower() if domain.lower() in domains else ""
    summary = summary_of(each for each in every if not chosen or each.domain == chosen)
    return await page(
        request,
        visitor,
        "reports.html",
        section="reports",
        summary=summary,
        domains=domains,
        chosen=chosen,
        days=DAYS,
        drawing=drawing_of(summary.days, now=now),
        mailbox=office.ports.settings.reports.mailbox,
        own_domain=office.ports.settings.domain,
    )


def drawing_of(days: tuple[Day, ...], *, now: float) -> Columns:
    """A column for each day with mail, today at the right end: what failed stands on what passed."""
    today = int(now - now % DAY)
    numbers = [(DAYS - 1 - (today - day.at) // DAY, day.passed, day.failed) for day in days]
    return columns_of(numbers, places=DAYS, gap=GAP)
