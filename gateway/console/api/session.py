"""Signing in and out over the API, and who one is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Request, Response

from gateway.console.access import AnOffice, Anybody, Deliberate, Visitor, same_site
from gateway.console.api.models import Me, SignIn
from gateway.console.doorkeeper import admit, dismiss
from gateway.console.telling.words import machine_time

router = APIRouter(prefix="/api/v1", tags=["session"])


@router.post("/session", summary="Sign in", dependencies=[Depends(same_site)])
async def sign_in(
    request: Request, response: Response, office: AnOffice, who: Annotated[SignIn, Body(media_type="application/json")]
) -> Me:
    """Sets the session cookie. Too many wrong tries are answered 429 with Retry-After."""
    return _me(await admit(office, request, response, name=who.name, password=who.password))


@router.delete("/session", summary="Sign out", status_code=204, dependencies=[Deliberate])
async def sign_out(response: Response, office: AnOffice, visitor: Anybody) -> None:
    """Ends this session everywhere."""
    dismiss(office, response, visitor)


@router.get("/me", summary="Who is signed in")
async def me(visitor: Anybody) -> Me:
    """Also tells the token that acts need."""
    return _me(visitor)


def _me(visitor: Visitor) -> Me:
    return Me(
        name=visitor.actor.name,
        role=visitor.actor.role,
        addresses=sorted(visitor.actor.addresses),
        csrf_token=visitor.csrf,
        ends_at=machine_time(visitor.session.ends_at),
    )
