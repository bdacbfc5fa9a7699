"""One errand of the courier: recipients of one message whose copies are the same, to one destination, from the ledger
and back to it.

Whatever goes wrong ends as a record in the ledger, so that a message that makes us stumble does not do so for ever: the
third time it is parked as CORRUPT, with an alert in the log.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from gateway.clock import Clock
from gateway.delivery.attempts import Patience, attempt_of, deferral_of
from gateway.delivery.bounces import due_notice, write_bounce
from gateway.delivery.budget import Budget
from gateway.delivery.carrier import Carrier
from gateway.delivery.departure import unchanged
from gateway.delivery.handover import Ending, Handover, Parcel
from gateway.delivery.routes import BadRoute, parse_route
from gateway.mail import replies
from gateway.mail.address import Address, ReversePath
from gateway.mail.replies import Reply
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.records import Attempt, Bounce, Claim
from gateway.queue.spool import OctetsGone
from gateway.queue.states import IllegalTransition, State
from gateway.telemetry import ATTEMPTS, log

STUMBLES: Final = 3
"""Attempts at which our own code failed, until the recipient is parked."""

REST: Final = 60.0
"""Seconds for which a destination rests as a whole when nobody there answers."""

Steps = Callable[[str], None]
"""Is told each step's name after it is done. Only crash tests do anything here: they kill the process."""


Sign = Callable[[bytes], bytes]
"""Gives back a message of our own with our DKIM signatures on top, if there are keys for it (RFC 6376 section 5)."""


Departing = Callable[[ReversePath, Address], ReversePath]
"""The reverse-path under which a copy for that recipient leaves us."""


def unsigned(octets: bytes) -> bytes:
    """The message as it is."""
    return octets


def no_steps(_name: str) -> None:
    """Nobody listens."""


class Errand:
    """How errands are run; one for each courier, it keeps nothing of a message between two of them."""

    def __init__(
        self,
        *,
        custody: Custody,
        carrier: Carrier,
        clock: Clock,
        randomness: random.Random,
        lifetime: float,
        reporter: str,
        sign: Sign = unsigned,
        steps: Steps = no_steps,
        departing: Departing = unchanged,
    ) -> None:
        self._custody = custody
        self._carrier = carrier
        self._clock = clock
        self._patience = Patience(lifetime, randomness)
        self._reporter = reporter
        self._sign = sign
        self._steps = steps
        self._departing = departing
        self._budget = Budget()

    async def run(self, claims: Sequence[Claim]) -> None:
        """Attempt these recipients of one message and record what became of each. Never raises."""
        try:
            await self._run(claims)
        except Exception as error:  # noqa: BLE001 - recorded and logged in _stumble
            await self._stumble(claims, error)

    async def _run(self, claims: Sequence[Claim]) -> None:
        self._steps("claimed")
        first = claims[0]
        async with self._budget.spend(first.destination, first.size):
            handovers = await self._hand_over(claims)
        self._steps("handed over")
        if handovers is None:
            log().error("stored octets cannot be read", alert=True, message=text_of(first.message_id))
            await self._record_all(claims, State.CORRUPT, replies.CORRUPT_OCTETS)
            return
        await asyncio.gather(*map(self._settle, claims, handovers))
        self._steps("recorded")
        unreachable = next((each for each in handovers if each.ending is Ending.UNREACHABLE), None)
        if unreachable is not None:
            until = self._clock.now() + REST
            await self._custody.back_off(first.destination, until=until, reply=str(unreachable.reply))

    async def _hand_over(self, claims: Sequence[Claim]) -> Sequence[Handover] | None:
        """How it ended for each; None when there is nothing fit to be sent."""
        first = claims[0]
        try:
            route = parse_route(first.destination)
        except BadRoute:
            return [Handover(Ending.UNREACHABLE, replies.NO_ROUTE)] * len(claims)
        try:
            octets = await self._custody.delivered_octets(first.message_id)
        except OctetsGone:
            return None
        if first.fields:
            octets = first.fields + octets
        if not _has_whole_lines(octets):
            return None
        parcel = Parcel(
            reverse_path=self._departing(first.reverse_path, first.recipient.address),
            recipients=tuple(claim.recipient for claim in claims),
            octets=octets,
            smtputf8=first.smtputf8,
            eight_bit=first.eight_bit,
            ret=first.ret,
            envid=first.envid,
        )
        return await self._carrier.carry(parcel, route)

    async def _settle(self, claim: Claim, handover: Handover) -> None:
        attempt = attempt_of(claim, handover, now=self._clock.now(), patience=self._patience)
        action = due_notice(claim, attempt, handover.takeover)
        bounce = None
        if action is not None:
            written = write_bounce(
                action,
                claim,
                attempt,
                octets=await self._custody.octets(claim.message_id),
                reporter=self._reporter,
                routes=self._carrier.routes,
                lifetime=self._patience.lifetime,
            )
            bounce = replace(written, octets=self._sign(written.octets))
        try:
            await self._record(claim, attempt, bounce)
        except IllegalTransition:
            if attempt.state is not State.EXPIRED:
                raise
            # QUEUED, not DEFERRED: somebody released it only now, and age does not count for the first attempt after
            # that.
            await self._record(claim, deferral_of(claim, handover, now=attempt.at, patience=self._patience))

    async def _record(self, claim: Claim, attempt: Attempt, bounce: Bounce | None = None) -> None:
        if not await self._custody.finish(claim, attempt, bounce=bounce):
            log().warning("taken over meanwhile", message=text_of(claim.message_id), attempt=claim.attempt)
            return
        ATTEMPTS.labels(attempt.state.value).inc()
        if attempt.state is not State.DELIVERED:
            log().info(
                attempt.state.value,
                message=text_of(claim.message_id),
                recipient=str(claim.recipient.address),
                attempt=claim.attempt,
                remote=attempt.remote,
                reply=str(attempt.reply),
            )

    async def _record_all(self, claims: Sequence[Claim], state: State, reply: Reply) -> None:
        now = self._clock.now()
        await asyncio.gather(*(self._record(claim, Attempt(state, now, reply)) for claim in claims))

    async def _stumble(self, claims: Sequence[Claim], error: Exception) -> None:
        """Our own code failed. Tried again like any deferral, but not for ever."""
        message_id = claims[0].message_id
        log().error("delivery stumbled", message=text_of(message_id), error=repr(error), exc_info=error)
        try:
            events = await self._custody.events(message_id)
            for claim in claims:
                before = sum(
                    event.kind == State.DEFERRED.value
                    and event.recipient == claim.recipient.address.key
                    and event.detail.get("reply") == str(replies.LOCAL_ERROR)
                    and "remote" not in event.detail
                    for event in events
                )
                if before + 1 >= STUMBLES:
                    log().error("parked as corrupt", alert=True, message=text_of(message_id), error=repr(error))
                    await self._record(claim, Attempt(State.CORRUPT, self._clock.now(), replies.LOCAL_ERROR))
                else:
                    stumbled = Handover(Ending.DEFERRED, replies.LOCAL_ERROR)
                    attempt = attempt_of(claim, stumbled, now=self._clock.now(), patience=self._patience)
                    await self._record(claim, attempt)
        except Exception as second:  # noqa: BLE001 - logged; the lease runs out and the message comes back
            log().error("not even that could be recorded", message=text_of(message_id), error=repr(second))


def _has_whole_lines(octets: bytes) -> bool:
    """Every CR has its LF and every LF its CR: anything else never came in, so it was damaged here; and sent on, it
    would be a smuggled end of data."""
    pairs = octets.count(b"\r\n")
    return octets.count(b"\r") == pairs == octets.count(b"\n")
