"""gateway/counters/windows.py"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.counters import windows
from gateway.counters.windows import Window

MINUTE = 60.0


def add(window: Window | None, now: float, amount: float = 1.0) -> Window:
    found = windows.at(window, now, seconds=MINUTE)
    return Window(found.slot, found.current + amount, found.previous)


def test_what_was_counted_slides_out() -> None:
    window = add(None, 600.0, 6.0)
    assert windows.level(windows.at(window, 630.0, seconds=MINUTE), 630.0, seconds=MINUTE) == 6.0
    assert windows.level(windows.at(window, 690.0, seconds=MINUTE), 690.0, seconds=MINUTE) == 3.0
    assert windows.level(windows.at(window, 720.0, seconds=MINUTE), 720.0, seconds=MINUTE) == 0.0


def test_a_clock_set_back_a_little_loses_nothing_and_set_back_far_begins_anew() -> None:
    window = add(None, 6000.0, 5.0)
    assert windows.at(window, 5990.0, seconds=MINUTE).current == 5.0
    assert windows.at(window, 600.0, seconds=MINUTE) == Window(10, 0.0, 0.0)


@given(st.lists(st.floats(0.0, 1000.0), min_size=1, max_size=60))
def test_a_level_is_never_above_all_and_never_below_what_the_running_slot_holds(times: list[float]) -> None:
    """The level lies between the number counted since the slot began and the number counted in two slots."""
    window, now = None, 0.0
    for now in sorted(times):
        window = add(window, now)
    assert window is not None
    level = windows.level(window, now, seconds=MINUTE)
    slot = windows.slot_at(now, seconds=MINUTE)
    since_slot = sum(1 for each in times if windows.slot_at(each, seconds=MINUTE) == slot)
    both = sum(1 for each in times if windows.slot_at(each, seconds=MINUTE) >= slot - 1)
    assert since_slot <= level <= both


@given(st.floats(0.0, 1e9), st.sampled_from([1.0, 60.0, 3600.0]))
def test_what_has_ended_counts_nothing(now: float, seconds: float) -> None:
    """A window that has ended is empty."""
    window = windows.at(None, now, seconds=seconds)
    window = Window(window.slot, 5.0, 5.0)
    end = windows.ends_at(window, seconds=seconds)
    assert windows.level(windows.at(window, end, seconds=seconds), end, seconds=seconds) == 0.0
