"""Who is asking, may they, and did they mean to: the dependencies that stand in front of every route.

A state-changing request needs three things: a session, the session's form token, and no sign of coming from another
site (Origin, Sec-Fetch-Site). The WebSocket checks the same but the token.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from gateway.console.doorlists import Doorlists
from gateway.console.office import Office
from gateway.console.problems import Problem
from gateway.console.staff.people import PeopleError
from gateway.console.staff.sessions import Session, csrf_token
from gateway.quarantine.rights import Actor, Role
from gateway.settings import Settings
from gateway.telemetry import log

STAFF: Final = frozenset({Role.ADMINISTRATOR, Role.OPERATOR, Role.AUDITOR})
EVERYBODY: Final = frozenset(Role)
HANDS: Final = EVERYBODY - {Role.AUDITOR}
"""Those who may act at all; what each may do to which item is said in `quarantine/rights.py`."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody signed in, and the token that their forms must carry."""

    actor: Actor
    session: Session
    csrf: str


def cookie_name(settings: Settings) -> str:
    """The session cookie. The prefix makes browsers insist on Secure, the whole host and no domain (RFC 6265bis)."""
    return "__Host-postern" if settings.console.secure_cookies else "postern"


def office_of(connection: HTTPConnection) -> Office:
    """The office that this request came to."""
    office: Office = connection.app.state.office
    return office


def visitor_of(connection: HTTPConnection) -> Visitor | None:
    """Who is asking; None: nobody whose session still holds. The role is the account's of this moment."""
    office = office_of(connection)
    key = connection.cookies.get(cookie_name(office.ports.settings), "")
    session = office.sessions.find(key) if key else None
    if session is None:
        return None
    if session.seal:
        try:
            account = office.people.find(session.person)
        except PeopleError as error:
            log().error("accounts unreadable", why=str(error))
            return None
        if account is None or account.seal != session.seal:
            office.sessions.end(session)
            return None
        actor = Actor(account.name, account.role)
    else:
        actor = Actor(session.person, Role.USER, session.addresses)
    connection.state.person = actor.name
    return Visitor(actor, session, csrf_token(key))


def at_the_door(office: Office, visitor: Visitor) -> Doorlists:
    """What this person may do to who is shut out, and who has to come back."""
    ports = office.ports
    return Doorlists(ports.counters, ports.custody, ports.never_shut_out, actor=visitor.actor.name)


def from_elsewhere(connection: HTTPConnection) -> bool:
    """Whether a browser says that another site made it ask (Fetch Metadata; RFC 6454 section 7)."""
    if connection.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = connection.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != connection.headers.get("host", "")


class Allowed:
    """The dependency that lets some roles in. The role matrix and OpenAPI's `x-roles` are read off it."""

    def __init__(self, roles: frozenset[Role]) -> None:
        self.roles = roles

    async def __call__(self, request: Request) -> Visitor:
        """The visitor, or the problem that stops them: 401 for nobody, 403 for the wrong role."""
        visitor = visitor_of(request)
        if visitor is None:
            raise Problem(401, "Sign in, then try again.")
        if visitor.actor.role not in self.roles:
            names = ", ".join(sorted(role.value for role in self.roles))
            raise Problem(403, f"This is for: {names}.")
        return visitor


async def same_site(request: Request) -> None:
    """Stop a request that another site made."""
    if from_elsewhere(request):
        raise Problem(403, "This request came from another site.")


def check_token(visitor: Visitor, token: Any) -> None:
    """Stop a request whose form was not made for this session."""
    if not isinstance(token, str) or not hmac.compare_digest(token.encode(), visitor.csrf.encode()):
        raise Problem(403, "This form belongs to another session. Load the page again.")


async def with_token_header(request: Request) -> None:
    """For the API: the token stands in X-CSRF-Token. Who is not signed in is told so by `Allowed`."""
    await same_site(request)
    visitor = visitor_of(request)
    if visitor is not None:
        check_token(visitor, request.headers.get("x-csrf-token", ""))


async def _office(request: Request) -> Office:
    return office_of(request)


# All of these are coroutines: FastAPI would run plain functions in threads, where the sessions' file may not be used.
AnOffice = Annotated[Office, Depends(_office)]
Anybody = Annotated[Visitor, Depends(Allowed(EVERYBODY))]
AnyStaff = Annotated[Visitor, Depends(Allowed(STAFF))]
AnyStaffHands = Annotated[Visitor, Depends(Allowed(STAFF & HANDS))]
AnyHands = Annotated[Visitor, Depends(Allowed(HANDS))]
Deliberate = Depends(with_token_header)
