"""The answer of every check: `Known(value)`, `Unknown(why)` or `Skipped`. A check that crashed is Unknown, never
"nothing found"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Known(Generic[T_co]):
    """The check answered."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Unknown:
    """The check could not tell. `why` is a short phrase for people: "clamd unreachable", "DNS timed out"."""

    why: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """The operator switched the check off, or it does not apply. Not doubt: a rule about it simply does not match."""

    why: str = "switched off"


Outcome = Known[T] | Unknown | Skipped

NOT_ASKED: Final = Skipped("not asked")
"""The outcome before anybody asked."""


def known_or_none(outcome: Outcome[T]) -> T | None:
    """The value where there is one."""
    return outcome.value if isinstance(outcome, Known) else None


def map_known(outcome: Outcome[T], function: Callable[[T], U]) -> Outcome[U]:
    """Apply a function to a known value; doubt and silence stay what they are."""
    return Known(function(outcome.value)) if isinstance(outcome, Known) else outcome
