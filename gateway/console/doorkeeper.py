"""Letting people in and out: sign-in turned into a session and its cookie, for the page and for the API alike."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.console.access import Visitor, cookie_name
from gateway.console.office import Office
from gateway.console.problems import Problem
from gateway.console.staff.sessions import csrf_token
from gateway.console.staff.signin import NotSignedIn


async def admit(office: Office, request: Request, response: Response, *, name: str, password: str) -> Visitor:
    """Begin a session and set its cookie, or raise the `Problem` that says why not."""
    client = request.client.host if request.client else ""
    answer = await office.reception.sign_in(name, password, client=client)
    if isinstance(answer, NotSignedIn):
        if answer.retry_after:
            raise Problem(429, answer.text, headers={"Retry-After": str(answer.retry_after)})
        raise Problem(503 if answer.unavailable else 401, answer.text)
    actor = answer.actor
    key, session = office.sessions.begin(actor.name, seal=answer.seal, addresses=actor.addresses)
    console = office.ports.settings.console
    response.set_cookie(
        cookie_name(office.ports.settings),
        key,
        max_age=int(console.session_hours * 3600),
        path="/",
        httponly=True,
        secure=console.secure_cookies,
        # Without the protection of the __Host- prefix no other site's link may bring the cookie along.
        samesite="lax" if console.secure_cookies else "strict",
    )
    return Visitor(actor, session, csrf_token(key))


def dismiss(office: Office, response: Response, visitor: Visitor) -> None:
    """End the session and take its cookie back."""
    office.sessions.end(visitor.session)
    console = office.ports.settings.console
    response.delete_cookie(cookie_name(office.ports.settings), path="/", httponly=True, secure=console.secure_cookies)
