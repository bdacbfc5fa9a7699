"""The outer wall of the office, around every request: bounded body, security header fields, one log line, and a reply
for what nobody expected. Never logs a query string, a body, a cookie or a subject.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.clock import Clock
from gateway.console.headers import fields_for
from gateway.console.problems import Problem
from gateway.telemetry import log

MAX_BODY: Final = 64 * 1024
"""Octets of any request: the largest is a bulk act over 500 ids."""

Render = Callable[[Request, Problem], Awaitable[Response]]


class _TooLarge(HTTPException):
    """The body went past `MAX_BODY`. Of this type because FastAPI makes 400 of any other, raised while it reads."""

    def __init__(self) -> None:
        super().__init__(413)


class Wall:
    """ASGI middleware, outermost. `render` makes the answer for a problem."""

    def __init__(self, app: ASGIApp, *, clock: Clock, https: bool, render: Render) -> None:
        self._app = app
        self._clock = clock
        self._https = https
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._clock.monotonic()
        status = 0

        async def guarded_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                fields = MutableHeaders(scope=message)
                for name, value in fields_for(scope["path"], status, https=self._https).items():
                    fields[name] = value
            await send(message)

        try:
            await self._inside(scope, receive, guarded_send, answered=lambda: status != 0)
        finally:
            route = scope.get("route")
            log().info(
                "request",
                method=scope["method"],
                route=getattr(route, "path", "-"),
                status=status,
                milliseconds=round((self._clock.monotonic() - began) * 1000, 1),
                person=scope.get("state", {}).get("person", ""),
            )

    async def _inside(self, scope: Scope, receive: Receive, send: Send, *, answered: Callable[[], bool]) -> None:
        request = Request(scope, receive)
        try:
            if _declared_length(request) > MAX_BODY:
                raise _TooLarge
            await self._app(scope, _bounded(receive), send)
        except _TooLarge:
            problem = Problem(413, f"A request may have {MAX_BODY} octets.", headers={"Connection": "close"})
        except Exception as error:  # noqa: BLE001 - the last line: whatever it was becomes a log line and a reply
            reference = secrets.token_hex(4)
            log().error("request failed", reference=reference, error=type(error).__name__, exc_info=error)
            problem = Problem(500, f"The log has it under {reference}.", {"reference": reference})
        else:
            return
        if not answered():
            await (await self._render(request, problem))(scope, receive, send)


def _declared_length(request: Request) -> int:
    declared = request.headers.get("content-length", "0")
    return int(declared) if declared.isdecimal() and len(declared) < 20 else MAX_BODY + 1


def _bounded(receive: Receive) -> Receive:
    seen = 0

    async def bounded_receive() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > MAX_BODY:
                raise _TooLarge
        return message

    return bounded_receive
