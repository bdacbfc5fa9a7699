"""What is asked of the counters and what they answer: frozen records, no behaviour beyond predicates. Times are seconds
since the epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


class CountersUnavailable(Exception):
    """The file of the counters cannot be asked now. The text says why, for people."""


@dataclass(frozen=True, slots=True)
class Take:
    """`amount` more of `key` in a sliding window of `seconds`, if no more than `limit` come together by it."""

    key: str
    seconds: float
    limit: float = math.inf
    amount: float = 1.0


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of several takes, which are counted all or not at all. `exhausted` is the place of the first that would
    have gone over its limit, or None; `levels` are what is counted now for each."""

    exhausted: int | None
    levels: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Ban:
    """A network (CIDR) that is shut out. `by` is a person, or the name of what does it by itself."""

    network: str
    reason: str
    by: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something remembered for a while under a key of a topic."""

    key: str
    value: str
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class Visit:
    """A message that asks to be let in past the greylist: the pools of hosts that it comes from, the one that says most
    first (see `pools.py`), its reverse-path in the form that is compared, and its recipient's key; client and HELO for
    people who look at the list."""

    pools: tuple[str, ...]
    sender: str
    recipient: str
    client_ip: str = ""
    helo: str = ""

    @property
    def pool(self) -> str:
        """The pool that it counts as, for people."""
        return self.pools[0]


@dataclass(frozen=True, slots=True)
class Passage:
    """What the greylist said to a visit. `let_in_at` is when it would be let in; `waited` counts the seconds since the
    first try of a visit that has just passed by coming back, and is None for one that was known."""

    passed: bool
    let_in_at: float
    waited: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row of the list of those who were asked to come back. `released` is 1 for one that passes at its next try."""

    id: int
    pool: str
    sender: str
    recipient: str
    client_ip: str
    helo: str
    first: float
    last: float
    tries: int
    released: int


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody or something that is met: a kind ("domain", "pair") and a key."""

    kind: str
    key: str


@dataclass(frozen=True, slots=True)
class Memory:
    """When those were `first` met who ever were, and when we began to keep such notes (`begun`)."""

    begun: float
    first: Mapping[Met, float]
