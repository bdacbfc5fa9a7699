"""Quantities as people write them in a policy: sizes (`50MiB`), durations (`30d`) and the end of a list entry.

Pure text to number. Never knows where the text stood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

_SIZE_UNITS: Final = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_DURATION_UNITS: Final = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_NUMBER_AND_UNIT = re.compile(r"([0-9]{1,12}) ?([A-Za-z]{0,3})\Z")
_RATE = re.compile(r"([0-9]{1,9}) ?/ ?([0-9]{0,4}) ?([a-z]{1,3})\Z")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")

NEVER: Final = float("inf")
"""The end of a list entry that has none."""


def size(text: str) -> int:
    """Octets: `50MiB`, `1024`. Raises ValueError."""
    return _scaled(text, units=_SIZE_UNITS, example="50MiB")


def duration(text: str) -> float:
    """Seconds: `30d`, `12h`, `90s`. Raises ValueError; a bare number is refused, for nobody can tell its unit."""
    return float(_scaled(text, units=_DURATION_UNITS, example="30d"))


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds."""

    number: int
    seconds: float

    def __str__(self) -> str:
        for unit in ("w", "d", "h", "min", "s"):
            times, rest = divmod(self.seconds, _DURATION_UNITS[unit])
            if times and not rest:
                return f"{self.number}/{int(times) if times > 1 else ''}{unit}"
        return f"{self.number}/{self.seconds:g}s"


def rate(text: str) -> Rate:
    """`300/min`, `25/h`, `100/10min`. Raises ValueError; a rate has a number of 1 at least and a window of a week at
    most."""
    found = _RATE.match(text)
    if found is not None and found[3] in _DURATION_UNITS:
        number, times = int(found[1]), int(found[2] or 1)
        seconds = times * _DURATION_UNITS[found[3]]
        if number > 0 and 0 < seconds <= _DURATION_UNITS["w"]:
            return Rate(number, float(seconds))
    raise ValueError("write a number and a time, like `300/min`, `25/h` or `100/10min`, a week at most")


def _scaled(text: str, *, units: dict[str, int], example: str) -> int:
    found = _NUMBER_AND_UNIT.match(text)
    if found is None or found[2] not in units:
        known = ", ".join(unit for unit in units if unit)
        raise ValueError(f"write a whole number and a unit ({known}), like `{example}`")
    return int(found[1]) * units[found[2]]


def end_of_validity(text: str) -> float:
    """When a list entry stops to match, in seconds since the epoch. `2027-01-31` is its last day (UTC), a time such as
    `2027-01-31T12:00:00Z` is exact, `never` is `NEVER`. Raises ValueError."""
    if text == "never":
        return NEVER
    try:
        if _DATE.match(text):
            last_day = datetime.combine(date.fromisoformat(text), datetime.min.time(), tzinfo=UTC)
            return (last_day + timedelta(days=1)).timestamp()
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.timestamp()
    except (ValueError, OverflowError):
        pass  # said below, in words that help
    raise ValueError("write a day like `2027-01-31`, a time like `2027-01-31T12:00:00Z`, or `never`")
