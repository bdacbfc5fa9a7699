"""gateway/spam/shares.py: the interval of a share."""

from __future__ import annotations

import pytest

from gateway.spam.shares import interval


def test_nothing_counted_says_nothing() -> None:
    assert interval(0, 0) == (0.0, 1.0)


def test_it_is_wilsons() -> None:
    # Brown, Cai and DasGupta (2001): 5 of 20.
    assert interval(5, 20) == pytest.approx((0.1119, 0.4687), abs=5e-4)
    assert interval(0, 10)[0] == 0.0
    assert interval(10, 10)[1] == pytest.approx(1.0)
