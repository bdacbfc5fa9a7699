from __future__ import annotations

from pathlib import Path

from gateway.reports.aggregate import DAY, Period
from gateway.reports.journal import KEPT, Journal

TODAY = Period.of(1_700_000_000.0)


def test_what_was_sent_is_known_after_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "sent")
    assert not journal.is_done(TODAY)
    journal.note_sent(TODAY, "example.com")
    again = Journal(tmp_path / "sent")
    assert again.sent(TODAY) == {"example.com"}
    assert again.sent(TODAY.before) == frozenset()
    assert not again.is_done(TODAY)
    again.note_done(TODAY)
    assert journal.is_done(TODAY)
    assert journal.sent(TODAY) == {"example.com"}


def test_old_days_are_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(KEPT + 5):
        journal.note_done(Period(TODAY.begin + number * DAY))
    assert len(list(tmp_path.iterdir())) == KEPT
    assert not journal.is_done(TODAY)
