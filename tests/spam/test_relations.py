"""How parts of a message agree: each fact with a message that has it."""

from __future__ import annotations

import pytest

from gateway.facts.content import Anatomy, ContentFact, HtmlFact, PartFact
from gateway.spam.relations import MAX_FACTS, facts_of
from tests.spam.makings import anatomy_of, author, link


def linked(*urls: str, **more: object) -> Anatomy:
    return anatomy_of(content=ContentFact(links=tuple(link(url) for url in urls)), **more)


CASES = {
    "author's name shows another address": anatomy_of(authors=(author("service@bank.example"),)),
    "author's name is the address": anatomy_of(authors=(author("ann@partner.example"),)),
    "author's name shows another domain": anatomy_of(authors=(author("www.bank.example"),)),
    "author has no name": anatomy_of(authors=(author(""),)),
    "author's name is in capitals": anatomy_of(authors=(author("SUPPORT DESK"),)),
    "author's name hides characters inside words": anatomy_of(authors=(author("Mi\U000e0139crosoft"),)),
    "author's address has many digits": anatomy_of(authors=(author("A", "x8841@partner.example"),)),
    "author's domain has a new top-level domain": anatomy_of(authors=(author("A", "a@winner.shop"),)),
    "replies go to another domain": anatomy_of(authors=(author(),), reply_to=(author("A", "a@other.example"),)),
    "no link goes to the author's domain": linked("https://other.shop/", authors=(author(),)),
    "all links go to the author's domain": linked("https://www.partner.example/", authors=(author(),)),
    "links go to one domain": linked("https://a.example/", "https://b.a.example/"),
    "links go to many domains": linked(*(f"https://{name}.example.org.{name}.com/" for name in "abcdefgh")),
    "link's host is a bare number": linked("http://203.0.113.7/login"),
    "link's host is in punycode": linked("http://xn--pypal-4ve.example/"),
    "link's host looks random": linked("http://bcdfghk.example.com.bcdfghkl.com/"),
    "link is shortened": linked("https://bit.ly/abc"),
    "link goes to a host open to anybody": linked("https://x.web.app/"),
    "link's path is one code": linked("https://a.example/7mDBYNwfGpLig90jcfycAnwcVWPPnz"),
    "link hides its host behind a user name": linked("https://bank.example@evil.example/"),
    "link names a port": linked("https://evil.example:2080/"),
    "link holds an address": linked("https://evil.example/?mail=rcpt@example.net"),
    "link ends in php": linked("https://evil.example/login.php?x=1"),
    "link's text shows another site": anatomy_of(
        content=ContentFact(links=(link("http://evil.example/", "https://www.bank.com/verify"),))
    ),
    "has one link": linked("https://a.example/"),
    "subject has no words": anatomy_of(subject="!!! 100"),
    "subject is in capitals": anatomy_of(subject="FREE MONEY NOW"),
    "subject exclaims": anatomy_of(subject="Hello!"),
    "subject names money": anatomy_of(subject="Win $500"),
    "subject imitates letters": anatomy_of(subject="𝗦𝗵𝗶𝗽 now"),
    "text has hardly any words": anatomy_of("Hi"),
    "text exclaims much": anatomy_of("wow! " * 8),
    "text mixes scripts inside a word": anatomy_of("your p\u0430ypal"),
    "text hides characters inside words": anatomy_of("pass\u200bword"),
    "text is in capitals": anatomy_of("I AM THE LAWYER OF " * 8),
    "asks for a password in the message": anatomy_of(html=HtmlFact(password_fields=1)),
    "has a form": anatomy_of(html=HtmlFact(forms=1)),
    "has a script": anatomy_of(html=HtmlFact(scripts=1)),
    "most of its text is hidden": anatomy_of(html=HtmlFact(visible=10, hidden=400)),
    "is a picture without words": anatomy_of(html=HtmlFact(images=1)),
    "defect name.double_extension": anatomy_of(content=ContentFact(defects=("name.double_extension",))),
    "attachment application/zip": anatomy_of(
        content=ContentFact(parts=(PartFact("1", "a.zip", "", "application/zip", 9, "0"),))
    ),
}


@pytest.mark.parametrize("fact", CASES)
def test_each_fact_is_found_where_it_holds(fact: str) -> None:
    assert fact in facts_of(CASES[fact])


def test_a_plain_letter_between_people_has_no_suspicious_fact() -> None:
    letter = anatomy_of("Hello Alice, shall we meet at ten? " * 50, subject="Lunch", authors=(author(),))
    assert facts_of(letter) == []


def test_persian_and_soft_hyphens_between_words_are_no_trick() -> None:
    assert "text hides characters inside words" not in facts_of(anatomy_of("می\u200cخواهم" * 80))
    assert "text hides characters inside words" not in facts_of(anatomy_of("Sale \u200c \u200c \u200c today " * 80))


def test_facts_are_bounded() -> None:
    parts = tuple(PartFact(str(n), "x", "", f"type/{n}", 1, "") for n in range(500))
    defects = tuple(f"mime.{n}" for n in range(500))
    assert len(facts_of(anatomy_of(content=ContentFact(parts=parts, defects=defects)))) <= MAX_FACTS
