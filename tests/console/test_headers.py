"""The table of header fields, as every kind of answer really carries it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from gateway.console.app import create_app
from gateway.console.headers import STRICT_TRANSPORT, TABLE, Kind
from gateway.console.pages.rendering import ASSETS
from gateway.console.ports import OfficePorts
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.settings import Console, Settings
from tests.console.conftest import Caller, SignIn
from tests.console.seed import PHISHING, hold


async def test_every_kind_of_answer_has_its_row(
    signed_in: SignIn, visit: Callable[[], Caller], custody: Custody, app: FastAPI
) -> None:
    (item,) = await hold(custody, PHISHING, now=time.time())
    name = text_of(item.id)
    operator, stranger = await signed_in("operator"), visit()
    key = operator.client.cookies["postern"]
    session = app.state.office.sessions.find(key)
    ticket = app.state.office.tickets.give(session.key_hash, item.id)
    answers = {
        Kind.PAGE: [
            await operator.get("/"),
            await operator.get("/quarantine"),
            await operator.get(f"/quarantine/{name}"),
            await operator.get("/quarantine/nothing"),
            await operator.get(f"/quarantine/{name}/render?t=wrong"),
            await operator.get("/static/nothing.css"),
            await stranger.get("/sign-in"),
            await stranger.get("/quarantine"),
            await operator.client.post("/quarantine/act", content=b"x" * 70_000),
        ],
        Kind.PREVIEW: [await operator.get(f"/quarantine/{name}/render?t={ticket}")],
        Kind.STATIC: [await stranger.get(ASSETS.path(each)) for each in ("postern.css", "postern.js", "icons.svg")],
        Kind.API: [
            await operator.get("/api/v1/quarantine"),
            await stranger.get("/api/v1/quarantine"),
            await stranger.get("/healthz"),
            await stranger.get("/readyz"),
            await stranger.get("/metrics"),
            await stranger.get("/openapi.json"),
            await stranger.get("/api/v1/nothing"),
        ],
    }
    security = {field.lower() for row in TABLE.values() for field in row}
    for kind, those in answers.items():
        for answer in those:
            carried = {field: value for field, value in answer.headers.items() if field in security}
            assert carried == {field.lower(): value for field, value in TABLE[kind].items()}, answer.url
            assert "strict-transport-security" not in answer.headers


def test_only_the_preview_allows_anything_unsafe_and_it_allows_style_alone() -> None:
    for kind, row in TABLE.items():
        directives = [each.split() for each in row["Content-Security-Policy"].split("; ")]
        assert ["default-src", "'none'"] in directives
        unsafe = [name for name, *values in directives if any("unsafe" in value for value in values)]
        assert unsafe == (["style-src"] if kind is Kind.PREVIEW else [])
    preview = TABLE[Kind.PREVIEW]["Content-Security-Policy"]
    assert preview == (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none';"
        " frame-ancestors 'self'; sandbox"
    )


async def test_under_https_the_cookie_is_bound_to_the_host(ports: OfficePorts, people_file: object) -> None:
    import shutil

    app = create_app(replace(ports, settings=Settings(console=Console(secure_cookies=True))))
    shutil.copy(people_file, ports.folder / "people.yaml")  # type: ignore[call-overload]
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="https://office.example") as client,
    ):
        answer = await client.post("/api/v1/session", json={"name": "operator", "password": "correct horse battery"})
        assert answer.headers[STRICT_TRANSPORT[0]] == STRICT_TRANSPORT[1]
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-postern=")
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
        assert (await client.get("/api/v1/me")).status_code == 200
