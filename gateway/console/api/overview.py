"""Numbers and events over the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.console.access import AnOffice, AnyStaff
from gateway.console.api.models import ComponentState, Overview, StoryEvent, event_of
from gateway.console.overview import numbers
from gateway.console.telling.words import machine_time

router = APIRouter(prefix="/api/v1", tags=["overview"])


@router.get("/overview", summary="The numbers of the last hours, and what stands now")
async def overview(office: AnOffice, visitor: AnyStaff, hours: Annotated[int, Query(ge=1, le=720)] = 24) -> Overview:
    """Outcomes are counted in events; held and waiting are of this moment."""
    told = await numbers(office, visitor.actor, hours=hours)
    return Overview(
        hours=told.hours,
        outcomes=told.outcomes,
        held=told.held,
        waiting=told.waiting,
        oldest_waiting_since=None if told.oldest is None else machine_time(told.oldest),
        components=[
            ComponentState(
                name=each.name,
                mood=each.mood.value,
                words=each.words,
                mend=each.mend,
                since=None if each.since is None else machine_time(each.since),
            )
            for each in told.components
        ],
        policy_version=told.policy_version,
        sequence=told.sequence,
    )


@router.get("/events", summary="What happened after a sequence number")
async def events(
    office: AnOffice,
    visitor: AnyStaff,
    since: Annotated[int, Query(ge=0, le=2**63 - 1, description="The last sequence number one has seen")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> list[StoryEvent]:
    """Oldest first. Whoever asks again with the last number misses nothing."""
    return [event_of(each) for each in await office.ports.custody.events_after(since, limit=limit)]
