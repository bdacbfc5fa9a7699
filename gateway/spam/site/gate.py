"""The gate that a new version of a site's layer must pass: a frozen set of messages, written for this purpose, that it
must judge no worse than the model beneath does alone. Without the set nothing passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.facts.content import MailClass
from gateway.spam.features import values_of
from gateway.spam.layer import bounded
from gateway.spam.site.online import Example

FEWEST: Final = 8
"""Messages of each side below which the set is no test."""
MOST_DRIFT: Final = 0.5
"""Log-odds by which all ham together may become worse, and all unwanted mail together, on average."""
HELD: Final = 2.0
"""Log-odds from which mail is commonly held: ham that had less may not reach it, nor unwanted mail that had more fall
below."""


@dataclass(frozen=True, slots=True)
class Specimen:
    """One message of the set. `name` is for people."""

    name: str
    label: MailClass
    example: Example


def refusal(weights: npt.NDArray[Any], specimens: Sequence[Specimen]) -> str:
    """Why these weights may not serve; empty where they may."""
    drift: dict[bool, list[float]] = {True: [], False: []}
    for each in specimens:
        found = each.example
        values = values_of(found.buckets)
        added = float(bounded(weights[found.buckets].astype(np.float64) * values).sum())
        worse = -added if found.unwanted else added
        margin = found.score - HELD if found.unwanted else HELD - found.score
        if margin > 0 >= margin - worse:
            return f"{each.name}: {each.label.value} that the model alone knows is taken for something else"
        drift[found.unwanted].append(worse)
    if min(map(len, drift.values())) < FEWEST:
        return f"the regression set needs {FEWEST} messages of ham and {FEWEST} of unwanted mail"
    for unwanted, name in ((False, "ham"), (True, "unwanted mail")):
        mean = sum(drift[unwanted]) / len(drift[unwanted])
        if mean > MOST_DRIFT:
            return f"{name} of the regression set is judged worse by {mean:.2f} on average"
    return ""
