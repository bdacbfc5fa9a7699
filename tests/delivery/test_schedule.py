"""The retry schedule is a table, held here line by line."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery import schedule
from gateway.delivery.schedule import delay_after, is_expired, is_warning_due, next_due

DAY = 86400.0


def test_the_table() -> None:
    minutes = [delay_after(attempt) / 60 for attempt in range(1, 10)]
    assert minutes == [1, 5, 15, 30, 60, 60, 60, 60, 60]
    assert delay_after(0) == 60


@given(st.integers(1, 200), st.floats(0, 2e9), st.integers())
def test_the_next_attempt_is_within_a_tenth_of_the_table(attempt: int, now: float, seed: int) -> None:
    delay = next_due(attempt, now=now, randomness=random.Random(seed)) - now
    assert delay_after(attempt) * 0.9 - 1 <= delay <= delay_after(attempt) * 1.1 + 1


def test_jitter_spreads() -> None:
    randomness = random.Random(7)
    dues = {next_due(5, now=0, randomness=randomness) for _ in range(100)}
    assert max(dues) - min(dues) > 300


def test_a_whole_life_with_a_held_clock() -> None:
    """Five days without luck: about 122 attempts, one warning, then the end."""
    randomness = random.Random(1)
    received_at = now = 1_000_000.0
    warnings, attempt = 0, 0
    while True:
        attempt += 1
        if is_expired(attempt, received_at=received_at, now=now, lifetime=5 * DAY):
            break
        due = next_due(attempt, now=now, randomness=randomness)
        warnings += is_warning_due(received_at=received_at, now=now, due=due)
        now = due
    assert warnings == 1
    assert 5 * DAY <= now - received_at < 5 * DAY + 1.1 * 3600
    assert 115 <= attempt <= 130


@pytest.mark.parametrize(("attempt", "age", "expired"), [(1, 9 * DAY, False), (5, 9 * DAY, False), (6, 5 * DAY, True)])
def test_mail_from_quarantine_has_its_attempts_before_it_expires(attempt: int, age: float, expired: bool) -> None:
    assert is_expired(attempt, received_at=0, now=age, lifetime=5 * DAY) is expired


def test_the_table_is_the_one_in_the_documentation() -> None:
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and line[2].isdigit()]
    documented = [float(line.split("|")[2].split()[0]) * 60 for line in rows]
    assert documented == list(schedule.DELAYS)
