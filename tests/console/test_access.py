"""Who gets in where: every route against every role, and every way of asking that a stranger's page could try."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from gateway.console.app import ROUTERS, roles_of
from gateway.console.pages.door import home
from gateway.quarantine.rights import Role
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from tests.console.conftest import ORIGIN, PASSWORD, Caller, SignIn
from tests.console.seed import PARCEL, PHISHING, SPAM, hold

ALL = ["administrator", "auditor", "operator", "user"]
STAFF = ["administrator", "auditor", "operator"]
HANDS = ["administrator", "operator", "user"]
STAFF_HANDS = ["administrator", "operator"]
MATRIX: dict[tuple[str, str], list[str] | None] = {
    ("POST", "/api/v1/session"): None,
    ("DELETE", "/api/v1/session"): ALL,
    ("GET", "/api/v1/me"): ALL,
    ("GET", "/api/v1/quarantine"): ALL,
    ("GET", "/api/v1/quarantine/{id}"): ALL,
    ("GET", "/api/v1/quarantine/{id}/text"): ALL,
    ("GET", "/api/v1/quarantine/{id}/parts"): ALL,
    ("POST", "/api/v1/quarantine/release"): HANDS,
    ("POST", "/api/v1/quarantine/delete"): HANDS,
    ("POST", "/api/v1/quarantine/{id}/release"): HANDS,
    ("POST", "/api/v1/quarantine/{id}/report"): HANDS,
    ("POST", "/api/v1/quarantine/{id}/delete"): HANDS,
    ("GET", "/api/v1/greylist"): STAFF,
    ("POST", "/api/v1/greylist/release"): STAFF_HANDS,
    ("GET", "/api/v1/bans"): STAFF,
    ("POST", "/api/v1/bans"): STAFF_HANDS,
    ("DELETE", "/api/v1/bans"): STAFF_HANDS,
    ("GET", "/api/v1/overview"): STAFF,
    ("GET", "/api/v1/events"): STAFF,
    ("GET", "/healthz"): None,
    ("GET", "/readyz"): None,
    ("GET", "/metrics"): None,
    ("GET", "/sign-in"): None,
    ("POST", "/sign-in"): None,
    ("POST", "/sign-out"): ALL,
    ("POST", "/theme"): ALL,
    ("GET", "/"): ALL,
    ("GET", "/classifier"): STAFF,
    ("GET", "/reports"): STAFF,
    ("GET", "/quarantine"): ALL,
    ("POST", "/quarantine/act"): HANDS,
    ("GET", "/quarantine/{id}"): ALL,
    ("GET", "/quarantine/{id}/render"): ALL,
    ("GET", "/greylist"): STAFF,
    ("POST", "/greylist/release"): STAFF_HANDS,
    ("GET", "/bans"): STAFF,
    ("POST", "/bans/add"): STAFF_HANDS,
    ("POST", "/classifier/go-back"): STAFF_HANDS,
    ("POST", "/classifier/go-on"): STAFF_HANDS,
    ("POST", "/bans/remove"): STAFF_HANDS,
    ("GET", "/static/{name}"): None,
}
NAMES = {
    Role.ADMINISTRATOR: "administrator",
    Role.OPERATOR: "operator",
    Role.AUDITOR: "auditor",
    Role.USER: "bob@example.org",
}


def _routes() -> dict[tuple[str, str], APIRoute]:
    routes = [each for router in ROUTERS for each in router.routes if isinstance(each, APIRoute)]
    return {(method, route.path): route for route in routes for method in route.methods}


def test_the_matrix_names_every_route_and_only_those() -> None:
    assert {key: roles_of(route) for key, route in _routes().items()} == MATRIX


def test_openapi_tells_the_roles(app: FastAPI) -> None:
    told = {
        (method.upper(), path): operation.get("x-roles")
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }
    assert told == {key: roles for key, roles in MATRIX.items() if key in told}
    assert len(told) == 22


@pytest.mark.parametrize("role", Role)
async def test_each_role_gets_in_where_the_matrix_says(signed_in: SignIn, app: FastAPI, role: Role) -> None:
    caller = await signed_in(NAMES[role])
    for (method, path), roles in MATRIX.items():
        if roles is None or path in ("/api/v1/session", "/sign-out"):
            continue
        answer = await _ask(caller, method, path)
        assert (answer == 403) == (role.value not in roles), (method, path, answer)
        assert answer not in (401, 500), (method, path)


async def test_nobody_gets_in_without_a_session(visit: Callable[[], Caller]) -> None:
    caller = visit()
    for (method, path), roles in MATRIX.items():
        if roles is None:
            continue
        answer = await caller.client.request(method, path.replace("{id}", text_of(1)), json={"ids": ["x"]})
        if method == "GET" and not path.startswith("/api/"):
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")
        else:
            assert answer.status_code in (401, 422), (method, path, answer.status_code)


async def _ask(caller: Caller, method: str, path: str) -> int:
    path = path.replace("{id}", text_of(1))
    if method == "GET":
        return (await caller.get(path)).status_code
    if method == "DELETE":
        return (await caller.client.delete(path, headers={"X-CSRF-Token": caller.csrf})).status_code
    if path.startswith("/api/"):
        return (await caller.post(path, {"ids": [text_of(1)]} if path.count("/") == 4 else {"reason": ""})).status_code
    return (await caller.submit(path, id=text_of(1), act="release")).status_code


async def test_another_persons_item_answers_with_the_same_octets_as_none(signed_in: SignIn, custody: Custody) -> None:
    (eves,) = await hold(custody, PARCEL, now=time.time())
    bob = await signed_in("bob@example.org")
    for path in ("/quarantine/{}", "/quarantine/{}/render?t=x", "/api/v1/quarantine/{}", "/api/v1/quarantine/{}/text",
                 "/api/v1/quarantine/{}/parts"):  # fmt: skip
        theirs = await bob.get(path.format(text_of(eves.id)))
        none = await bob.get(path.format(text_of(eves.id + 1)))
        nonsense = await bob.get(path.format("0" * 40))
        assert theirs.status_code == none.status_code == nonsense.status_code == 404
        assert theirs.content == none.content == nonsense.content
    for act in ("release", "delete"):
        theirs = await bob.post(f"/api/v1/quarantine/{text_of(eves.id)}/{act}", {"reason": ""})
        none = await bob.post(f"/api/v1/quarantine/{text_of(eves.id + 1)}/{act}", {"reason": ""})
        assert (theirs.status_code, theirs.content) == (404, none.content)
    seen = await custody.held_item(eves.id)
    assert seen is not None
    assert seen.state.value == "held"


async def test_acts_need_the_sessions_own_token(signed_in: SignIn, custody: Custody) -> None:
    (item,) = await hold(custody, SPAM, now=time.time())
    one, other = await signed_in("operator"), await signed_in("operator")
    name = text_of(item.id)
    for token in ("", "x", other.csrf, one.csrf[:-1], "é"):
        by_api = await one.client.post(
            f"/api/v1/quarantine/{name}/release", json={}, headers={"X-CSRF-Token": token.encode("utf-8")}
        )
        by_form = await one.client.post("/quarantine/act", data={"csrf": token, "id": name, "act": "release"})
        assert by_api.status_code == by_form.status_code == 403
    assert (await one.post(f"/api/v1/quarantine/{name}/release", {})).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ORIGIN + ".evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_another_site_cannot_act_even_with_the_token(signed_in: SignIn, headers: dict[str, str]) -> None:
    operator = await signed_in("operator")
    for method, path in (("POST", "/api/v1/quarantine/release"), ("DELETE", "/api/v1/session")):
        answer = await operator.client.request(
            method, path, json={"ids": ["x"]}, headers={"X-CSRF-Token": operator.csrf, **headers}
        )
        assert answer.status_code == 403
    for path in ("/quarantine/act", "/sign-out", "/theme", "/sign-in"):
        answer = await operator.client.post(path, data={"csrf": operator.csrf, "id": "x"}, headers=headers)
        assert answer.status_code == 403, path
    assert (await operator.get("/api/v1/me")).status_code == 200


async def test_a_form_of_another_type_cannot_sign_in_over_the_api(visit: Callable[[], Caller]) -> None:
    body = f'{{"name": "operator", "password": "{PASSWORD}"}}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = await visit().client.post("/api/v1/session", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 422


async def test_the_sign_in_form_needs_its_own_token(visit: Callable[[], Caller]) -> None:
    caller = visit()
    fields = {"name": "operator", "password": PASSWORD}
    assert (await caller.client.post("/sign-in", data={**fields, "csrf": ""})).status_code == 403
    page = (await caller.get("/sign-in?next=/quarantine?q=x")).text
    match = re.search(r'name="csrf" value="([^"]+)"', page)
    assert match is not None
    answer = await caller.client.post("/sign-in", data={**fields, "csrf": match[1], "next": "/quarantine?q=x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/quarantine?q=x")
    assert (await caller.get("/api/v1/me")).json()["role"] == "operator"


async def test_signing_out_ends_the_session_for_everybody_who_has_the_cookie(signed_in: SignIn) -> None:
    operator = await signed_in("operator")
    cookies = dict(operator.client.cookies)
    answer = await operator.client.delete("/api/v1/session", headers={"X-CSRF-Token": operator.csrf})
    assert answer.status_code == 204
    operator.client.cookies.update(cookies)
    assert (await operator.get("/api/v1/me")).status_code == 401


async def test_a_removed_account_or_a_new_password_ends_its_sessions(signed_in: SignIn, app: FastAPI) -> None:
    operator, auditor = await signed_in("operator"), await signed_in("auditor")
    app.state.office.people.remove("operator")
    app.state.office.people.set_password("auditor", PASSWORD + "2")
    assert (await operator.get("/api/v1/me")).status_code == 401
    assert (await auditor.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize(
    ("onward", "goes"),
    [
        ("/quarantine?q=a%20b", "/quarantine?q=a%20b"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/x\\..\\evil", "/"),
        ("https:evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/x\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_the_way_back_stays_in_the_house(onward: str, goes: str) -> None:
    assert home(onward) == goes


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(visit: Callable[[], Caller]) -> None:
    answer = await visit().client.post("/api/v1/session", json={"name": "operator", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("postern=")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))


async def test_readers_are_not_told_who_else_was_written_to(signed_in: SignIn, custody: Custody) -> None:
    items = await hold(
        custody, replace(PHISHING, recipients=("bob@example.org", "hidden@example.org")), now=time.time()
    )
    bob = await signed_in("bob@example.org")
    name = text_of(next(each.id for each in items if each.recipient == "bob@example.org"))
    for path in (f"/api/v1/quarantine/{name}", f"/quarantine/{name}", f"/quarantine/{name}?view=story"):
        assert "hidden@example.org" not in (await bob.get(path)).text
