"""One examination, and what it cost: content that has killed anatomists again and again is not given to another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Protocol

from gateway.checks.anatomist.wire import Examination
from gateway.checks.leaves import Wanted
from gateway.facts.outcome import Unknown
from gateway.mail.message import Message, Octets
from gateway.pipeline.looking import Anatomist

GIVEN_UP: Final = 3
"""Anatomists that the same octets may kill."""


class Losses(Protocol):
    """How many anatomists the same octets have killed."""

    async def known(self, octets: Octets) -> int: ...

    async def add(self, octets: Octets) -> int: ...


class NoLosses:
    """Where nothing is counted, and every look is the first one."""

    async def known(self, octets: Octets) -> int:
        """None."""
        return 0

    async def add(self, octets: Octets) -> int:
        """The one of now."""
        return 1


async def examine(anatomist: Anatomist, losses: Losses, message: Message, wanted: Wanted) -> Examination:
    """What the anatomist says, and how many of them the message has cost by now."""
    lost = await losses.known(message.octets)
    if lost >= GIVEN_UP:
        doubt = Unknown(f"not examined: it has killed {lost} anatomists")
        return Examination(doubt, doubt, doubt, lost_workers=lost)
    examination = await anatomist.examine(message, wanted)
    if examination.cost_worker:
        lost = await losses.add(message.octets)
    return replace(examination, lost_workers=lost)
