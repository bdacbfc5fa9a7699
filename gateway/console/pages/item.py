"""One held message: why it is held, who says they sent it, and as much of it as can be shown without danger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from gateway.console import held
from gateway.console.access import STAFF, AnOffice, Anybody, Visitor
from gateway.console.held import OpenItem
from gateway.console.office import Office
from gateway.console.pages.rendering import page, zone_of
from gateway.console.telling.rows import row_of
from gateway.console.telling.search import read
from gateway.console.telling.story import Story, differs, story_of
from gateway.console.telling.words import moment, visible
from gateway.facts.content import AuthorFact
from gateway.facts.outcome import Known
from gateway.quarantine import review
from gateway.quarantine.rights import Act, Danger, danger_of, refusal
from gateway.queue.identifiers import text_of
from gateway.queue.records import Event
from gateway.queue.states import State

router = APIRouter(include_in_schema=False)

STAFF_VIEWS: Final = ("text", "design", "parts", "links", "facts", "headers", "story")
USER_VIEWS: Final = ("text", "design", "parts")
_ASKS_THE_ANATOMIST: Final = frozenset({"text", "design", "headers"})
_NAMES: Final = {
    "text": "Text",
    "design": "As designed",
    "parts": "Parts",
    "links": "Links",
    "facts": "Signals",
    "headers": "Header",
    "story": "Story",
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One view of the message; `number` says how many rows it has, 0 where that says nothing."""

    name: str
    word: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One event of the story, in words."""

    at: float
    word: str
    recipient: str
    actor: str
    detail: str


@router.get("/quarantine/{id}")
async def item(
    request: Request,
    office: AnOffice,
    visitor: Anybody,
    id: str,
    view: str = "text",
    images: int = 0,
    q: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """The page, with one of its views open."""
    opened = await held.opened(office, visitor.actor, id)
    staff = visitor.actor.role in STAFF
    views = STAFF_VIEWS if staff else USER_VIEWS
    view = view if view in views else "text"
    story = story_of(opened.evidence) if opened.evidence is not None else None
    zone, now = zone_of(request), office.ports.clock.now()
    return await page(
        request,
        visitor,
        "item.html",
        section="quarantine",
        q=q,
        back="/quarantine" + (f"?{urlencode({'q': q})}" if q else "") + f"#row-{text_of(opened.item.id)}",
        query_tail=f"?{urlencode({'q': q})}" if q else "",
        query_more=f"&{urlencode({'q': q})}" if q else "",
        following=await _following(office, visitor, opened, q),
        message_id=text_of(opened.item.message_id),
        item=opened.item,
        row=row_of(opened.item),
        story=story,
        view=view,
        images=bool(images),
        tabs=_tabs(views, story, opened),
        lines=[_line(each) for each in opened.events],
        **_heading(opened, zone=zone, now=now),
        **_rights(visitor, opened),
        **await _looked_at(office, visitor, opened, view),
    )


async def _following(office: Office, visitor: Visitor, opened: OpenItem, q: str) -> str:
    query = read(q, now=office.ports.clock.now()).query
    items, _ = await review.page(office.ports.custody, visitor.actor, query, after=opened.item.id, limit=1)
    return text_of(items[0].id) if items else ""


def _tabs(views: tuple[str, ...], story: Story | None, opened: OpenItem) -> list[Tab]:
    numbers = {"story": len(opened.events)}
    if story is not None:
        numbers |= {"parts": len(story.parts), "links": len(story.links), "facts": len(story.signals)}
    return [Tab(name, _NAMES[name], numbers.get(name, 0)) for name in views]


def _heading(opened: OpenItem, *, zone: tzinfo, now: float) -> dict[str, Any]:
    item, evidence = opened.item, opened.evidence
    listing = item.listing
    recorded = evidence.message.authors if evidence is not None else ()
    single = AuthorFact(listing.author_name, listing.author_address, "") if listing.author_address else None
    settled = opened.settled
    words = f"This copy is {item.state.value} now."
    if settled is not None:
        said = settled.detail.get("reason")
        reason = f": “{visible(str(said), 500)}”" if said else "."
        by = f" by {visible(settled.actor, 80)}" if settled.actor else ""
        words = f"{settled.kind.capitalize()}{by} {moment(settled.at, now, zone)}{reason}"
    return {
        "subject": listing.subject or "No subject",
        "authors": recorded or ((single,) if single else ()),
        "reverse_differs": differs(item.reverse_path, listing.author_address),
        "header_id": listing.message_id,
        "recipients": _recipients(opened),
        "others": 0 if len(opened.message.recipients) < 2 else len(opened.message.recipients) - 1,
        "judged_by": opened.message.policy_version,
        "is_held": item.state is State.HELD,
        "settled": words,
    }


def _recipients(opened: OpenItem) -> list[str]:
    """Whom the reader may know of: the evidence has been cut down to these."""
    recorded = opened.evidence.recipients if opened.evidence is not None else ()
    return list(recorded[:50]) or [opened.item.recipient]


def _rights(visitor: Visitor, opened: OpenItem) -> dict[str, Any]:
    not_release = refusal(visitor.actor, Act.RELEASE, opened.item)
    not_delete = refusal(visitor.actor, Act.DELETE, opened.item)
    return {
        "may_release": not_release is None,
        "may_delete": not_delete is None,
        "why_not": not_release or "",
        "reason_needed": danger_of(opened.item) is Danger.MALWARE and not_release is None,
    }


async def _looked_at(office: Office, visitor: Visitor, opened: OpenItem, view: str) -> dict[str, Any]:
    if view not in _ASKS_THE_ANATOMIST:
        return {"preview": None, "preview_unknown": "", "ticket": ""}
    outcome = await held.preview(office, opened.item)
    if not isinstance(outcome, Known):
        return {"preview": None, "preview_unknown": visible(outcome.why), "ticket": ""}
    ticket = office.tickets.give(visitor.session.key_hash, opened.item.id) if view == "design" else ""
    return {"preview": outcome.value, "preview_unknown": "", "ticket": ticket}


def _line(event: Event) -> Line:
    detail = "; ".join(f"{key} {_told(value)}" for key, value in event.detail.items() if value not in ("", None))
    return Line(
        at=event.at,
        word=visible(event.kind, 40).capitalize(),
        recipient=visible(event.recipient, 120),
        actor=visible(event.actor, 80),
        detail=visible(detail, 500),
    )


def _told(value: object) -> str:
    """A value of an event's detail, as people read it."""
    match value:
        case dict():
            return ", ".join(f"{key} {_told(each)}" for key, each in value.items())
        case list():
            return " and ".join(_told(each) for each in value)
    return str(value)
