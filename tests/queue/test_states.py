from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.queue.states import DELIVERABLE, FINAL, TRANSITIONS, IllegalTransition, State, transition

STATES = st.sampled_from(State)


@given(STATES, STATES)
def test_a_step_is_taken_exactly_where_the_table_has_it(current: State, new: State) -> None:
    if new in TRANSITIONS[current]:
        assert transition(current, new) is new
    else:
        with pytest.raises(IllegalTransition):
            transition(current, new)


@given(st.lists(STATES, max_size=12))
def test_whatever_is_tried_a_final_state_is_left_by_taking_back_alone(tries: list[State]) -> None:
    state, ended = State.UNSCANNED, None
    for new in tries:
        try:
            state = transition(state, new)
        except IllegalTransition:
            continue
        assert ended is None or (ended, new) == (State.DELIVERED, State.HELD)
        ended = state if state in FINAL else None


def test_from_every_state_that_is_not_final_an_end_can_be_reached() -> None:
    for state in State:
        reached = {state}
        while (more := reached | {new for each in reached for new in TRANSITIONS[each]}) != reached:
            reached = more
        assert state in FINAL or reached & FINAL


def test_nothing_deliverable_is_final() -> None:
    assert not DELIVERABLE & FINAL
