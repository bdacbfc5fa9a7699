"""The sliding window: how much was counted in the last so many seconds, from two numbers. Pure.

Time is cut into slots as long as the window. The slot that runs counts in full, the one before by the share of it that
the window still covers; so a window costs two numbers however much is counted, and is never off by more than the
unevenness within one slot.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Window:
    """What was counted in the slot that runs, and in the one before."""

    slot: int
    current: float
    previous: float


def slot_at(now: float, *, seconds: float) -> int:
    """The number of the slot that runs."""
    return int(now // seconds)


def at(window: Window | None, now: float, *, seconds: float) -> Window:
    """The window as it stands now. A clock that was set back a little goes on in the slot that it had reached; one that
    was set back further begins anew, or the counter would stand for ever."""
    slot = slot_at(now, seconds=seconds)
    if window is None:
        return Window(slot, 0.0, 0.0)
    if window.slot in (slot, slot + 1):
        return window
    if window.slot == slot - 1:
        return Window(slot, 0.0, window.current)
    return Window(slot, 0.0, 0.0)


def level(window: Window, now: float, *, seconds: float) -> float:
    """How much was counted in the last `seconds`."""
    passed = min(max(now / seconds - window.slot, 0.0), 1.0)
    return window.current + window.previous * (1.0 - passed)


def ends_at(window: Window, *, seconds: float) -> float:
    """When nothing of it counts any more."""
    return (window.slot + 2) * seconds
