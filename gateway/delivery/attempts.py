"""From a handover to the record of the attempt: delivered, to be tried again, failed, given up. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

from gateway.delivery import schedule
from gateway.delivery.handover import Ending, Handover
from gateway.queue.records import Attempt, Claim
from gateway.queue.states import State


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a message is tried: `lifetime` in seconds; randomness for the jitter of the next try."""

    lifetime: float
    randomness: random.Random


def attempt_of(claim: Claim, handover: Handover, *, now: float, patience: Patience) -> Attempt:
    """What is committed with `Custody.finish`."""
    if handover.ending is Ending.DELIVERED:
        return _attempt(State.DELIVERED, handover, now=now)
    if handover.ending is Ending.FAILED:
        return _attempt(State.FAILED, handover, now=now)
    if schedule.is_expired(claim.attempt, received_at=claim.received_at, now=now, lifetime=patience.lifetime):
        return _attempt(State.EXPIRED, handover, now=now)
    return deferral_of(claim, handover, now=now, patience=patience)


def deferral_of(claim: Claim, handover: Handover, *, now: float, patience: Patience) -> Attempt:
    """The same, where another attempt follows whatever the age."""
    due = schedule.next_due(claim.attempt, now=now, randomness=patience.randomness)
    return _attempt(State.DEFERRED, handover, now=now, due=due)


def _attempt(state: State, handover: Handover, *, now: float, due: float | None = None) -> Attempt:
    return Attempt(state=state, at=now, reply=handover.reply, remote=handover.remote, tls=handover.tls, due=due)
