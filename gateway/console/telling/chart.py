"""The one chart of the Overview: what became of mail over time, as stacked bars that a template can draw. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.queue.records import MinuteCount

WIDTH: Final = 960.0
HEIGHT: Final = 119.0
GAP: Final = 2.0
KINDS: Final = (("Delivered", "delivered"), ("Held", "held"), ("Deferred", "deferred"), ("Refused", "refused"))
"""What is drawn, from the ground up; also the names of events and of colours."""
STEPS: Final = {1: (60, "a minute"), 24: (1800, "half an hour"), 168: (10800, "three hours")}
"""Seconds of one bar, by the hours that are looked at."""
MARKS: Final = 5


@dataclass(frozen=True, slots=True)
class Piece:
    """One colour of one bar, in the drawing's units."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """What became of mail from `at` on, for one step; `numbers` in the order of `KINDS`."""

    at: float
    x: float
    numbers: tuple[int, ...]
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole drawing. `most` is the tallest bar's number, 0 where there is nothing to draw."""

    bars: tuple[Bar, ...]
    width: float
    step: str
    most: int
    marks: tuple[float, ...]
    legend: tuple[tuple[str, str], ...] = KINDS


def span_of(now: float, hours: int) -> tuple[float, int]:
    """Where the chart begins, on a whole step, and its number of bars; the last one is still growing."""
    seconds, _ = STEPS[hours]
    number = hours * 3600 // seconds
    last = now - now % seconds
    return last - (number - 1) * seconds, number


def chart_of(minutes: Sequence[MinuteCount], *, now: float, hours: int) -> Chart:
    """Draw it. Minutes before the beginning, and kinds that are not drawn, are passed over."""
    seconds, step = STEPS[hours]
    begin, number = span_of(now, hours)
    kinds = [kind for _, kind in KINDS]
    counts = [[0] * len(kinds) for _ in range(number)]
    for minute in minutes:
        at = int((minute.at - begin) // seconds)
        if 0 <= at < number and minute.kind in kinds:
            counts[at][kinds.index(minute.kind)] += minute.number
    most = max(map(sum, counts))
    pitch = WIDTH / number
    bars = tuple(
        Bar(begin + at * seconds, round(at * pitch, 2), tuple(each), _pieces(each, most))
        for at, each in enumerate(counts)
    )
    marks = tuple(begin + at * (number - 1) // (MARKS - 1) * seconds for at in range(MARKS))
    return Chart(bars, round(pitch - GAP, 2), step, most, marks)


def _pieces(numbers: Sequence[int], most: int) -> tuple[Piece, ...]:
    pieces, ground = [], HEIGHT
    for (_, kind), number in zip(KINDS, numbers, strict=True):
        if number:
            height = HEIGHT * number / most
            ground -= height
            pieces.append(Piece(kind, round(ground, 2), round(height, 2)))
    return tuple(pieces)
