"""What people do to mail in custody, one recipient or many: which states an act is for, and the chunks of bulk acts.

The rows are changed by `ledger/acting.py`; who may do what is for the rooms above to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from gateway.queue.ledger.acting import Act, Acted, Sweep, act_together, sweep, wake
from gateway.queue.ledger.readers import Readers
from gateway.queue.ledger.writer import Writer
from gateway.queue.records import Selection
from gateway.queue.states import State

HOLDABLE: Final = frozenset({State.UNSCANNED, State.QUEUED, State.DEFERRED, State.CORRUPT})
DELETABLE: Final = frozenset({State.HELD, State.UNSCANNED, State.QUEUED, State.DEFERRED, State.CORRUPT})

RETRIES: Final = {State.DEFERRED: State.DEFERRED, State.CORRUPT: State.QUEUED}
"""What a retry makes of each state; the others need none."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and why."""

    name: str
    reason: str = ""


def release(recipient_id: int, by: Actor, *, at: float) -> Act:
    """HELD to QUEUED."""
    return Act(recipient_id, State.QUEUED, frozenset({State.HELD}), "released", by.name, by.reason, at)


def pass_scanned(recipient_id: int, by: Actor, *, at: float) -> Act:
    """UNSCANNED to QUEUED."""
    return Act(recipient_id, State.QUEUED, frozenset({State.UNSCANNED}), "rescanned", by.name, by.reason, at)


def hold_scanned(recipient_id: int, by: Actor, *, at: float, quarantine: str, expires_at: float) -> Act:
    """UNSCANNED to HELD."""
    allowed = frozenset({State.UNSCANNED})
    return Act(
        recipient_id, State.HELD, allowed, "held", by.name, by.reason, at, quarantine=quarantine, expires_at=expires_at
    )


def delete(recipient_id: int, by: Actor, *, at: float) -> Act:
    """Any state that is not final to DROPPED."""
    return Act(recipient_id, State.DROPPED, DELETABLE, "deleted", by.name, by.reason, at)


def hold(recipient_id: int, by: Actor, *, at: float, quarantine: str, expires_at: float | None) -> Act:
    """What waits for a courier to HELD."""
    return Act(
        recipient_id, State.HELD, HOLDABLE, "held", by.name, by.reason, at, quarantine=quarantine, expires_at=expires_at
    )


def retry(recipient_id: int, by: Actor, *, at: float, state: State) -> Act:
    """What waits for its time to being due now."""
    return Act(recipient_id, RETRIES[state], frozenset({state}), "retried", by.name, by.reason, at)


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk act: in chunks, so that the lock is never held for long; each chunk is durable by itself, so an act that
    was interrupted is simply given again."""

    writer: Writer
    readers: Readers
    now: float

    async def each(self, selection: Selection, state: State, act: Callable[[int], Act]) -> list[Acted]:
        """Do it to every recipient of the selection in that state. Answers those to whom it was done."""
        done: list[Acted] = []
        after = 0
        while found := await self.readers.ask(partial(sweep, sweep=Sweep(selection, state, after, self.now))):
            answers = await self.writer.submit(act_together, [act(id) for id, _ in found])
            done += [each for each in answers if each.done]
            after = found[-1][0]
        return done

    async def wake(self, destination: str) -> None:
        """End the back-off of a destination."""
        await self.writer.submit(wake, (destination, self.now))
