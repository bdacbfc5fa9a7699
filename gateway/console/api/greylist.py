"""The greylist over the API: who was asked to come back, and letting somebody in at once."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.console.access import AnOffice, AnyStaff, AnyStaffHands, Deliberate, at_the_door
from gateway.console.api.models import LetIn, NumberDone, WaitingList, waiting_of
from gateway.console.doorlists import chosen
from gateway.console.problems import Problem, counters_asked

router = APIRouter(prefix="/api/v1/greylist", tags=["greylist"])


@router.get("", summary="Who was asked to come back")
async def find(
    office: AnOffice,
    visitor: AnyStaff,
    sender: Annotated[str, Query(max_length=320, description="From this address or domain")] = "",
    recipient: Annotated[str, Query(max_length=320, description="To this address")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> WaitingList:
    """Newest first. Who came back is not on the list any more."""
    with counters_asked():
        found = chosen(await office.ports.counters.waiting(), sender=sender, recipient=recipient)
    return WaitingList(items=[waiting_of(each) for each in found[:limit]], total=len(found))


@router.post("/release", summary="Let senders in at their next try", dependencies=[Deliberate])
async def release(office: AnOffice, visitor: AnyStaffHands, whom: LetIn) -> NumberDone:
    """All that the sender sends passes from then on. 409: nobody like that is waiting."""
    if not (whom.ids or whom.sender or whom.recipient):
        raise Problem(422, "Say which: ids, sender or recipient.")
    with counters_asked():
        numbers = list(whom.ids)
        if whom.sender or whom.recipient:
            waiting = await office.ports.counters.waiting()
            numbers += [each.id for each in chosen(waiting, sender=whom.sender, recipient=whom.recipient)]
        number = await at_the_door(office, visitor).release(numbers)
    if not number:
        raise Problem(409, "Nobody like that is waiting.")
    return NumberDone(number=number)
