"""Characters that a reader does not see or that turn text around (Unicode categories Cc and Cf, UAX 9), and how to
show them. Never normalises, never decodes."""

from __future__ import annotations

import re
from typing import Final

from gateway.anatomy import limits

_NAME_END: Final = 32
TURNING: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Marks, embeddings, overrides and isolates of the bidirectional algorithm."""

INVISIBLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\uf8ff\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)
"""All that leaves no ink: controls, format characters, fillers, variation selectors, tags, surrogates, private use."""


def kept_name(name: str) -> str:
    """A name as far as it is kept: of a long one the beginning, and the end, which says what opens it."""
    if len(name) <= limits.MAX_NAME:
        return name
    return name[: limits.MAX_NAME - _NAME_END] + name[-_NAME_END:]


def without_invisible(text: str) -> str:
    """The text with nothing in it that is not seen."""
    return text if text.isascii() and text.isprintable() else INVISIBLE.sub("", text)


def made_visible(text: str) -> str:
    """The text with every such character written out, as in "invoice⟦U+202E⟧fdp.exe"."""
    return text if text.isascii() and text.isprintable() else INVISIBLE.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    return f"⟦U+{ord(match[0]):04X}⟧"
