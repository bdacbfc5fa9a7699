"""DMARC reports: who sends mail in our name, and how much of it passes, as others saw it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.console.access import AnOffice, AnyStaff
from gateway.console.pages.rendering import page
from gateway.reports.sources import DAY, Day, summary_of

router = APIRouter(include_in_schema=False)

DAYS: Final = 30
WIDTH: Final = 960.0
HEIGHT: Final = 119.0
GAP: Final = 2.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day, in the drawing's units: what passed stands on the ground, what failed on it."""

    day: Day
    x: float
    passed: float
    failed: float

    @property
    def top(self) -> float:
        """Where what passed begins."""
        return round(HEIGHT - self.passed, 2)

    @property
    def crown(self) -> float:
        """Where what failed begins."""
        return round(HEIGHT - self.passed - self.failed, 2)


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
        bars=bars_of(summary.days, now=now),
        width=round(WIDTH / DAYS - GAP, 2),
        mailbox=office.ports.settings.reports.mailbox,
        own_domain=office.ports.settings.domain,
    )


def bars_of(days: tuple[Day, ...], *, now: float) -> tuple[Bar, ...]:
    """A bar for each day with mail, today at the right end."""
    today = int(now - now % DAY)
    most = max((day.passed + day.failed for day in days), default=0) or 1
    pitch = WIDTH / DAYS
    bars = []
    for day in days:
        place = DAYS - 1 - (today - day.at) // DAY
        if 0 <= place < DAYS:
            passed, failed = round(HEIGHT * day.passed / most, 2), round(HEIGHT * day.failed / most, 2)
            bars.append(Bar(day, round(place * pitch, 2), passed, failed))
    return tuple(bars)
