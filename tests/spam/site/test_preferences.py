"""gateway/spam/site/preferences.py: what one person said again and again of a sender's mail, for that person alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.facts.content import MailClass
from gateway.spam.site import preferences
from gateway.spam.site.preferences import ALIKE, FILE, MOST, OLD, Preferences, preferences_of, read, write
from gateway.spam.site.teaching import Taught

HAM, SPAM, PHISHING = MailClass.HAM, MailClass.SPAM, MailClass.PHISHING
PEOPLE = ("Ann@example.org", "ben@example.org")


def lesson(number: int, label: MailClass, by: str = "ann@example.org", sender: str = "shop.example") -> Taught:
    return Taught(float(number), by, "junk", label, f"{number:064x}", sender)


def said(*labels: MailClass, now: float = 99.0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    lessons = [lesson(number, label) for number, label in enumerate(labels)]
    return preferences_of(lessons, now=now).of(PEOPLE, "shop.example")


def test_three_words_alike_are_a_preference_of_that_one_alone() -> None:
    assert said(*[SPAM] * (ALIKE - 1)) == ((), ())
    assert said(SPAM, PHISHING, SPAM) == ((), ("ann@example.org",))
    assert said(HAM, HAM, HAM) == (("ann@example.org",), ())
    assert preferences_of([lesson(n, SPAM) for n in range(9)], now=99.0).of(PEOPLE, "other.example") == ((), ())


def test_one_word_to_the_contrary_ends_it() -> None:
    assert said(SPAM, SPAM, SPAM, HAM) == ((), ())
    assert said(SPAM, SPAM, HAM, HAM, HAM) == (("ann@example.org",), ())


def test_one_message_that_is_moved_to_and_fro_is_one_message() -> None:
    moves = [lesson(1, label) for label in (SPAM, HAM, SPAM, HAM, SPAM)]
    assert preferences_of(moves, now=9.0) == Preferences()


def test_what_is_old_says_nothing() -> None:
    assert said(SPAM, SPAM, SPAM, now=OLD - 1.0) == ((), ("ann@example.org",))
    assert said(SPAM, SPAM, SPAM, now=OLD + 1.0) == ((), ())


def test_so_many_are_kept_and_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST >= 1000
    monkeypatch.setattr(preferences, "MOST", 2)
    lessons = [lesson(number, SPAM, sender=f"{number // ALIKE}.example") for number in range(3 * ALIKE)]
    assert set(preferences_of(lessons, now=99.0).by_sender) == {"1.example", "2.example"}


def test_what_was_written_is_read_and_nonsense_is_refused(tmp_path: Path) -> None:
    assert read(tmp_path) == Preferences()
    found = preferences_of([lesson(number, SPAM) for number in range(3)], now=9.0)
    write(tmp_path, found)
    assert read(tmp_path) == found
    for text in ("", "[]", '{"a": 1}', "\xff"):
        (tmp_path / FILE).write_text(text, encoding="latin-1")
        with pytest.raises(ValueError, match="cannot be read"):
            read(tmp_path)
