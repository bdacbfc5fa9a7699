"""Signing in and out, and the theme: the pages around the house."""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import RedirectResponse, Response

from gateway.console.access import AnOffice, Anybody, check_token, same_site, visitor_of
from gateway.console.doorkeeper import admit, dismiss
from gateway.console.office import Office
from gateway.console.pages.rendering import THEMES, bare
from gateway.console.problems import Problem

router = APIRouter(include_in_schema=False)

_YEAR: Final = 365 * 86400


@router.get("/sign-in")
async def sign_in_page(request: Request, office: AnOffice, next: str = "/") -> Response:
    """The card with two fields."""
    if visitor_of(request) is not None:
        return RedirectResponse(home(next), 303)
    return _card(request, office, name="", onward=next, problem="", status=200)


@router.post("/sign-in", dependencies=[Depends(same_site)])
async def sign_in(
    request: Request,
    office: AnOffice,
    name: Annotated[str, Form(max_length=320)] = "",
    password: Annotated[str, Form(max_length=1024)] = "",
    csrf: Annotated[str, Form(max_length=100)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Before there is a session the form's token must equal the one in a cookie of its own (a login cannot be forged
    either)."""
    expected = request.cookies.get(_door_cookie(office), "")
    if not expected or not hmac.compare_digest(expected.encode(), csrf.encode()):
        return _card(request, office, name=name, onward=next, problem="Please try once more.", status=403)
    response = RedirectResponse(home(next), 303)
    try:
        await admit(office, request, response, name=name, password=password)
    except Problem as problem:
        card = _card(request, office, name=name, onward=next, problem=problem.detail, status=problem.status)
        card.headers.update(problem.headers)
        return card
    response.delete_cookie(_door_cookie(office), path="/", secure=office.ports.settings.console.secure_cookies)
    return response


@router.post("/sign-out", dependencies=[Depends(same_site)])
async def sign_out(office: AnOffice, visitor: Anybody, csrf: Annotated[str, Form()] = "") -> Response:
    """End the session."""
    check_token(visitor, csrf)
    response = RedirectResponse("/sign-in", 303)
    dismiss(office, response, visitor)
    return response


@router.post("/theme", dependencies=[Depends(same_site)])
async def theme(
    visitor: Anybody,
    office: AnOffice,
    csrf: Annotated[str, Form()] = "",
    theme: Annotated[str, Form()] = "",
    back: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """Light, dark, or as the system has it."""
    check_token(visitor, csrf)
    response = RedirectResponse(home(back), 303)
    secure = office.ports.settings.console.secure_cookies
    response.set_cookie(
        "theme", theme if theme in THEMES else "", max_age=_YEAR, path="/", samesite="lax", secure=secure
    )
    return response


def home(onward: str) -> str:
    """A way back that stays on this site: a path of ours, or the start."""
    is_path = onward.startswith("/") and not onward.startswith(("//", "/\\"))
    return onward if is_path and onward.isascii() and onward.isprintable() and "\\" not in onward else "/"


def _door_cookie(office: Office) -> str:
    return "__Host-postern-door" if office.ports.settings.console.secure_cookies else "postern-door"


def _card(request: Request, office: Office, *, name: str, onward: str, problem: str, status: int) -> Response:
    token = request.cookies.get(_door_cookie(office), "") or secrets.token_urlsafe(24)
    response = bare(request, "signin.html", status, name=name, next=home(onward), token=token, problem=problem)
    response.set_cookie(
        _door_cookie(office),
        token,
        max_age=3600,
        path="/",
        httponly=True,
        samesite="strict",
        secure=office.ports.settings.console.secure_cookies,
    )
    return response
