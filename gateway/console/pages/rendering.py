"""From a template and its words to a response: one engine, escaping always on, undefined words are errors.

Also knows what every page shows: who is signed in, theme, zone, what the house runs without, the note of the last act.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.console.access import STAFF, Visitor, office_of
from gateway.console.assets import Assets
from gateway.console.ports import Mood
from gateway.console.problems import Problem
from gateway.console.telling import words
from gateway.quarantine import review

THEMES: Final = frozenset({"light", "dark"})
ASSETS: Final = Assets()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("gateway.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = ASSETS.path
    for name in ("runs", "visible", "size", "count", "span", "machine_time", "clock_time", "full_time", "moment"):
        environment.filters[name] = getattr(words, name)
    environment.filters["left"] = _left
    environment.filters["chart_time"] = _chart_time
    return environment


def _chart_time(at: float, zone: tzinfo, hours: int) -> str:
    return words.clock_time(at, zone) if hours <= 24 else words.short_day(at, zone)


def _left(at: float, now: float) -> str:
    return f"{words.span(at - now)} left" if at > now else "expires now"


_ENGINE: Final = _environment()


def zone_of(request: Request) -> tzinfo:
    """The reader's zone, which their browser left in a cookie; UTC where it did not, or where this machine knows no
    zones."""
    name = request.cookies.get("zone", "")
    if not 0 < len(name) <= 64:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def theme_of(request: Request) -> str:
    """ "light", "dark", or empty: as the system has it."""
    theme = request.cookies.get("theme", "")
    return theme if theme in THEMES else ""


def bare(request: Request, template: str, status: int = 200, **shown: Any) -> HTMLResponse:
    """A page for somebody who need not be signed in."""
    text = _ENGINE.get_template(template).render(theme=theme_of(request), **shown)
    return HTMLResponse(text, status)


async def page(request: Request, visitor: Visitor, template: str, **shown: Any) -> HTMLResponse:
    """A page inside the house."""
    office = office_of(request)
    held = shown.pop("held", None)
    if held is None:
        held = await review.counts(office.ports.custody, visitor.actor)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return bare(
        request,
        template,
        visitor=visitor,
        staff=visitor.actor.role in STAFF,
        zone=zone_of(request),
        now=office.ports.clock.now(),
        missing=[each for each in office.ports.status() if each.mood is not Mood.UP],
        note=office.notes.take(visitor.session.key_hash),
        held_total=sum(held.values()),
        policy_version=office.ports.policy_version(),
        here=here,
        **shown,
    )


async def problem_page(request: Request, problem: Problem) -> Response:
    """A problem for people. Who is not signed in is sent to the door, and comes back after it."""
    if problem.status == 401 and request.method == "GET":
        return to_sign_in(request)
    response = bare(request, "problem.html", problem.status, problem=problem)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def to_sign_in(request: Request) -> Response:
    """Send to the sign-in page, with the way back."""
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = "" if here == "/" else "?" + urlencode({"next": here})
    return Response(status_code=303, headers={"Location": f"/sign-in{query}"})
