"""gateway/anatomy/scantness.py"""

from __future__ import annotations

import pytest

from gateway.anatomy.examine import examine
from gateway.facts.content import ContentFact


def content_of(subject: str, body: str, *fields: str) -> ContentFact:
    header = ("From: a@sender.example", f"Subject: {subject}", *fields)
    return examine(("".join(f"{each}\r\n" for each in header) + f"\r\n{body}\r\n").encode()).content


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("t", "x"), ("Test", "test"), ("ü", "ü"), ("", ""), ("Re: lunch", "Thanks, see you at 12:30!"),
        ("", "谢谢你们，明天见"), ("interop", "This is a test mailing"),
    ],
)  # fmt: skip
def test_a_few_plain_words_are_scant(subject: str, body: str) -> None:
    assert content_of(subject, body).scant


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Hi", "see https://evil.example/x"), ("Hi", "see evil.com"), ("evil.example", "x"), ("Hi", "to me@evil"),
        ("Hi", "call 0800 555 0199"), ("Hi", "call +1 (800) 555-0199"), ("Pay", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzz"),
        ("A", "one two three four five six seven eight nine ten eleven twelve"), ("", "请在今天之内付清所有的款项否则"),
        ("", "x " * 400),
    ],
)  # fmt: skip
def test_what_leads_somewhere_or_says_something_is_not(subject: str, body: str) -> None:
    assert not content_of(subject, body).scant


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (("Content-Type: text/html",), "<p>x</p>"),
        (("Content-Disposition: attachment; filename=x.txt",), "x"),
        (("Content-Type: image/png", "Content-Transfer-Encoding: base64"), "iVBORw0KGgoAAAANSUhEUg=="),
        (("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b"), "--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--"),
        (("Content-Type: application/zip", "Content-Transfer-Encoding: base64"), "UEsDBBQAAAAIAA=="),
    ],
)
def test_what_has_more_than_words_is_not(fields: tuple[str, ...], body: str) -> None:
    assert not content_of("x", body, *fields).scant
