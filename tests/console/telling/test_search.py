"""The search language: any text gives a query, and what was not understood is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console.telling.search import MAX_TERMS, read
from gateway.queue.records import HeldQuery

NOW = 1_795_262_400.0  # 2026-11-21 12:00 UTC


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", HeldQuery()),
        ("invoice paid", HeldQuery(terms=("invoice", "paid"))),
        ('"urgent transfer"', HeldQuery(terms=("urgent transfer",))),
        ("class:spam,Phishing", HeldQuery(quarantines=frozenset({"spam", "phishing"}))),
        ("from:*@shop.example rcpt:bob@example.org", HeldQuery(sender="*@shop.example", recipient="bob@example.org")),
        ("to:bob@example.org", HeldQuery(recipient="bob@example.org")),
        ("rule:spam-hold reason:dmarc_fail", HeldQuery(rule="spam-hold", reason="DMARC_FAIL")),
        ("score:>8 score:<12.5", HeldQuery(score_from=8.0, score_to=12.5)),
        ("after:now-7d", HeldQuery(since=NOW - 7 * 86400)),
        ("before:2026-11-20", HeldQuery(until=NOW - 36 * 3600)),
        ("after:2026-11-21T10:00+01:00", HeldQuery(since=NOW - 3 * 3600)),
        ('from:"a b"@x', HeldQuery(sender="a b", terms=("@x",))),
        ("http://evil.example", HeldQuery()),
    ],
)
def test_what_is_understood(text: str, query: HeldQuery) -> None:
    assert read(text, now=NOW).query == query


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("clas:spam", "Did you mean class:?"),
        ("recipent:bob", "There is no key recipent:"),
        ("score:high", "score:>8"),
        ("after:yesterday", "after:now-7d"),
        ("before:2026-13-40", "is no time"),
        (" ".join(["word"] * (MAX_TERMS + 1)), "Only the first"),
    ],
)
def test_what_is_not_understood_is_said(text: str, hint: str) -> None:
    assert any(hint in each for each in read(text, now=NOW).hints)


@given(st.text())
def test_any_text_gives_a_query(text: str) -> None:
    search = read(text, now=NOW)
    assert len(search.query.terms) <= MAX_TERMS
    assert search.query.recipients is None


@given(st.text(alphabet='ab: ".,<>*-', max_size=60))
def test_near_misses_give_a_query(text: str) -> None:
    assert isinstance(read(text, now=NOW).query, HeldQuery)
