"""A row says who, what and why, in words that cannot mislead."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from gateway.console.telling.rows import KINDS, kind_named, row_of
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from tests.console.seed import BULK, MALWARE, PHISHING, UNSCANNABLE, Letter, hold


async def test_what_a_row_says(custody: Custody) -> None:
    (item,) = await hold(custody, PHISHING, now=time.time())
    row = row_of(item)
    assert (row.id, row.message) == (text_of(item.id), text_of(item.message_id))
    assert (row.name, row.address, row.via) == ("CEO Name", "ceo@examp1e.com", "bounce@mailer.example")
    assert (row.kind, row.reason, row.score) == (KINDS["phishing"], "looks like example.com", "14.2")
    assert 0 < row.fill < 44


async def test_the_reverse_path_is_shown_only_where_its_domain_differs(custody: Custody) -> None:
    for path, via in (("news@SHOP.example", ""), ("x@other.example", "x@other.example"), ("", "")):
        (item,) = await hold(custody, replace(BULK, reverse_path=path), now=time.time())
        assert row_of(item).via == via


async def test_what_is_missing_is_said(custody: Custody) -> None:
    bare = replace(PHISHING, subject="", author_name="", author_address="", reasons=(), rule="", score=None, text="")
    (item,) = await hold(custody, bare, now=time.time())
    row = row_of(item)
    assert (row.subject, row.name, row.reason, row.score) == ("No subject", "No author", "no reason recorded", "")


@pytest.mark.parametrize(
    ("letter", "word"),
    [(PHISHING, "Phishing"), (BULK, "Bulk"), (UNSCANNABLE, "Unscannable"), (MALWARE, "Malware"),
     (replace(BULK, verdict_class="clean", quarantine="outbreak"), "Outbreak")],
)  # fmt: skip
async def test_a_row_is_shown_as_what_it_is(custody: Custody, letter: Letter, word: str) -> None:
    (item, *_) = await hold(custody, letter, now=time.time())
    assert row_of(item).kind.word == word


def test_a_quarantine_that_nobody_knows_keeps_its_name() -> None:
    assert kind_named("outbreak").word == "Outbreak"
    assert kind_named("").word == "Held"
