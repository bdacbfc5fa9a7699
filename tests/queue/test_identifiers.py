from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import FixedClock
from gateway.queue.identifiers import NODES, BadIdentifier, Identifiers, first_at, instant_of, parse_id, text_of

IDS = st.integers(min_value=0, max_value=2**63 - 1)


@given(IDS)
def test_the_text_of_an_id_is_thirteen_characters_and_gives_the_id_again(id: int) -> None:
    assert len(text_of(id)) == 13
    assert parse_id(text_of(id)) == parse_id(text_of(id).lower()) == id


@given(IDS, IDS)
def test_texts_sort_as_the_numbers_do(one: int, other: int) -> None:
    assert (text_of(one) < text_of(other)) == (one < other)


@given(st.text(max_size=20))
def test_any_text_is_an_id_or_a_bad_identifier(text: str) -> None:
    try:
        id = parse_id(text)
    except BadIdentifier:
        return
    assert 0 <= id < 2**63


@pytest.mark.parametrize("id", [-1, 2**63])
def test_a_number_out_of_range_has_no_text(id: int) -> None:
    with pytest.raises(BadIdentifier):
        text_of(id)


def test_letters_that_look_like_digits_are_forgiven() -> None:
    assert parse_id("OIL0000000000") == parse_id("0110000000000")


@given(st.lists(st.floats(min_value=-10, max_value=10), max_size=50))
def test_ids_grow_whatever_the_clock_does(steps: list[float]) -> None:
    clock = FixedClock(1_795_000_000.0)
    identifiers = Identifiers(clock, node=3)
    ids = []
    for step in steps:
        clock.advance(step)
        ids += [identifiers.next(), identifiers.next()]
    assert ids == sorted(set(ids))


def test_more_ids_than_a_millisecond_has_borrow_from_the_next() -> None:
    identifiers = Identifiers(FixedClock(1_795_000_000.0), node=NODES - 1)
    ids = [identifiers.next() for _ in range(10_000)]
    assert ids == sorted(set(ids))
    assert {id >> 12 & 1023 for id in ids} == {NODES - 1}


def test_ids_go_on_after_the_largest_that_exists() -> None:
    clock = FixedClock(1_795_000_000.0)
    before = Identifiers(clock, node=1023).next()
    clock.advance(-3600)
    assert Identifiers(clock, node=0, after=before).next() > before


def test_threads_get_different_ids() -> None:
    identifiers = Identifiers(FixedClock(1_795_000_000.0), node=0)
    ids: list[int] = []
    threads = [threading.Thread(target=lambda: ids.extend(identifiers.next() for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(ids)) == 8000


def test_an_id_says_when_it_was_made() -> None:
    id = Identifiers(FixedClock(1_795_000_000.125), node=0).next()
    assert instant_of(id) == 1_795_000_000.125
    assert first_at(1_795_000_000.125) <= id < first_at(1_795_000_000.126)


def test_an_instant_before_the_first_id_is_the_smallest_bound() -> None:
    assert first_at(0.0) == 0


def test_a_node_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="node"):
        Identifiers(FixedClock(0.0), node=NODES)
