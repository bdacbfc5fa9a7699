"""For machines that watch us: alive, ready, counted. Without a sign-in, so nothing about mail or people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from gateway.console.access import AnOffice
from gateway.console.ports import Mood
from gateway.console.telling.words import machine_time

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="The process answers")
async def healthz() -> dict[str, str]:
    """Nothing is asked of any other room."""
    return {"status": "ok"}


@router.get("/readyz", summary="Mail can be stored, and what the house runs without", response_model=None)
async def readyz(office: AnOffice, response: Response) -> dict[str, Any]:
    """503 when mail cannot be stored now; 200 with the names of what is missing when it can."""
    ready, words = office.ports.custody.readiness()
    missing = [each for each in office.ports.status() if each.mood is not Mood.UP]
    response.status_code = 200 if ready else 503
    return {
        "ready": ready,
        "storage": words,
        "degraded": [
            {
                "name": each.name,
                "mood": each.mood.value,
                "words": each.words,
                "mend": each.mend,
                "since": None if each.since is None else machine_time(each.since),
            }
            for each in missing
        ],
        "policy_version": office.ports.policy_version(),
    }


@router.get("/metrics", summary="Counters in Prometheus text format", response_class=Response)
async def metrics(office: AnOffice) -> Response:
    """Labels come from closed sets: no address, no domain."""
    return Response(office.ports.metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")
