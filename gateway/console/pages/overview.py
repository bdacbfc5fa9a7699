"""The Overview: is mail flowing, is anything wrong, what is held."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from gateway.console.access import STAFF, AnOffice, Anybody
from gateway.console.overview import Numbers, numbers
from gateway.console.pages.rendering import page
from gateway.console.ports import Mood
from gateway.console.telling.chart import STEPS, chart_of, span_of
from gateway.console.telling.rows import Kind, kind_named, row_of
from gateway.console.telling.words import span

router = APIRouter(include_in_schema=False)

BAR_UNITS = 200.0


@dataclass(frozen=True, slots=True)
class Sentence:
    """How the house is, in words that begin with what matters."""

    words: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True)
class Card:
    """One of the four numbers. `live` is the kind of event that adds to it, empty where none does."""

    word: str
    number: int
    note: str
    href: str = ""
    live: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """How many are held in one quarantine."""

    kind: Kind
    number: int
    width: float
    href: str


@router.get("/")
async def overview(request: Request, office: AnOffice, visitor: Anybody, hours: int = 24) -> Response:
    """For the staff. A mailbox owner's start is their held mail."""
    if visitor.actor.role not in STAFF:
        return RedirectResponse("/quarantine", 303)
    hours = hours if hours in STEPS else 24
    told = await numbers(office, visitor.actor, hours=hours)
    now = office.ports.clock.now()
    minutes = await office.ports.custody.minutes_since(span_of(now, hours)[0])
    ready, why = office.ports.custody.readiness()
    settings = office.ports.settings
    return await page(
        request,
        visitor,
        "overview.html",
        section="overview",
        held=told.held,
        told=told,
        periods=tuple(STEPS),
        sentence=sentence_of(told, storage="" if ready else why),
        chart=chart_of(minutes, now=now, hours=hours),
        cards=_cards(told, now=now),
        bars=_bars(told.held),
        rows=[row_of(item) for item in told.latest],
        fresh=not told.latest and not sum(told.outcomes.get(kind, 0) for kind in ("accepted", "refused")),
        sequence=told.sequence,
        domain=settings.domain,
        host=settings.listen.host,
        port=settings.listen.mx_port,
    )


def sentence_of(told: Numbers, *, storage: str) -> Sentence:
    """The state of the house; `storage` says why no mail can be stored, or is empty."""
    if storage:
        return Sentence(f"No mail can be stored: {storage}. Senders are told to come again.", "bad", "cross")
    down = sum(each.mood is Mood.DOWN for each in told.components)
    weak = sum(each.mood is Mood.DEGRADED for each in told.components)
    if not down and not weak:
        return Sentence("Mail can flow. Every part of the house is up.", "ok", "check")
    said = [f"{_number_word(down)} down" if down else "", f"{_number_word(weak)} not at full strength" if weak else ""]
    words = ", ".join(filter(None, said))
    return Sentence(f"Mail can flow. {words[0].upper()}{words[1:]}.", "warn", "triangle")


def _number_word(number: int) -> str:
    return "one part is" if number == 1 else f"{number} parts are"


def _cards(told: Numbers, *, now: float) -> list[Card]:
    period = {1: "last hour", 24: "last 24 hours", 168: "last 7 days"}.get(told.hours, f"last {told.hours} hours")
    held_now = sum(told.held.values())
    oldest = f"oldest {span(now - told.oldest)}" if told.oldest is not None else "now"
    return [
        Card("Delivered", told.outcomes.get("delivered", 0), period, live="delivered"),
        Card("Held", told.outcomes.get("held", 0), f"{period}; {held_now} now", href="/quarantine", live="held"),
        Card("Refused", told.outcomes.get("refused", 0), period, live="refused"),
        Card("Waiting", told.waiting, oldest),
    ]


def _bars(held: dict[str, int]) -> list[Bar]:
    most = max(held.values(), default=1)
    ordered = sorted(held.items(), key=lambda each: (-each[1], each[0]))
    return [
        Bar(kind_named(name), number, round(BAR_UNITS * number / most, 1), f"/quarantine?q=class%3A{name}")
        for name, number in ordered
    ]
