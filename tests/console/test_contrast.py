"""Every pair of colours that text or a mark stands on, recomputed from the style sheet (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re

import pytest

from gateway.console.assets import FOLDER

TOKEN = re.compile(r"--([\w-]+): light-dark\(#([0-9a-f]{6}), #([0-9a-f]{6})\);")
TOKENS = {name: (light, dark) for name, light, dark in TOKEN.findall((FOLDER / "postern.css").read_text())}
GROUNDS = ("bg", "surface", "sunken", "hover")
TONES = ("ok", "warn", "bad", "hold", "info", "neutral")
TEXT = (
    [(name, ground) for name in ("text", "text-2", "text-3", "accent", "accent-hover") for ground in GROUNDS]
    + [(name, "selected") for name in ("text", "text-2", "accent")]
    + [(tone, f"{tone}-bg") for tone in TONES]
    + [(tone, ground) for tone in ("ok", "warn", "bad") for ground in ("bg", "surface")]
    + [("on-accent", "accent"), ("on-accent", "accent-hover"), ("bg", "text")]
)
MARKS = [("border-strong", ground) for ground in GROUNDS] + [
    (kind, "surface") for kind in ("delivered", "held", "deferred", "refused", "accent")
]


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, theme: int) -> None:
    assert _contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), MARKS)
def test_marks_can_be_seen(ink: str, ground: str, theme: int) -> None:
    assert _contrast(TOKENS[ink][theme], TOKENS[ground][theme]) >= 3


def test_the_formula_is_the_standards() -> None:
    assert _contrast("000000", "ffffff") == pytest.approx(21)
    assert _contrast("777777", "ffffff") == pytest.approx(4.48, abs=0.01)
