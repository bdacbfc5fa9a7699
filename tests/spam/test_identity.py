"""Whether a message agrees with itself about who sent it: each fact with a message that has it."""

from __future__ import annotations

import pytest
from hypothesis import given

from gateway.facts.content import Anatomy, ContentFact
from gateway.spam.identity import identity_of
from tests.spam.makings import anatomy_of, author, link
from tests.spam.test_features import anatomies


def from_shop(text: str = "", *urls: str, name: str = "Bluebird Shoes", **more: object) -> Anatomy:
    content = ContentFact(links=tuple(link(url) for url in urls))
    return anatomy_of(text, content=content, authors=(author(name, "news@mail.bluebird.example"),), **more)


CASES = {
    "author's name and domain agree": from_shop(),
    "author's name and domain differ": from_shop(name="Harbour Tools"),
    "text names the author's domain": from_shop("New at Blue-Bird today"),
    "text does not name the author's domain": from_shop("New at bluebirds.example"[:6]),
    "subject names the author's domain": from_shop(subject="Bluebird: your order"),
    "text says the author's name": from_shop("The bluebird team greets you"),
    "text does not say the author's name": from_shop("Claim it now"),
    "rights are claimed by the author": from_shop("Offers\n© 2026 Bluebird Shoes Ltd"),
    "rights are claimed by another": from_shop("Offers\nCopyright 2026 Harbour Tools"),
    "author's name is a brand's, not its domain": from_shop(name="PayPal Support"),
    "author's name is a brand's, and its domain too": anatomy_of(authors=(author("PayPal", "a@mail.paypal.example"),)),
    "subject names a brand that did not send it": from_shop(subject="Your Netflix account"),
    "subject names a brand that sent it": anatomy_of(
        subject="Your Netflix account", authors=(author("N", "a@netflix.example"),)
    ),
    "replies go to a public mail service": from_shop(reply_to=(author("A", "a@gmail.com"),)),
    "nearly all links go to the author's domain": from_shop(
        "", "https://bluebird.example/", "https://x.bluebird.example/"
    ),
    "most links go to the author's domain": from_shop("", "https://bluebird.example/", "https://other.example/"),
    "few links go to the author's domain": from_shop("", "https://bluebird.example/", *["https://other.example/"] * 4),
    "a link's domain resembles the author's": from_shop("", "https://bluebirds.example/"),
    "no link's domain is named": from_shop("Claim it now", "https://keciat.example/"),
    "every link's domain is named": from_shop("Claim it at Keciat", "https://keciat.example/"),
    "most frequent link's domain is named": from_shop(
        "By Keciat", "https://keciat.example/", "https://keciat.example/b", "https://other.example/"
    ),
    "most frequent link's domain is not named": from_shop(
        "By Keciat", "https://keciat.example/", "https://other.example/b", "https://other.example/"
    ),
}


@pytest.mark.parametrize("fact", CASES)
def test_each_fact_is_found(fact: str) -> None:
    assert fact in set(identity_of(CASES[fact]))


def test_a_web_address_in_the_text_names_nobody() -> None:
    assert "no link's domain is named" in set(
        identity_of(from_shop("See https://keciat.example/", "https://keciat.example/"))
    )


def test_a_person_of_a_company_need_not_be_called_like_it() -> None:
    facts = set(identity_of(anatomy_of(authors=(author("Ann Miller", "ann.miller@partner.example"),))))
    assert not facts & {"author's name and domain agree", "author's name and domain differ"}


def test_a_public_mailbox_says_nothing_of_its_user() -> None:
    facts = set(identity_of(anatomy_of("Hello", authors=(author("Gmail Team", "x@gmail.com"),))))
    assert "author's name and domain agree" not in facts
    assert "text does not name the author's domain" not in facts


@given(anatomies)
def test_every_fact_is_told_once_at_most(anatomy: Anatomy) -> None:
    facts = list(identity_of(anatomy))
    assert len(facts) == len(set(facts))
