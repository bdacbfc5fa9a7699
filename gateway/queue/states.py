"""The states of a recipient and THE table of transitions. A state changes only through `transition`.

Nothing is owed in a final state, and none is left again but one: a copy that was delivered into our own store may be
taken back into the quarantine.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where one recipient of one message stands. CORRUPT is the error queue: parked, for a person to look at."""

    UNSCANNED = "unscanned"
    QUEUED = "queued"
    HELD = "held"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    DROPPED = "dropped"
    CORRUPT = "corrupt"


FINAL: Final = frozenset({State.DELIVERED, State.FAILED, State.EXPIRED, State.DROPPED})
"""States in which nothing is owed any more: the octets may go when all recipients are there."""

DELIVERABLE: Final = frozenset({State.QUEUED, State.DEFERRED})
"""States from which a courier may claim."""

TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.UNSCANNED: frozenset({State.QUEUED, State.HELD, State.DROPPED, State.CORRUPT}),
    State.QUEUED: frozenset({State.DELIVERED, State.DEFERRED, State.FAILED, State.HELD, State.DROPPED, State.CORRUPT}),
    State.HELD: frozenset({State.QUEUED, State.DROPPED}),
    State.DEFERRED: frozenset(
        {
            State.QUEUED,
            State.DELIVERED,
            State.DEFERRED,
            State.FAILED,
            State.EXPIRED,
            State.HELD,
            State.DROPPED,
            State.CORRUPT,
        }
    ),
    State.CORRUPT: frozenset({State.QUEUED, State.HELD, State.DROPPED}),
    State.DELIVERED: frozenset({State.HELD}),
    State.FAILED: frozenset(),
    State.EXPIRED: frozenset(),
    State.DROPPED: frozenset(),
}


class IllegalTransition(ValueError):
    """The table has no such step: our mistake, or a person's act that came too late."""


def transition(current: State, new: State) -> State:
    """The new state, if the table allows the step. Raises `IllegalTransition`."""
    if new not in TRANSITIONS[current]:
        raise IllegalTransition(f"a recipient cannot go from {current} to {new}")
    return new
