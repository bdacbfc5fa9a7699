"""The table about bulk mail: whom the rule delivers, and whom it must not."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.spam.measuring.measure import Judged
from gateway.spam.measuring.newsletters import newsletters


def judged(**changes: object) -> Judged:
    """One message of hard commercial ham that scores 2.5, is built as bulk mail, signed, and no fraud."""
    words = {"label": "ham", "source": "foff", "kind": "", "language": ""}
    masks = {"letters": False, "ordinary": False, "hard": True, "modern": True, "invented": False}
    plain = {"score": 2.5, "fraud": -1.0, "bulk": True, "signed": True, **words, **masks}
    return Judged(**{name: np.array([value]) for name, value in (plain | changes).items()})


def row(table: str) -> list[str]:
    line = next(line for line in table.splitlines() if line.startswith("| Hard commercial"))
    return [cell.strip().split(" ")[0] for cell in line.strip("|").split("|")]


def test_proven_bulk_mail_is_not_held_below_the_bound() -> None:
    assert row(newsletters(judged()))[4:] == ["100.00%", "0.00%", "0.00%", "100.00%", "0.00%"]
    assert row(newsletters(judged(score=3.5)))[4:] == ["100.00%", "100.00%", "0.00%", "100.00%", "0.00%"]


def test_what_lies_above_all_bounds_stays_held() -> None:
    assert row(newsletters(judged(score=4.0)))[4:] == ["100.00%"] * 5


@pytest.mark.parametrize("change", [{"bulk": False}, {"signed": False}, {"fraud": 0.1}])
def test_without_all_of_its_conditions_the_rule_does_nothing(change: dict[str, object]) -> None:
    assert row(newsletters(judged(**change)))[4:] == ["100.00%"] * 5
