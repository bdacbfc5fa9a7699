"""The classifier: which model serves and how good it was on mail it had not seen, who taught it what and a button that
takes it back, where people and it differ, and whether its scores keep what they promise."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from gateway.console.access import AnOffice, AnyStaff, AnyStaffHands, check_token, same_site
from gateway.console.office import Office
from gateway.console.pages.rendering import page
from gateway.console.ports import Lessons
from gateway.console.problems import Problem
from gateway.console.telling.columns import Columns, columns_of
from gateway.quarantine.rights import Role
from gateway.queue.deeds import Deed
from gateway.spam.site.drift import WEEKS, Week
from gateway.spam.site.teaching import LEAST, MOST_BY_PERSON
from gateway.spam.site.trial import Band, Finding

router = APIRouter(include_in_schema=False)

GAP: Final = 8.0
SHARE_UNITS: Final = 120.0
MARK: Final = 3.0
"""How wide the mark of a promise is, in the units of a share's bar."""
TONES: Final = {Finding.FITS: "ok", Finding.TOO_HIGH: "warn", Finding.TOO_LOW: "warn", Finding.NOTHING: ""}


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
        drawing=drawing_of(standing.drift.weeks),
        rows=[row_of(each) for each in bands],
        tested=sum(each.count for each in bands),
        by_person=MOST_BY_PERSON,
        acting=visitor.actor.role is not Role.AUDITOR and office.ports.lessons is not None,
    )


@router.post("/classifier/go-back", dependencies=[Depends(same_site)])
async def go_back(office: AnOffice, visitor: AnyStaffHands, csrf: Annotated[str, Form()] = "") -> Response:
    """Let what was taught before serve again."""
    check_token(visitor, csrf)
    name = await _lessons(office).go_back()
    if name is None:
        told = "Nothing was learnt that one could go back from."
    else:
        await office.ports.custody.note(Deed.WENT_BACK, actor=visitor.actor.name, recipient="", detail={"to": name})
        told = f"Back to {name}, and held there."
    office.notes.leave(visitor.session.key_hash, told)
    return RedirectResponse("/classifier", 303)


@router.post("/classifier/go-on", dependencies=[Depends(same_site)])
async def go_on(office: AnOffice, visitor: AnyStaffHands, csrf: Annotated[str, Form()] = "") -> Response:
    """Learn again from what people teach."""
    check_token(visitor, csrf)
    await _lessons(office).go_on()
    await office.ports.custody.note(Deed.WENT_ON, actor=visitor.actor.name, recipient="", detail={})
    office.notes.leave(visitor.session.key_hash, "It learns again within a minute.")
    return RedirectResponse("/classifier", 303)


def _lessons(office: Office) -> Lessons:
    if office.ports.lessons is None:
        raise Problem(503, "What people taught cannot be changed here.")
    return office.ports.lessons


def drawing_of(weeks: tuple[Week, ...]) -> Columns:
    """A column for each week, the last at the right end: what was taken for bad stands on what was taken for good."""
    first = WEEKS - len(weeks)
    numbers = [(first + place, each.taken_for_good, each.taken_for_bad) for place, each in enumerate(weeks)]
    return columns_of(numbers, places=WEEKS, gap=GAP)


def row_of(band: Band) -> Row:
    """How a band is told."""
    if math.isinf(band.low):
        words = f"below {band.high:g}"
    else:
        words = f"{band.low:g} and more" if math.isinf(band.high) else f"{band.low:g} to {band.high:g}"
    words = words.replace("-", "\N{MINUS SIGN}")
    return Row(band, words, round(SHARE_UNITS * band.share, 1), round((SHARE_UNITS - MARK) * band.promised, 1))
