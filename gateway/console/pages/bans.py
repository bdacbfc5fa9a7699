"""Bans as a page: who is shut out, a form that shuts somebody out, and a button that lets them in again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from gateway.console.access import AnOffice, AnyStaff, AnyStaffHands, Visitor, at_the_door, check_token, same_site
from gateway.console.doorlists import MAX_REASON
from gateway.console.office import Office
from gateway.console.pages.rendering import page
from gateway.console.problems import Problem, counters_asked
from gateway.quarantine.rights import Role

router = APIRouter(include_in_schema=False)

Network = Annotated[str, Form(max_length=60)]


@router.get("/bans")
async def bans(request: Request, office: AnOffice, visitor: AnyStaff) -> Response:
    """The list, the newest first."""
    return await _list(request, office, visitor)


@router.post("/bans/add", dependencies=[Depends(same_site)])
async def add(
    request: Request,
    office: AnOffice,
    visitor: AnyStaffHands,
    csrf: Annotated[str, Form()] = "",
    network: Network = "",
    lasting: Annotated[str, Form(max_length=20)] = "1d",
    reason: Annotated[str, Form(max_length=MAX_REASON)] = "",
) -> Response:
    """Shut out. What was written wrongly stands in the form again, with what is wrong."""
    check_token(visitor, csrf)
    try:
        with counters_asked():
            ban = await at_the_door(office, visitor).shut_out(network.strip(), lasting=lasting.strip(), reason=reason)
    except Problem as problem:
        if problem.status != 422:
            raise
        written = {"network": network, "lasting": lasting, "reason": reason}
        return await _list(request, office, visitor, wrong=problem.detail, written=written)
    office.notes.leave(visitor.session.key_hash, f"{ban.network} is shut out.")
    return RedirectResponse("/bans", 303)


@router.post("/bans/remove", dependencies=[Depends(same_site)])
async def remove(
    office: AnOffice, visitor: AnyStaffHands, csrf: Annotated[str, Form()] = "", network: Network = ""
) -> Response:
    """Let in again."""
    check_token(visitor, csrf)
    with counters_asked():
        done = await at_the_door(office, visitor).let_in(network)
    told = f"{network} is let in again." if done else f"{network} was not shut out any more."
    office.notes.leave(visitor.session.key_hash, told)
    return RedirectResponse("/bans", 303)


async def _list(
    request: Request, office: Office, visitor: Visitor, *, wrong: str = "", written: dict[str, str] | None = None
) -> Response:
    with counters_asked():
        found = await office.ports.counters.bans()
    response = await page(
        request,
        visitor,
        "bans.html",
        section="bans",
        rows=found[:200],
        total=len(found),
        wrong=wrong,
        written=written or {"network": "", "lasting": "1d", "reason": ""},
        acting=visitor.actor.role is not Role.AUDITOR,
    )
    response.status_code = 422 if wrong else 200
    return response
