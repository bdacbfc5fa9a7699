"""A breaker: after some failures in a row nothing is tried for a while, then one try decides. Pure but for its clock,
which is passed in."""

from __future__ import annotations

from typing import Final

FAILURES: Final = 3
REST: Final = 5.0
"""Seconds without a try."""


class Breaker:
    """`allows` before a try, then `succeeded` or `failed`."""

    def __init__(self) -> None:
        self._failures = 0
        self._open_until = 0.0

    def allows(self, monotonic: float) -> bool:
        """Whether to try. While it rests the answer is no; then one caller gets a yes, the others wait for its
        result."""
        if self._failures < FAILURES:
            return True
        if monotonic < self._open_until:
            return False
        self._open_until = monotonic + REST
        return True

    @property
    def is_open(self) -> bool:
        """Whether it has come to the point of not trying."""
        return self._failures >= FAILURES

    def succeeded(self) -> None:
        """All is well again."""
        self._failures = 0

    def failed(self, monotonic: float) -> None:
        """One more."""
        self._failures += 1
        self._open_until = monotonic + REST
