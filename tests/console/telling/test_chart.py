"""The chart draws every counted event exactly once, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console.telling.chart import HEIGHT, KINDS, STEPS, WIDTH, chart_of, span_of
from gateway.queue.records import MinuteCount

NOW = 1_795_262_437.0


@pytest.mark.parametrize("hours", STEPS)
def test_the_last_bar_holds_this_minute_and_the_first_begins_on_a_step(hours: int) -> None:
    begin, number = span_of(NOW, hours)
    seconds, _ = STEPS[hours]
    assert begin % seconds == 0
    assert begin + (number - 1) * seconds <= NOW < begin + number * seconds
    chart = chart_of([MinuteCount(NOW - NOW % 60, "held", 3)], now=NOW, hours=hours)
    assert [bar.at for bar in chart.bars if bar.pieces] == [chart.bars[-1].at]
    assert chart.bars[-1].x + chart.width <= WIDTH


@given(
    st.lists(
        st.builds(
            MinuteCount,
            st.integers(-200, 60 * 24).map(lambda minute: NOW - NOW % 60 - minute * 60),
            st.sampled_from(["delivered", "held", "refused", "deferred", "accepted", "attempt"]),
            st.integers(1, 1000),
        ),
        max_size=30,
    )
)
def test_every_event_of_the_time_is_drawn_once(minutes: list[MinuteCount]) -> None:
    begin, number = span_of(NOW, 24)
    drawn = {kind for _, kind in KINDS}
    until = begin + number * STEPS[24][0]
    expected = sum(each.number for each in minutes if each.kind in drawn and begin <= each.at < until)
    chart = chart_of(minutes, now=NOW, hours=24)
    assert sum(sum(bar.numbers) for bar in chart.bars) == expected
    assert chart.most == max(sum(bar.numbers) for bar in chart.bars)
    for bar in chart.bars:
        assert sum(piece.height for piece in bar.pieces) <= HEIGHT + 0.1
