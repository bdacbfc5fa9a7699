"""Sessions outlive a restart, end when they should, and their file is of no use to who reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.console.staff.sessions import MAX_SESSIONS_PER_PERSON, Sessions, csrf_token

NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1_800_000_000.0)


def test_a_session_outlives_a_restart_and_ends_in_time(tmp_path: Path, clock: FixedClock) -> None:
    sessions = Sessions(tmp_path / "s.sqlite3", clock=clock, seconds=3600)
    key, begun = sessions.begin("bob@example.org", seal="", addresses=frozenset({"bob@example.org"}))
    sessions.close()
    again = Sessions(tmp_path / "s.sqlite3", clock=clock, seconds=3600)
    assert again.find(key) == begun
    clock.advance(3600)
    assert again.find(key) is None
    again.close()


def test_an_ended_session_is_gone_at_once(tmp_path: Path, clock: FixedClock) -> None:
    sessions = Sessions(tmp_path / "s.sqlite3", clock=clock, seconds=3600)
    key, begun = sessions.begin("ana", seal="x", addresses=NOBODY)
    sessions.end(begun)
    sessions.end(begun)
    assert sessions.find(key) is None
    sessions.close()


def test_the_file_does_not_hold_the_key(tmp_path: Path, clock: FixedClock) -> None:
    sessions = Sessions(tmp_path / "s.sqlite3", clock=clock, seconds=3600)
    key, begun = sessions.begin("ana", seal="x", addresses=NOBODY)
    sessions.close()
    assert key.encode() not in (tmp_path / "s.sqlite3").read_bytes()
    assert (tmp_path / "s.sqlite3").stat().st_mode & 0o077 == 0
    again = Sessions(tmp_path / "s.sqlite3", clock=clock, seconds=3600)
    assert again.find(begun.key_hash) is None
    again.close()


def test_a_person_has_a_bounded_number(tmp_path: Path, clock: FixedClock) -> None:
    sessions = Sessions(tmp_path / "s.sqlite3", clock=clock, seconds=3600)
    keys = []
    for _ in range(MAX_SESSIONS_PER_PERSON + 3):
        keys.append(sessions.begin("ana", seal="x", addresses=NOBODY)[0])
        clock.advance(1)
    alive = [key for key in keys if sessions.find(key) is not None]
    assert alive == keys[3:]
    sessions.close()


def test_the_form_token_follows_from_the_key_and_tells_nothing_of_it() -> None:
    assert csrf_token("a" * 43) == csrf_token("a" * 43) != csrf_token("b" * 43)
    assert len(csrf_token("a" * 43)) == 43
