"""Times as tables write them."""

from __future__ import annotations

import datetime


def when(at: float | None) -> str:
    """Local time to the second, or a dash."""
    if at is None:
        return "–"
    return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
