"""The conditions of the partial indexes, as statements must say them: literally.

SQLite uses a partial index only where the statement contains the index's own condition, and does not see through bound
values; it does not conclude from `state = 'held'` that the state is one of several either.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, literal_column

from gateway.queue.ledger.schema import CLAIMABLE, LIVE, recipient
from gateway.queue.states import State


def _one_of(states: Iterable[str]) -> ColumnElement[bool]:
    return recipient.c.state.in_([literal_column(f"'{state}'") for state in states])


def is_in(state: State) -> ColumnElement[bool]:
    """The recipient is in this state."""
    return recipient.c.state == literal_column(f"'{state.value}'")


IS_LIVE: Final = _one_of(LIVE)
IS_CLAIMABLE: Final = _one_of(CLAIMABLE)
IS_HELD: Final = is_in(State.HELD)
IS_LEASED: Final = recipient.c.lease_until.is_not(None)
IS_FREE: Final = IS_CLAIMABLE & recipient.c.lease_until.is_(None)


def is_live(state: State) -> ColumnElement[bool]:
    """The recipient is in this state, which is not final."""
    return IS_LIVE & is_in(state)
