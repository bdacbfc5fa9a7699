"""The live feed: a WebSocket that tells what happens, as it happens and without gaps.

The browser gives the last sequence number it has seen (`since`) and its search (`q`); every message from us carries
the number up to which it is complete. Who may see what is decided here, for each person and each event. Origin and
session are checked before the handshake, and the session again and again after it (CVE-2026-22689 is what happens
otherwise). Nothing that comes from the browser is listened to.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from gateway.console.access import STAFF, Visitor, from_elsewhere, office_of, visitor_of
from gateway.console.office import Office
from gateway.console.telling.rows import row_of
from gateway.console.telling.search import read
from gateway.quarantine import review
from gateway.queue.identifiers import text_of
from gateway.queue.records import Event, HeldQuery
from gateway.telemetry import log

router = APIRouter()

RECHECK: Final = 1.0
"""Seconds after which a session is looked up again: who signed out hears nothing after that."""
MAX_ROWS: Final = 50
MAX_LISTENERS: Final = 200
COUNTED: Final = ("accepted", "delivered", "held", "released", "deleted", "refused", "deferred", "failed")
_POLICY_VIOLATION: Final = 1008
_TRY_LATER: Final = 1013


@router.websocket("/api/v1/live")
async def live(socket: WebSocket) -> None:
    """Serve one listener until it leaves, or its session ends."""
    visitor = visitor_of(socket)
    if visitor is None or "origin" not in socket.headers or from_elsewhere(socket):
        await socket.close(_POLICY_VIOLATION)
        return
    office = office_of(socket)
    if office.newsroom.listeners >= MAX_LISTENERS:
        await socket.close(_TRY_LATER)
        return
    await socket.accept()
    with office.newsroom.listening():
        leaving = asyncio.ensure_future(_until_gone(socket))
        telling = asyncio.ensure_future(_tell(socket, office, visitor))
        try:
            await asyncio.wait({leaving, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, telling):
                task.cancel()
            ended = await asyncio.gather(leaving, telling, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception) and not isinstance(outcome, WebSocketDisconnect | RuntimeError | OSError):
            log().error("the live feed broke", error=type(outcome).__name__, exc_info=outcome)


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _tell(socket: WebSocket, office: Office, visitor: Visitor) -> None:
    since = socket.query_params.get("since", "")
    head = office.newsroom.head
    cursor = min(int(since), head) if since.isdecimal() and len(since) < 20 else head
    query = read(socket.query_params.get("q", ""), now=office.ports.clock.now()).query
    while True:
        try:
            events = await asyncio.wait_for(office.newsroom.after(cursor), RECHECK)
        except TimeoutError:
            events = []
        present = visitor_of(socket)
        if present is None or present.actor.role is not visitor.actor.role:
            await socket.close(_POLICY_VIOLATION)
            return
        if events:
            cursor = events[-1].sequence
            await socket.send_json(await _news(office, visitor, query, events, cursor))


async def _news(office: Office, visitor: Visitor, query: HeldQuery, events: list[Event], cursor: int) -> dict[str, Any]:
    actor = visitor.actor
    staff = actor.role in STAFF
    # What is told of the whole message names no recipient: it is for the staff only.
    seen = [event for event in events if staff or (event.recipient and review.sees(actor, event.recipient))]
    counted = dict.fromkeys(COUNTED, 0)
    for event in seen:
        if event.kind in counted:
            counted[event.kind] += 1
    news: dict[str, Any] = {"sequence": cursor, "counts": {kind: n for kind, n in counted.items() if n}}
    if counted["held"] or counted["released"] or counted["deleted"]:
        news["held"] = await review.counts(office.ports.custody, actor)
    if counted["held"]:
        messages = {event.message_id for event in seen if event.kind == "held"}
        items, _ = await review.page(office.ports.custody, actor, query, after=None, limit=MAX_ROWS)
        news["rows"] = [asdict(row_of(item)) for item in reversed(items) if item.message_id in messages]
    left = [event for event in seen if event.kind in ("released", "deleted")]
    if left:
        news["left"] = [
            {"message": text_of(each.message_id), "recipient": each.recipient, "kind": each.kind, "actor": each.actor}
            for each in left
        ]
    return news
