"""Serving our own files for browsers."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from gateway.console.pages.rendering import ASSETS
from gateway.console.problems import Problem

router = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
async def static(name: str) -> Response:
    """One file, by the name that carries its hash."""
    asset = ASSETS.find(name)
    if asset is None:
        raise Problem(404)
    return Response(asset.content, media_type=asset.media_type)
