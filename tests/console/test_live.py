"""The live feed over a real server and real sockets: who hears what, and that nothing is lost or told twice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from tests.console.conftest import SignIn
from tests.console.seed import PARCEL, PHISHING, SPAM, hold
from tests.console.serving import served

Door = tuple[str, str]


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as address:
        yield address


class Ear:
    """One listener: connects as somebody, and hears until it has what it waits for."""

    def __init__(self, address: str, key: str, *, query: str = "", origin: str | None = "") -> None:
        self._url = f"ws{address.removeprefix('http')}/api/v1/live?{query}"
        self._origin = address if origin == "" else origin
        self._key = key

    async def __aenter__(self) -> ClientConnection:
        headers = {"Cookie": f"postern={self._key}"}
        self._socket = await connect(self._url, origin=self._origin, additional_headers=headers)  # type: ignore[arg-type]
        return self._socket

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()


async def heard(socket: ClientConnection, *, rows: int) -> list[dict[str, Any]]:
    """The rows told until there are that many."""
    told: list[dict[str, Any]] = []
    async with asyncio.timeout(180):
        while len(told) < rows:
            told += json.loads(await socket.recv()).get("rows", [])
    return told


async def key_of(signed_in: SignIn, name: str) -> str:
    return (await signed_in(name)).client.cookies["postern"]


async def test_what_is_held_is_told_to_those_who_may_see_it(address: str, signed_in: SignIn, custody: Custody) -> None:
    operator, bob = await key_of(signed_in, "operator"), await key_of(signed_in, "bob@example.org")
    async with Ear(address, operator) as theirs, Ear(address, bob) as his:
        await hold(custody, PARCEL, now=time.time())
        (item,) = await hold(custody, PHISHING, now=time.time())
        rows = await heard(theirs, rows=2)
        assert [each["subject"] for each in rows] == [PARCEL.subject, PHISHING.subject]
        (row,) = await heard(his, rows=1)
        assert (row["id"], row["subject"]) == (text_of(item.id), PHISHING.subject)


async def test_who_was_away_hears_everything_once(address: str, signed_in: SignIn, custody: Custody) -> None:
    key = await key_of(signed_in, "operator")
    before = await custody.last_sequence()
    for number in range(20):
        await hold(custody, replace(SPAM, subject=f"number {number}"), now=time.time())
    async with Ear(address, key, query=f"since={before}") as socket:
        rows = await heard(socket, rows=20)
        await hold(custody, replace(SPAM, subject="number 20"), now=time.time())
        rows += await heard(socket, rows=1)
    assert [each["subject"] for each in rows] == [f"number {number}" for number in range(21)]


async def test_a_listener_hears_of_its_own_search_only(address: str, signed_in: SignIn, custody: Custody) -> None:
    async with Ear(address, await key_of(signed_in, "operator"), query="q=class:phishing") as socket:
        await hold(custody, SPAM, now=time.time())
        await hold(custody, PHISHING, now=time.time())
        (row,) = await heard(socket, rows=1)
        assert row["subject"] == PHISHING.subject


async def test_what_left_is_told_with_who_did_it(address: str, signed_in: SignIn, custody: Custody) -> None:
    (item,) = await hold(custody, SPAM, now=time.time())
    async with Ear(address, await key_of(signed_in, "operator")) as socket:
        await custody.release(item.id, actor="ana", reason="")
        async with asyncio.timeout(180):
            while not (left := json.loads(await socket.recv()).get("left")):
                pass
    assert left == [
        {"message": text_of(item.message_id), "recipient": "bob@example.org", "kind": "released", "actor": "ana"}
    ]


@pytest.mark.parametrize("origin", ["http://evil.example", None])
async def test_another_site_hears_nothing(address: str, signed_in: SignIn, origin: str | None) -> None:
    key = await key_of(signed_in, "operator")
    with pytest.raises(InvalidStatus) as refused:
        async with Ear(address, key, origin=origin):
            pass
    assert refused.value.response.status_code == 403


async def test_nobody_hears_anything_without_a_session(address: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with Ear(address, "no such key"):
            pass
    assert refused.value.response.status_code == 403


async def test_who_signs_out_hears_nothing_more(address: str, signed_in: SignIn, custody: Custody) -> None:
    caller = await signed_in("operator")
    async with Ear(address, caller.client.cookies["postern"]) as socket:
        await caller.client.delete("/api/v1/session", headers={"X-CSRF-Token": caller.csrf})
        async with asyncio.timeout(180):
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


async def test_what_a_listener_says_is_not_listened_to(address: str, signed_in: SignIn, custody: Custody) -> None:
    async with Ear(address, await key_of(signed_in, "operator"), query="since=99999999&q=%22") as socket:
        await socket.send('{"type": "<img src=x onerror=alert(1)>"}')
        await socket.send(b"\0" * 10_000)
        await hold(custody, SPAM, now=time.time())
        assert len(await heard(socket, rows=1)) == 1
