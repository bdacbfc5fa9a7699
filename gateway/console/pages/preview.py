"""The preview document: a message as it was designed, sanitised by the anatomist, in a frame that may do nothing.

The only route whose body is HTML that did not come from a template. It answers to a ticket good for one use, and its
header fields (headers.py) let it fetch nothing, run nothing and be framed by nobody but us. It is never opened up.
"""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from gateway.console import held
from gateway.console.access import AnOffice, Anybody
from gateway.console.problems import Problem
from gateway.facts.outcome import Known

router = APIRouter(include_in_schema=False)

_BEFORE: Final = (
    '<!doctype html><html lang="und" dir="auto"><meta charset="utf-8"><meta name="color-scheme" content="only light">'
    "<title>Message preview</title><style>"
    "html{background:#fff;color:#1b1c1d;font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}"
    "body{margin:16px}img{max-width:100%}a{color:#1d4ed8}"
    "a:hover::after{content:' \\27f6  ' attr(href);color:#52544f;font:13px ui-monospace,monospace}"
    "</style><body>"
)


@router.get("/quarantine/{id}/render")
async def render(office: AnOffice, visitor: Anybody, id: str, t: str = "", images: int = 0) -> HTMLResponse:
    """The document for the frame."""
    item = await held.item(office, visitor.actor, id)
    if not office.tickets.use(t, visitor.session.key_hash, item.id):
        raise Problem(404)
    outcome = await held.preview(office, item)
    if not isinstance(outcome, Known):
        raise Problem(404)
    fragment = outcome.value.html_with_images if images else outcome.value.html
    if fragment is None:
        raise Problem(404)
    return HTMLResponse(_BEFORE + fragment)
