"""Identifiers that grow with time: a list sorted by id is sorted by age, and an id says when it was made.

64 bits: milliseconds since 2020, ten bits of node, twelve bits of counter. People see thirteen characters of
Crockford's base32, which sort like the number. Never asks the machine for time: the clock is passed in.
"""

from __future__ import annotations

import threading
from typing import Final

from gateway.clock import Clock

MessageId = int

EPOCH: Final = 1_577_836_800_000
"""2020-01-01 in milliseconds. Counted from 1970, the sign bit would be reached in 2039; so it is 2089."""

NODES: Final = 1024
"""How many processes may make ids at one time, over all machines of one ledger."""

_TICKS: Final = 4096
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {char: value for value, char in enumerate(_ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_LENGTH: Final = 13
_LARGEST: Final = 2**63 - 1


class BadIdentifier(ValueError):
    """The text is no identifier of ours."""


def text_of(id: int) -> str:
    """The thirteen characters that people see. They sort like the numbers do."""
    if not 0 <= id <= _LARGEST:
        raise BadIdentifier(f"{id} is no identifier")
    return "".join(_ALPHABET[id >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def parse_id(text: str) -> int:
    """The inverse of `text_of`; forgives case, and O, I and L as Crockford asks. Raises `BadIdentifier`."""
    letters = text.strip().upper()
    if len(letters) != _LENGTH or any(char not in _VALUES for char in letters):
        raise BadIdentifier("an identifier has thirteen letters and digits")
    number = 0
    for char in letters:
        number = number << 5 | _VALUES[char]
    if number > _LARGEST:
        raise BadIdentifier("an identifier has thirteen letters and digits")
    return number


def instant_of(id: int) -> float:
    """When the id was made, in seconds since the epoch, exact to the millisecond."""
    return ((id >> 22) + EPOCH) / 1000


def first_at(instant: float) -> int:
    """The smallest id that could be made at that instant (seconds since the epoch): a bound for searches by time."""
    return max(0, min(int(instant * 1000) - EPOCH, _LARGEST >> 22)) << 22


class Identifiers:
    """Makes ids, each larger than the one before, whatever the clock does. May be asked from any thread."""

    def __init__(self, clock: Clock, *, node: int, after: int = 0) -> None:
        """`node` tells apart what is made at one time; `after` is the largest id that may exist already."""
        if not 0 <= node < NODES:
            raise ValueError(f"a node is a number below {NODES}")
        self._clock = clock
        self._node = node
        self._lock = threading.Lock()
        self._millisecond = after >> 22
        self._counter = _TICKS - 1 if after else -1

    def next(self) -> int:
        """A new id."""
        now = max(0, int(self._clock.now() * 1000) - EPOCH)
        with self._lock:
            if now > self._millisecond:
                self._millisecond, self._counter = now, 0
            elif self._counter + 1 < _TICKS:
                self._counter += 1
            else:
                # All ids of this millisecond are given, or the clock went back: borrow the next one.
                self._millisecond, self._counter = self._millisecond + 1, 0
            return self._millisecond << 22 | self._node << 12 | self._counter
