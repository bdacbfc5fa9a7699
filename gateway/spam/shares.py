"""How sure one may be of a share that was counted. Pure."""

from __future__ import annotations

import math
from typing import Final

_Z: Final = 1.96


def interval(hits: int, count: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share (Wilson, 1927)."""
    if not count:
        return 0.0, 1.0
    share, spread = hits / count, _Z * _Z / count
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / count + spread / count / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
