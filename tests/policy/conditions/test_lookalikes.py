"""What is made to be taken for a domain or a person is told from what merely has something in common with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.conditions.lookalikes import Lookalikes, People, skeleton

OURS = Lookalikes(["example.org", ".bücher.example", "firma.co.uk", "abc.de"])


@pytest.mark.parametrize(
    "domain",
    [
        "examp1e.org",
        "exarnple.org",
        "еxample.org",
        "xn--xample-2of.org",
        "exämple.org",
        "examp1e.com",
        "exmaple.org",
        "exampl.org",
        "examplee.net",
        "example-billing.net",
        "secure-example.org",
        "example.org.login.net",
        "mail.exarnple.org",
        "bucher.example",
        "f1rma.co.uk",
    ],
)
def test_made_to_be_taken_for_ours(domain):
    assert OURS.resembles(domain)
    assert OURS.resembles(f"boss@{domain.upper()}")


@pytest.mark.parametrize(
    "domain",
    [
        "example.org",
        "mail.example.org",
        "xn--bcher-kva.example",
        "example.com",
        "sample.org",
        "examples-of-art.net",
        "trampled.org",
        "abd.de",
        "ab-c.de",
        "friend.example",
        "localhost",
        "",
        "co.uk",
    ],
)
def test_ours_or_another_by_right(domain):
    assert not OURS.resembles(domain)


def test_addresses_and_networks_of_a_list_are_no_domains():
    assert not Lookalikes(["ada@example.org", "192.0.2.0/24", "192.0.2.1", "word"]).resembles("examp1e.org")


VIPS = People(["Ada Lovelace", "ada@example.org", "Boss"])


@pytest.mark.parametrize(
    "name",
    ["Ada Lovelace", "LOVELACE, Ada", "Dr. Ada King Lovelace (CEO)", "Аda Lоvelace", "ada.lovelace", "Ada L0velace"],
)
def test_somebody_is_named(name):
    assert VIPS.named_in(name)


@pytest.mark.parametrize("name", ["Ada", "Lovelace Street", "Adam Lovelace", "Boss", "", "AdaLovelace Ltd"])
def test_nobody_is_named(name):
    assert not VIPS.named_in(name)


@given(st.text(max_size=80))
def test_any_text_has_an_answer(text):
    OURS.resembles(text)
    VIPS.named_in(text)


@given(st.text(max_size=40))
def test_a_skeleton_looks_like_itself(text):
    assert skeleton(skeleton(text)) == skeleton(text)
