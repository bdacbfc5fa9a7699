"""Bans over the API: who is shut out, shutting somebody out, letting somebody in again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from gateway.console.access import AnOffice, AnyStaff, AnyStaffHands, Deliberate, at_the_door
from gateway.console.api.models import BanState, NewBan, ban_of
from gateway.console.problems import Problem, counters_asked

router = APIRouter(prefix="/api/v1/bans", tags=["bans"])


@router.get("", summary="Who is shut out")
async def find(office: AnOffice, visitor: AnyStaff) -> list[BanState]:
    """Those that hold now, the newest first."""
    with counters_asked():
        return [ban_of(each) for each in await office.ports.counters.bans()]


@router.post("", status_code=201, summary="Shut a client or a network out", dependencies=[Deliberate])
async def add(office: AnOffice, visitor: AnyStaffHands, ban: NewBan) -> BanState:
    """Holds in all processes within a second. 422: no network, too wide, one of our own, or no length of time."""
    with counters_asked():
        return ban_of(await at_the_door(office, visitor).shut_out(ban.network, lasting=ban.lasting, reason=ban.reason))


@router.delete("", status_code=204, summary="Let a client or a network in again", dependencies=[Deliberate])
async def remove(
    office: AnOffice,
    visitor: AnyStaffHands,
    network: Annotated[str, Query(min_length=1, max_length=60, description="As it stands on the list")],
) -> None:
    """404: it was not shut out."""
    with counters_asked():
        if not await at_the_door(office, visitor).let_in(network):
            raise Problem(404, "That network is not shut out.")
