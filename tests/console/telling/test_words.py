"""What strangers wrote never hides anything, never grows without bound, and is never lost silently."""

from __future__ import annotations

import unicodedata
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console.telling import words

UTC = ZoneInfo("UTC")
NOON = 1_795_262_400.0  # 2026-11-21 12:00 UTC, a Saturday


@given(st.text())
def test_no_character_that_does_not_show_is_left(text: str) -> None:
    shown = words.visible(text)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in shown)


@given(st.text())
def test_runs_are_bounded(text: str) -> None:
    assert sum(len(run.text) for run in words.runs(text, 50)) <= 50 * len("[U+10FFFF]") + 1


@given(st.text(alphabet="abc àé漢字 .@", max_size=100))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert "".join(run.text for run in words.runs(text)) == text


def test_a_turned_file_name_is_unmasked() -> None:
    assert words.visible("invoice\u202efdp.exe") == "invoice[U+202E]fdp.exe"
    (_, mark, _) = words.runs("a\u200bb")
    assert mark.mark == "U+200B ZERO WIDTH SPACE"


def test_towers_of_marks_are_cut() -> None:
    assert words.visible("a" + "\u0301" * 40) == "a" + "\u0301" * words.MAX_COMBINING


def test_line_ends_are_line_ends() -> None:
    assert [run.text for run in words.runs("a\r\nb")] == ["a\nb"]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://evil.example/p?q=a.b", "hxxp://evil[.]example/p?q=a.b"),
        ("https://evil.example", "hxxps://evil[.]example"),
        ("javascript:alert(1)", "javascript[:]alert(1)"),
        ("//evil.example/x", "//evil.example/x"),
        ("", ""),
    ],
)
def test_links_are_defanged(url: str, shown: str) -> None:
    assert words.defang(url) == shown


@given(st.text())
def test_no_defanged_link_begins_with_a_scheme_that_opens(url: str) -> None:
    assert not words.defang(url).lower().startswith(("http:", "https:", "javascript:", "data:", "vbscript:"))


@pytest.mark.parametrize(("octets", "said"), [(0, "0 B"), (812, "812 B"), (46_800, "47 kB"), (3_210_000, "3.2 MB")])
def test_sizes(octets: int, said: str) -> None:
    assert words.size(octets) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(29.5 * 86400, "29 d"), (7200, "2 h"), (840, "14 min"), (40, "40 s"), (-60, "1 min")]
)
def test_spans(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


def test_times_are_told_where_the_reader_is() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert words.clock_time(NOON, berlin) == "13:00"
    assert words.full_time(NOON, berlin) == "21 November 2026, 13:00:00 CET"
    assert words.machine_time(NOON) == "2026-11-21T12:00:00.000Z"
    assert words.day(NOON, NOON, UTC) == "Today, 21 November"
    assert words.day(NOON - 86400, NOON, UTC) == "Yesterday, 20 November"
    assert words.day(NOON - 2 * 86400, NOON, UTC) == "Thursday, 19 November"
    assert words.day(NOON - 400 * 86400, NOON, UTC) == "Friday, 17 October 2025"
    assert words.moment(NOON, NOON, UTC) == "at 12:00 today"
    assert words.moment(NOON - 86400, NOON, UTC) == "on 20 November, 12:00"
