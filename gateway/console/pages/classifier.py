"""The classifier: which model serves, where people and it differ, and whether its scores keep what they promise."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.console.access import AnOffice, AnyStaff
from gateway.console.pages.rendering import page
from gateway.spam.site.drift import WEEKS, Week
from gateway.spam.site.teaching import LEAST
from gateway.spam.site.trial import Band, Finding

router = APIRouter(include_in_schema=False)

WIDTH: Final = 960.0
HEIGHT: Final = 119.0
GAP: Final = 8.0
SHARE_UNITS: Final = 120.0
MARK: Final = 3.0
"""How wide the mark of a promise is, in the units of a share's bar."""
TONES: Final = {Finding.FITS: "ok", Finding.TOO_HIGH: "warn", Finding.TOO_LOW: "warn", Finding.NOTHING: ""}


@dataclass(frozen=True, slots=True)
class Column:
    """One week, in the drawing's units: what was taken for good stands on the ground, what was taken for bad on it."""

    week: Week
    x: float
    good: float
    bad: float

    @property
    def top(self) -> float:
        """Where what was taken for good begins."""
        return round(HEIGHT - self.good, 2)

    @property
    def crown(self) -> float:
        """Where what was taken for bad begins."""
        return round(HEIGHT - self.good - self.bad, 2)


@dataclass(frozen=True, slots=True)
class Row:
    """One band of scores, in words and as a bar: how much of it is unwanted, and a mark where it was promised."""

    band: Band
    words: str
    width: float
    mark: float

    @property
    def tone(self) -> str:
        """Of the finding."""
        return TONES[self.band.finding]


@router.get("/classifier")
async def classifier(request: Request, office: AnOffice, visitor: AnyStaff) -> Response:
    """For the staff."""
    standing = await asyncio.to_thread(office.ports.classifier)
    bands = standing.trial.bands() if standing.trial is not None else ()
    return await page(
        request,
        visitor,
        "classifier.html",
        section="classifier",
        standing=standing,
        least=LEAST,
        columns=columns_of(standing.drift.weeks),
        width=round(WIDTH / WEEKS - GAP, 2),
        rows=[row_of(each) for each in bands],
        tested=sum(each.count for each in bands),
    )


def columns_of(weeks: tuple[Week, ...]) -> tuple[Column, ...]:
    """A column for each week, the last at the right end; none where nothing was overturned."""
    most = max((each.taken_for_good + each.taken_for_bad for each in weeks), default=0)
    if not most:
        return ()
    pitch, empty = WIDTH / WEEKS, WEEKS - len(weeks)
    return tuple(
        Column(
            each,
            round((empty + place) * pitch, 2),
            round(HEIGHT * each.taken_for_good / most, 2),
            round(HEIGHT * each.taken_for_bad / most, 2),
        )
        for place, each in enumerate(weeks)
    )


def row_of(band: Band) -> Row:
    """How a band is told."""
    if math.isinf(band.low):
        words = f"below {band.high:g}"
    else:
        words = f"{band.low:g} and more" if math.isinf(band.high) else f"{band.low:g} to {band.high:g}"
    words = words.replace("-", "\N{MINUS SIGN}")
    return Row(band, words, round(SHARE_UNITS * band.share, 1), round((SHARE_UNITS - MARK) * band.promised, 1))
