"""Columns of two numbers that stand on each other, place after place, as a drawing that a template can make. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 960.0
HEIGHT: Final = 119.0


@dataclass(frozen=True, slots=True)
class Column:
    """One place, in the drawing's units: the heights of what stands on the ground and of what stands on that."""

    x: float
    lower: float
    upper: float

    @property
    def top(self) -> float:
        """Where the lower part begins."""
        return round(HEIGHT - self.lower, 2)

    @property
    def crown(self) -> float:
        """Where the upper part begins."""
        return round(HEIGHT - self.lower - self.upper, 2)


@dataclass(frozen=True, slots=True)
class Columns:
    """The whole drawing; `width` is that of each column."""

    columns: tuple[Column, ...]
    width: float


def columns_of(numbers: Sequence[tuple[int, int, int]], *, places: int, gap: float) -> Columns:
    """From the place, the lower and the upper number of each; places that there are not are passed over. No column
    where all are nothing."""
    most = max((lower + upper for _, lower, upper in numbers), default=0)
    pitch = WIDTH / places
    return Columns(
        tuple(
            Column(round(place * pitch, 2), round(HEIGHT * lower / most, 2), round(HEIGHT * upper / most, 2))
            for place, lower, upper in numbers
            if most and 0 <= place < places
        ),
        round(pitch - gap, 2),
    )
