"""Routes are read as operators write them, and every destination key reads back as the same route."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.delivery.routes import (
    BadRoute,
    Endpoint,
    Language,
    Routes,
    ToExchangers,
    ToHops,
    ToMailbox,
    destination_key,
    parse_route,
)
from gateway.mail.address import Address

GOOD = {
    "mailbox": ToMailbox(),
    "lmtp://127.0.0.1:24": ToHops((Endpoint(Language.LMTP, "127.0.0.1", 24),)),
    "lmtp+unix:/run/dovecot/lmtp": ToHops((Endpoint(Language.LMTP, path="/run/dovecot/lmtp"),)),
    "smtp://a.example:25,b.example:2525": ToHops(
        (Endpoint(Language.SMTP, "a.example", 25), Endpoint(Language.SMTP, "b.example", 2525))
    ),
    "smtp://[2001:db8::1]:25": ToHops((Endpoint(Language.SMTP, "2001:db8::1", 25),)),
    "mx:example.org": ToExchangers("example.org"),
    "mx:[192.0.2.1]": ToExchangers("[192.0.2.1]"),
    "mx:bücher.example": ToExchangers("bücher.example"),
}

BAD = [
    "",
    "mx",
    "mx:",
    "mx:a b",
    "mx:[x@y]",
    "smtp://",
    "smtp://host:0",
    "smtp://host:65536",
    "smtp://host:25,",
    "smtp://host name:25",
    "smtp://user@host:25",
    "smtp://host:25/path",
    "lmtp://a:24,b:24",
    "lmtp+unix:relative",
    "lmtp+unix:/" + "x" * 200,
    "http://host:25",
    "smtp://" + ",".join(f"h{n}:25" for n in range(9)),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_route_is_read(text: str) -> None:
    assert parse_route(text) == GOOD[text]
    assert destination_key(GOOD[text]) == text


def test_bare_mx_stands_for_the_domain_and_ports_have_defaults() -> None:
    assert parse_route("mx", domain="Example.ORG.") == ToExchangers("example.org")
    assert destination_key(parse_route("smtp://Mail.Example")) == "smtp://mail.example:25"
    assert destination_key(parse_route("lmtp://store")) == "lmtp://store:24"


@pytest.mark.parametrize("text", BAD)
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(BadRoute):
        parse_route(text)


@given(st.text(max_size=60) | st.text("smtplx:+unix/,.[]0123456789ab", max_size=60))
def test_any_text_is_a_route_that_reads_back_or_bad_route(text: str) -> None:
    try:
        route = parse_route(text)
    except BadRoute:
        return
    assert parse_route(destination_key(route)) == route


def test_the_table_sends_own_domains_their_way_and_others_to_their_exchangers() -> None:
    routes = Routes(domains={"example.org": "mailbox", "branch.example": "smtp://10.0.0.5"})
    assert routes.destination_of(Address("a", "example.org")) == "mailbox"
    assert routes.destination_of(Address("a", "branch.example")) == "smtp://10.0.0.5:25"
    assert routes.destination_of(Address("a", "elsewhere.example")) == "mx:elsewhere.example"
