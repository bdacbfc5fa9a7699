"""How fast one client may begin transactions: a token bucket for each client network, in this process, bounded in
number. Knows no policy; forgets the client that was quiet the longest."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

BURST_SECONDS: Final = 10.0
"""A client may use up this many seconds' worth at once."""

MAX_CLIENTS: Final = 20_000


class Rates:
    """The buckets."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, network: str, *, per_second: float, now: float) -> bool:
        """Take one token; False when there is none. `now` counts seconds monotonically."""
        capacity = max(1.0, per_second * BURST_SECONDS)
        tokens, filled_at = self._buckets.pop(network, (capacity, now))
        tokens = min(capacity, tokens + (now - filled_at) * per_second)
        allowed = tokens >= 1.0
        self._buckets[network] = (tokens - 1.0 if allowed else tokens, now)
        if len(self._buckets) > MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return allowed
