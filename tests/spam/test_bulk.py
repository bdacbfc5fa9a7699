"""Whether a message is built as bulk mail: two signs that agree, an author who does not contradict it, or doubt."""

from __future__ import annotations

import pytest
from hypothesis import given

from gateway.facts.content import Anatomy, ContentFact, LinkFact
from gateway.spam.bulk import bulk_of
from tests.spam.makings import anatomy_of, author, link
from tests.spam.test_features import anatomies

SHOP = author("Bluebird Shoes", "news@mail.bluebird.example")
OFFER = ("from", "subject", "list-unsubscribe", "list-unsubscribe-post")
WAY_OUT = link("https://bluebird.example/u?id=7", "Unsubscribe")


def mail(*names: str, links: tuple[LinkFact, ...] = (), sender=SHOP) -> Anatomy:
    return anatomy_of("Boots", content=ContentFact(links=links), authors=(sender,), header_names=names)


CASES = {
    "one click": (mail(*OFFER), True),
    "field and link": (mail("list-unsubscribe", links=(WAY_OUT,)), True),
    "list and link": (mail("list-id", links=(WAY_OUT,)), True),
    "service and link": (mail("feedback-id", links=(WAY_OUT,)), True),
    "link that says so in its address": (mail("list-id", links=(link("https://b.example/optout/7"),)), True),
    "in German": (mail("list-id", links=(link("https://b.example/7", "Newsletter abbestellen"),)), True),
    "in Chinese": (mail("list-id", links=(link("https://b.example/7", "退订"),)), True),
    "a letter": (mail("from", "subject"), False),
    "a letter with a link": (mail("from", links=(link("https://b.example/", "See here"),)), False),
    "field alone": (mail("list-unsubscribe"), None),
    "link alone": (mail("from", links=(WAY_OUT,)), None),
    "discussion": (mail(*OFFER, "list-id", "list-post"), None),
    "from a public mailbox": (mail(*OFFER, sender=author("Bluebird", "bluebird@gmail.com")), None),
    "under another's name": (mail(*OFFER, sender=author("Harbour Tools", "a@bluebird.example")), None),
    "without an author": (anatomy_of("Boots", header_names=OFFER), None),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_bulk(case: str) -> None:
    message, expected = CASES[case]
    assert bulk_of(message) is expected


def test_a_way_out_is_found_at_the_end_of_many_links() -> None:
    many = tuple(link(f"https://bluebird.example/{number}", "Boots") for number in range(500))
    assert bulk_of(mail("list-id", links=(*many, WAY_OUT))) is True


@given(anatomies)
def test_a_message_without_a_sign_in_its_header_is_never_called_bulk(anatomy: Anatomy) -> None:
    names = tuple(
        name for name in anatomy.header_names if not name.startswith(("list-", "precedence", "feedback", "x-"))
    )
    bare = Anatomy(content=anatomy.content, authors=anatomy.authors, text=anatomy.text, header_names=names)
    assert bulk_of(bare) in (False, None)
