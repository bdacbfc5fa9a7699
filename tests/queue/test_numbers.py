from __future__ import annotations

from pathlib import Path

import pytest

from gateway.queue.identifiers import NODES
from gateway.queue.numbers import NoNumberLeft, take_number


def test_each_holder_has_a_number_of_its_own_and_a_free_one_is_given_again(tmp_path: Path) -> None:
    first, lock = take_number(tmp_path, first=0)
    second, other = take_number(tmp_path, first=0)
    assert (first, second) == (0, 1)
    lock.close()
    third, again = take_number(tmp_path, first=0)
    assert third == 0
    again.close()
    other.close()


def test_the_search_begins_where_it_is_told(tmp_path: Path) -> None:
    number, lock = take_number(tmp_path, first=512)
    assert number == 512
    lock.close()


def test_no_number_left_is_said(tmp_path: Path) -> None:
    _, lock = take_number(tmp_path, first=NODES - 1)
    with pytest.raises(NoNumberLeft):
        take_number(tmp_path, first=NODES - 1)
    lock.close()
