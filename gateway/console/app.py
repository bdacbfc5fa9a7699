"""The office put together: `create_app(ports)` gives the FastAPI application that `postern run` serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from gateway import __version__
from gateway.console.access import Allowed
from gateway.console.api import bans, greylist, health, live, overview, quarantine, session
from gateway.console.headers import Kind, kind_of
from gateway.console.newsroom import Newsroom
from gateway.console.office import Office
from gateway.console.pages import bans as bans_page
from gateway.console.pages import classifier as classifier_page
from gateway.console.pages import door, item, preview, statics
from gateway.console.pages import greylist as greylist_page
from gateway.console.pages import overview as overview_page
from gateway.console.pages import quarantine as quarantine_page
from gateway.console.pages import reports as reports_page
from gateway.console.pages.rendering import problem_page
from gateway.console.ports import OfficePorts
from gateway.console.problems import Problem, as_json
from gateway.console.staff.people import People
from gateway.console.staff.sessions import Sessions
from gateway.console.staff.signin import Reception
from gateway.console.staff.tickets import Tickets
from gateway.console.wall import Wall

PEOPLE_FILE: Final = "people.yaml"
SESSIONS_FILE: Final = "sessions.sqlite3"

ROUTERS: Final = (
    *(each.router for each in (session, quarantine, greylist, bans, overview, live, health)),
    *(each.router for each in (door, overview_page, quarantine_page, preview, item)),
    *(each.router for each in (greylist_page, bans_page, reports_page, classifier_page, statics)),
)
"""Every way in: the API first, then the pages."""


def create_app(ports: OfficePorts) -> FastAPI:
    """The application. Its lifespan watches the ledger for news, and closes the sessions' file at the end."""
    ports.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    people = People(ports.folder / PEOPLE_FILE)
    seconds = ports.settings.console.session_hours * 3600
    office = Office(
        ports=ports,
        people=people,
        sessions=Sessions(ports.folder / SESSIONS_FILE, clock=ports.clock, seconds=seconds),
        reception=Reception(people, ports.authenticate_mailbox, ports.clock),
        newsroom=Newsroom(ports.custody),
        tickets=Tickets(ports.clock),
    )
    app = FastAPI(
        title="Postern",
        version=__version__,
        description="The office of a mail gateway: held mail, and what is known about it.",
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.office = office
    for router in ROUTERS:
        _tell_roles(router.routes)
        app.include_router(router)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    https = ports.settings.console.secure_cookies
    app.add_middleware(Wall, clock=ports.clock, https=https, render=answer)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    office: Office = app.state.office
    await office.newsroom.begin()
    watching = asyncio.ensure_future(office.newsroom.run())
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        office.sessions.close()


def roles_of(route: BaseRoute) -> list[str] | None:
    """The roles that a route lets in; None: everybody, without a sign-in."""
    dependant = getattr(route, "dependant", None)
    asked = [each.call for each in dependant.dependencies] if dependant is not None else []
    found = [each.roles for each in asked if isinstance(each, Allowed)]
    return sorted(role.value for role in frozenset.intersection(*found)) if found else None


def _tell_roles(routes: list[BaseRoute]) -> None:
    for route in routes:
        roles = roles_of(route)
        if roles is not None and getattr(route, "include_in_schema", False):
            route.openapi_extra = {"x-roles": roles}  # type: ignore[attr-defined]


async def answer(request: Request, problem: Problem) -> Response:
    """A problem in the form that suits the path: JSON for the API, a page for people."""
    if kind_of(request.url.path, problem.status) is Kind.API:
        return as_json(problem)
    return await problem_page(request, problem)


async def _on_problem(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return await answer(request, problem)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return await answer(request, Problem(error.status_code, headers=error.headers))


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"pointer": "/" + "/".join(str(step) for step in each["loc"]), "detail": each["msg"]}
        for each in error.errors()[:20]
    ]
    return await answer(request, Problem(422, "Some values do not fit.", {"errors": errors}))
