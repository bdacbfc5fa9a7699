"""Held mail over the API: find, look, release, delete."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from gateway.console import held
from gateway.console.access import AnOffice, Anybody, AnyHands, Deliberate
from gateway.console.api.models import (
    ActResult,
    Bulk,
    HeldDetail,
    HeldList,
    HeldParts,
    HeldText,
    Reason,
    detail_of,
    list_of,
    result_of,
)
from gateway.console.problems import Problem
from gateway.facts.evidence import to_plain
from gateway.facts.outcome import Known, known_or_none
from gateway.quarantine.release import Ending, Result
from gateway.quarantine.rights import Act

router = APIRouter(prefix="/api/v1/quarantine", tags=["quarantine"])

_STATUS = {Ending.REFUSED: 403, Ending.ABSENT: 404, Ending.GONE: 409}


@router.get("", summary="Find held mail")
async def find(
    office: AnOffice,
    visitor: Anybody,
    q: Annotated[str, Query(max_length=500, description="The search language of the console")] = "",
    cursor: Annotated[str, Query(max_length=13, description="`next_cursor` of the page before")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = held.PAGE,
) -> HeldList:
    """Newest first, cut down to what the person may see."""
    return list_of(await held.find(office, visitor.actor, text=q, cursor=cursor, limit=limit))


@router.get("/{id}", summary="One held message with its facts and its story")
async def show(office: AnOffice, visitor: Anybody, id: str) -> HeldDetail:
    """Also when it has been released or deleted since."""
    return detail_of(await held.opened(office, visitor.actor, id))


@router.get("/{id}/text", summary="Its text, made safe to read")
async def text(office: AnOffice, visitor: Anybody, id: str) -> HeldText:
    """Made by the anatomist when asked for; nothing of it is kept."""
    outcome = await held.preview(office, await held.item(office, visitor.actor, id))
    if not isinstance(outcome, Known):
        return HeldText(text=None, has_design=False, headers=[], unknown=outcome.why)
    seen = outcome.value
    return HeldText(text=seen.text, has_design=seen.html is not None, headers=list(seen.headers), unknown="")


@router.get("/{id}/parts", summary="What it is made of")
async def parts(office: AnOffice, visitor: Anybody, id: str) -> HeldParts:
    """As recorded when the message was judged."""
    opened = await held.opened(office, visitor.actor, id)
    content = known_or_none(opened.evidence.content) if opened.evidence is not None else None
    if content is None:
        return HeldParts(parts=None, links=None)
    plain: dict[str, Any] = to_plain(content)
    return HeldParts(parts=plain["parts"], links=plain["links"])


@router.post("/release", summary="Release several", dependencies=[Deliberate])
async def release_several(office: AnOffice, visitor: AnyHands, bulk: Bulk) -> list[ActResult]:
    """Each is scanned again first; each has a result of its own, and one that is refused stops no other."""
    results = await held.act(office, visitor.actor, Act.RELEASE, bulk.ids, reason=bulk.reason)
    return [result_of(each) for each in results]


@router.post("/delete", summary="Delete several", dependencies=[Deliberate])
async def delete_several(office: AnOffice, visitor: AnyHands, bulk: Bulk) -> list[ActResult]:
    """For good. Each has a result of its own."""
    results = await held.act(office, visitor.actor, Act.DELETE, bulk.ids, reason=bulk.reason)
    return [result_of(each) for each in results]


@router.post("/{id}/release", summary="Release one", dependencies=[Deliberate])
async def release(office: AnOffice, visitor: AnyHands, id: str, reason: Reason) -> ActResult:
    """Scanned again first. 403: rights or the scan forbid it; 409: it was no longer held."""
    return _one(await held.act(office, visitor.actor, Act.RELEASE, [id], reason=reason.reason))


@router.post("/{id}/delete", summary="Delete one", dependencies=[Deliberate])
async def delete(office: AnOffice, visitor: AnyHands, id: str, reason: Reason) -> ActResult:
    """For good. 409: it was no longer held."""
    return _one(await held.act(office, visitor.actor, Act.DELETE, [id], reason=reason.reason))


@router.post("/{id}/report", summary="Delete one and report it as spam", dependencies=[Deliberate])
async def report(office: AnOffice, visitor: AnyHands, id: str, reason: Reason) -> ActResult:
    """For good, and a lesson for the classifier. 409: it was no longer held."""
    return _one(await held.act(office, visitor.actor, Act.REPORT, [id], reason=reason.reason))


def _one(results: list[Result]) -> ActResult:
    (result,) = results
    if result.ending in _STATUS:
        # What is absent says nothing that would tell it from what never was.
        detail = "" if result.ending is Ending.ABSENT else result.text
        raise Problem(_STATUS[result.ending], detail)
    return result_of(result)
