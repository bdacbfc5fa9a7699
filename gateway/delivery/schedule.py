"""When to try again, when to warn, when to give up (RFC 5321 section 4.5.4.1). A table, printed in docs/delivery.md,
and arithmetic on it. Pure: time and randomness are passed in.
"""

from __future__ import annotations

import random
from typing import Final

MINUTE: Final = 60.0
HOUR: Final = 3600.0

DELAYS: Final[tuple[float, ...]] = (1 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 60 * MINUTE)
"""Seconds to wait after the first, second, ... attempt. The last one repeats. A greylist lets us in at the second or
third line; an outage of an evening is over before the hours begin."""

JITTER: Final = 0.10
"""Share by which a delay is moved either way, so that what failed together does not come back together."""

WARNING_AFTER: Final = 4 * HOUR
"""Age at which the sender is told that the message is delayed (RFC 3461 section 5.2.5)."""

MIN_ATTEMPTS: Final = len(DELAYS) + 1
"""Attempts before anything expires: mail that lay in quarantine for longer than the lifetime has its fair share too."""


def delay_after(attempt: int) -> float:
    """Seconds between this attempt (the first is 1) and the next, before jitter."""
    return DELAYS[min(max(attempt, 1), len(DELAYS)) - 1]


def next_due(attempt: int, *, now: float, randomness: random.Random) -> float:
    """Seconds since the epoch of the next attempt."""
    return now + delay_after(attempt) * (1 + randomness.uniform(-JITTER, JITTER))


def is_expired(attempt: int, *, received_at: float, now: float, lifetime: float) -> bool:
    """Whether a failure at this attempt ends the message."""
    return attempt >= MIN_ATTEMPTS and now - received_at >= lifetime


def is_warning_due(*, received_at: float, now: float, due: float) -> bool:
    """Whether the age of the warning falls between this attempt and the next.

    Attempts do not overlap, so that this is true for one of them at most: no record is needed to warn only once.
    """
    return now <= received_at + WARNING_AFTER < due
