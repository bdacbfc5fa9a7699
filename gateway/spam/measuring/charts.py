"""Charts as SVG, by a few lines of our own: curves with bands over two axes, straight or logarithmic. Text in, text
out; knows nothing of mail.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 400
_LEFT: Final = 60
_RIGHT: Final = 20
_TOP: Final = 36
_BOTTOM: Final = 48
_COLOURS: Final = ("#1b6ca8", "#c0392b", "#2e7d32", "#7b4fa0")


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: what it counts, its ends, where lines are drawn and what they are called."""

    title: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Where a value stands between the ends, from 0 to 1."""
        value = min(self.high, max(self.low, value))
        if self.logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Curve:
    """Points from left to right; `band` are the lower and upper bound at each, or nothing."""

    name: str
    points: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float]] = ()
    dashed: bool = False


def chart(title: str, across: Axis, up: Axis, curves: Sequence[Curve]) -> str:
    """The whole SVG document."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="20" font-size="14">{escape(title)}</text>',
        *_grid(across, up),
    ]
    for number, curve in enumerate(curves):
        parts += _drawn(curve, across, up, _COLOURS[number % len(_COLOURS)], number)
    return "\n".join([*parts, "</svg>", ""])


def _grid(across: Axis, up: Axis) -> list[str]:
    lines = []
    for value, name in across.ticks:
        x = _x(across, value)
        lines.append(f'<path d="M{x} {_TOP}V{HEIGHT - _BOTTOM}" stroke="#ddd"/>')
        lines.append(f'<text x="{x}" y="{HEIGHT - _BOTTOM + 16}" text-anchor="middle">{escape(name)}</text>')
    for value, name in up.ticks:
        y = _y(up, value)
        lines.append(f'<path d="M{_LEFT} {y}H{WIDTH - _RIGHT}" stroke="#ddd"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{escape(name)}</text>')
    middle = (_TOP + HEIGHT - _BOTTOM) / 2
    lines.append(f'<text x="{WIDTH / 2:g}" y="{HEIGHT - 10}" text-anchor="middle">{escape(across.title)}</text>')
    turned = f'transform="rotate(-90 14 {middle:g})"'
    lines.append(f'<text x="14" y="{middle:g}" {turned} text-anchor="middle">{escape(up.title)}</text>')
    return lines


def _drawn(curve: Curve, across: Axis, up: Axis, colour: str, number: int) -> list[str]:
    parts = []
    if curve.band:
        edge = [(x, low) for (x, _), (low, _) in zip(curve.points, curve.band, strict=True)]
        back = [(x, high) for (x, _), (_, high) in zip(curve.points, curve.band, strict=True)][::-1]
        parts.append(f'<path d="{_path(edge + back, across, up)}Z" fill="{colour}" fill-opacity="0.15"/>')
    dashes = ' stroke-dasharray="4 4"' if curve.dashed else ""
    path = _path(curve.points, across, up)
    parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dashes}/>')
    y = HEIGHT - _BOTTOM - 12 - 18 * number
    parts.append(
        f'<text x="{WIDTH - _RIGHT - 8}" y="{y}" text-anchor="end" fill="{colour}">{escape(curve.name)}</text>'
    )
    return parts


def _path(points: Sequence[tuple[float, float]], across: Axis, up: Axis) -> str:
    return "M" + "L".join(f"{_x(across, x)} {_y(up, y)}" for x, y in points)


def _x(axis: Axis, value: float) -> float:
    return round(_LEFT + axis.place(value) * (WIDTH - _LEFT - _RIGHT), 1)


def _y(axis: Axis, value: float) -> float:
    return round(HEIGHT - _BOTTOM - axis.place(value) * (HEIGHT - _TOP - _BOTTOM), 1)
