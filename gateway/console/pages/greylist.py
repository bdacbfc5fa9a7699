"""The greylist as a page: who was asked to come back, and a button that lets them in at once."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from gateway.console.access import AnOffice, AnyStaff, AnyStaffHands, at_the_door, check_token, same_site
from gateway.console.doorlists import chosen
from gateway.console.pages.rendering import page
from gateway.console.problems import counters_asked
from gateway.quarantine.rights import Role

router = APIRouter(include_in_schema=False)

SHOWN: Final = 100

Sought = Annotated[str, Query(max_length=320)]
Written = Annotated[str, Form(max_length=320)]


@router.get("/greylist")
async def greylist(
    request: Request, office: AnOffice, visitor: AnyStaff, sender: Sought = "", recipient: Sought = ""
) -> Response:
    """The list, cut down to what was sought."""
    with counters_asked():
        waiting = await office.ports.counters.waiting()
    found = chosen(waiting, sender=sender, recipient=recipient)
    return await page(
        request,
        visitor,
        "greylist.html",
        section="greylist",
        rows=found[:SHOWN],
        found=len(found),
        total=len(waiting),
        sender=sender,
        recipient=recipient,
        acting=visitor.actor.role is not Role.AUDITOR,
    )


@router.post("/greylist/release", dependencies=[Depends(same_site)])
async def release(
    office: AnOffice,
    visitor: AnyStaffHands,
    csrf: Annotated[str, Form()] = "",
    id: Annotated[str, Form(max_length=20)] = "",
    sender: Written = "",
    recipient: Written = "",
) -> Response:
    """Let one in, or with the id `all` everybody who matches what was sought."""
    check_token(visitor, csrf)
    with counters_asked():
        if id == "all" and (sender or recipient):
            waiting = await office.ports.counters.waiting()
            numbers = [each.id for each in chosen(waiting, sender=sender, recipient=recipient)]
        else:
            numbers = [int(id)] if id.isascii() and id.isdecimal() else []
        number = await at_the_door(office, visitor).release(numbers)
    office.notes.leave(visitor.session.key_hash, _told(number))
    query = urlencode({name: value for name, value in (("sender", sender), ("recipient", recipient)) if value})
    return RedirectResponse("/greylist" + (f"?{query}" if query else ""), 303)


def _told(number: int) -> str:
    if not number:
        return "Nobody like that is waiting any more."
    return f"{'One sender' if number == 1 else f'{number} senders'} will be let in at the next try."
