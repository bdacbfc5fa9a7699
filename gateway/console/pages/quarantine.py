"""The list of held mail, and the acts from it. The same page for staff and for a mailbox owner, who sees less."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from gateway.console import held
from gateway.console.access import AnOffice, Anybody, AnyHands, check_token, same_site
from gateway.console.pages.rendering import page, zone_of
from gateway.console.problems import Problem
from gateway.console.telling.rows import Kind, kind_named, row_of
from gateway.console.telling.words import day
from gateway.quarantine.release import MAX_REASON, Ending, Result
from gateway.quarantine.rights import Act, Role

router = APIRouter(include_in_schema=False)


_ACTS: Final = {"release": Act.RELEASE, "delete-now": Act.DELETE, "report-now": Act.REPORT}
_DONE: Final = {Act.RELEASE: "Released", Act.DELETE: "Deleted", Act.REPORT: "Reported as spam"}


@dataclass(frozen=True, slots=True)
class View:
    """A ready-made search, and how many it finds."""

    kind: Kind
    q: str
    href: str
    number: int


@router.get("/quarantine")
async def quarantine(
    request: Request,
    office: AnOffice,
    visitor: Anybody,
    q: Annotated[str, Query(max_length=500)] = "",
    cursor: Annotated[str, Query(max_length=13)] = "",
) -> Response:
    """One page of held mail, newest first, by day."""
    found = await held.find(office, visitor.actor, text=q, cursor=cursor)
    zone, now = zone_of(request), office.ports.clock.now()
    rows = [row_of(item) for item in found.items]
    days = [(name, list(those)) for name, those in groupby(rows, key=lambda row: day(row.received_at, now, zone))]
    return await page(
        request,
        visitor,
        "quarantine.html",
        section="quarantine",
        held=found.counts,
        q=q,
        hints=found.search.hints,
        views=_views(found.counts),
        days=days,
        cursor=found.cursor,
        more="/quarantine?" + urlencode({"q": q, "cursor": found.cursor}),
        acting=visitor.actor.role is not Role.AUDITOR,
        sequence=found.sequence,
    )


@router.post("/quarantine/act", dependencies=[Depends(same_site)])
async def act(
    request: Request,
    office: AnOffice,
    visitor: AnyHands,
    csrf: Annotated[str, Form()] = "",
    act: Annotated[str, Form()] = "",
    id: Annotated[list[str] | None, Form()] = None,
    reason: Annotated[str, Form(max_length=MAX_REASON)] = "",
    q: Annotated[str, Form(max_length=500)] = "",
    next: Annotated[str, Form(max_length=13)] = "",
    origin: Annotated[str, Form(alias="from", max_length=10)] = "",
) -> Response:
    """Release, delete or report what was selected, and go on with the next. A first `delete` asks if one is sure."""
    check_token(visitor, csrf)
    onward = next if next.isalnum() else ""
    if act not in _ACTS and act != "delete":
        raise Problem(422, "There is no such act.")
    if not id:
        office.notes.leave(visitor.session.key_hash, "Nothing was selected.")
        return RedirectResponse(_list(q, ""), 303)
    if act == "delete":
        rows = [row_of(await held.item(office, visitor.actor, name)) for name in dict.fromkeys(id[: held.MAX_BULK])]
        return await page(
            request, visitor, "confirm.html", section="quarantine", rows=rows, q=q, reason=reason, next=onward
        )
    wanted = _ACTS[act]
    results = await held.act(office, visitor.actor, wanted, id, reason=reason)
    office.notes.leave(visitor.session.key_hash, summed_up(wanted, results))
    stays = origin == "item" and any(each.ending is Ending.REFUSED for each in results)
    if stays:
        return RedirectResponse(f"/quarantine/{id[0]}" if id[0].isalnum() else "/quarantine", 303)
    return RedirectResponse(_list(q, onward), 303)


def summed_up(act: Act, results: list[Result]) -> str:
    """What became of an act, in one line: how many, and for the rest why not."""
    done = [each for each in results if each.ending is Ending.DONE]
    if len(results) == 1:
        return results[0].text
    said = [f"{_DONE[act]} {len(done)} of {len(results)}."]
    for text, number in Counter(each.text for each in results if each not in done).most_common(4):
        said.append(f"{number}: {text}")
    return " ".join(said)


def _list(q: str, onward: str) -> str:
    query = "?" + urlencode({"q": q}) if q else ""
    return f"/quarantine{query}#row-{onward}" if onward else f"/quarantine{query}"


def _views(counts: dict[str, int]) -> list[View]:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [
        View(kind_named(name), f"class:{name}", "/quarantine?" + urlencode({"q": f"class:{name}"}), number)
        for name, number in ordered
        if name
    ]
