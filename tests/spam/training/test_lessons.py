"""Lessons: what is kept of a message, and how much each counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gateway.anatomy.examine import examine
from gateway.facts.content import ContentFact, HtmlFact, MailClass
from gateway.spam.features import features_of
from gateway.spam.training.corpus import Labelled
from gateway.spam.training.lessons import (
    Lesson,
    importance_of,
    is_clear,
    is_commercial,
    is_hard_commercial,
    lesson_of,
)
from tests.spam.makings import anatomy_of, author, link

NOTHING = np.zeros(0, dtype=np.int32)


def lesson(label: MailClass, source: str, **more: object) -> Lesson:
    return Lesson(label, source, NOTHING, **more)


def test_of_a_message_with_invented_headers_only_the_text_and_links_are_learnt() -> None:
    links = ContentFact(links=(link("https://shop.example/a"),), defects=("mime.ambiguous",))
    full = anatomy_of("Your order", content=links, subject="Thanks", authors=(author(),), html=HtmlFact(forms=1))
    real = Labelled(Path("x"), MailClass.HAM, "a")
    seen = replace(full, authors=(), html=None, content=ContentFact(links=links.links))
    assert lesson_of(real, full).buckets.tolist() == features_of(full).buckets.tolist()
    assert lesson_of(replace(real, invented_header=True), full).buckets.tolist() == features_of(seen).buckets.tolist()


def test_messages_that_begin_alike_are_alike() -> None:
    message = Labelled(Path("x"), MailClass.SPAM, "a")
    one = lesson_of(message, anatomy_of("Dear Sir 12, " + "buy now " * 30 + "first"))
    other = lesson_of(message, anatomy_of("dear sir 99 " + "buy now " * 30 + "second"))
    third = lesson_of(message, anatomy_of("Dear Madam"))
    assert one.likeness == other.likeness != third.likeness


def test_ham_and_unwanted_mail_count_the_same_in_sum() -> None:
    lessons = [lesson(MailClass.HAM, "a")] * 30 + [lesson(MailClass.SPAM, "b")] * 3 + [lesson(MailClass.PHISHING, "c")]
    weight = importance_of(lessons)
    assert weight[:30].sum() == pytest.approx(weight[30:].sum())
    assert weight.sum() == pytest.approx(len(lessons))


def test_a_large_source_counts_by_the_root_of_its_size() -> None:
    lessons = [lesson(MailClass.HAM, "large")] * 100 + [lesson(MailClass.HAM, "small")] * 4
    weight = importance_of([*lessons, lesson(MailClass.SPAM, "b")])
    assert weight[:100].sum() / weight[100:104].sum() == pytest.approx(5.0)


def test_in_another_language_ham_and_unwanted_mail_balance() -> None:
    lessons = [lesson(MailClass.HAM, "a", language="pt")] * 4 + [lesson(MailClass.SPAM, "b", language="pt")] * 16
    lessons += [lesson(MailClass.HAM, "c", language="en")] * 16
    weight = importance_of(lessons)
    before = importance_of([replace(each, language="en") for each in lessons])
    share = weight[:4].sum() / weight[:20].sum()
    assert share > before[:4].sum() / before[:20].sum()


def test_only_ham_of_businesses_is_commercial() -> None:
    assert is_commercial(lesson(MailClass.HAM, "c2-postmark"))
    assert is_hard_commercial(lesson(MailClass.HAM, "foff"))
    assert not is_commercial(lesson(MailClass.SPAM, "foff"))
    assert not is_commercial(lesson(MailClass.HAM, "kernel"))


@pytest.mark.parametrize(
    ("label", "kind", "clear"),
    [
        (MailClass.PHISHING, "phishing", True),
        (MailClass.PHISHING, "spam", False),
        (MailClass.SPAM, "phishing", False),
        (MailClass.SPAM, "", True),
        (MailClass.SPAM, "newsletter", True),
        (MailClass.HAM, "spam", False),
    ],
)
def test_what_a_fraud_is_is_learnt_where_label_and_kind_agree(label: MailClass, kind: str, clear: bool) -> None:
    assert is_clear(lesson(label, "a", kind=kind)) is clear


def test_an_invented_header_does_not_make_a_message_bulk(tmp_path: Path) -> None:
    octets = b"From: S <a@shop.example>\r\nList-Unsubscribe: <https://shop.example/u>\r\nList-Id: x\r\n\r\nBoots\r\n"
    file = tmp_path / "one"
    file.write_bytes(octets)
    real = Labelled(file=file, label=MailClass.HAM, source="here")
    assert not lesson_of(real, examine(octets)).signed
    assert lesson_of(real, examine(b"DKIM-Signature: d=mail.shop.example\r\n" + octets)).signed
    assert lesson_of(real, examine(octets)).bulk is True
    assert lesson_of(replace(real, invented_header=True), examine(octets)).bulk is None
