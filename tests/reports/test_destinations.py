from __future__ import annotations

from typing import Any

import pytest

from gateway.checks.authentication.public_suffixes import PublicSuffixes
from gateway.checks.dns.zone import ZoneResolver
from gateway.reports.destinations import MAX_DESTINATIONS, destinations, mailbox

OURS = {"_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}]}


async def found(zone: dict[str, Any], *uris: str, domain: str = "example.com") -> list[str]:
    return [str(each) for each in await destinations(ZoneResolver({**OURS, **zone}), domain, uris)]


def consent(text: str = "v=DMARC1", *, domain: str = "example.com", host: str = "reader.example.net") -> dict[str, Any]:
    return {f"{domain}._report._dmarc.{host}": [{"TXT": text}]}


async def test_the_owner_himself_needs_no_consent() -> None:
    assert await found({}, "mailto:a@example.com", "mailto:b@in.example.com") == ["a@example.com", "b@in.example.com"]
    assert await found({}, "mailto:a@example.com", domain="news.example.com") == ["a@example.com"]


async def test_a_stranger_gets_only_what_he_agreed_to() -> None:
    uri = "mailto:reports@reader.example.net"
    assert await found({}, uri) == []
    assert await found(consent(), uri) == ["reports@reader.example.net"]
    assert await found(consent("v=DMARC1;"), uri) == ["reports@reader.example.net"]
    assert await found(consent(domain="*"), uri) == [], "our zone has no wildcards: a name is what it says"
    assert await found(consent(domain="example.org"), uri) == []
    for record in ("", "v=spf1 -all", "DMARC1", "p=none; v=DMARC1"):
        assert await found(consent(record), uri) == []


@pytest.mark.parametrize("failure", ["TIMEOUT", "SERVFAIL", "NXDOMAIN"])
async def test_silence_is_no_consent(failure: str) -> None:
    assert (
        await found({"example.com._report._dmarc.reader.example.net": [failure]}, "mailto:r@reader.example.net") == []
    )


async def test_an_unknown_organisation_is_a_stranger() -> None:
    zone = {"_dmarc.in.example.com": ["TIMEOUT"]}
    assert await found(zone, "mailto:r@in.example.com") == []
    assert await found({**zone, **consent(host="in.example.com")}, "mailto:r@in.example.com") == ["r@in.example.com"]


async def test_the_reader_may_name_another_mailbox_of_his_own_host_only() -> None:
    uri = "mailto:reports@reader.example.net"
    own = consent("v=DMARC1; rua=mailto:other@reader.example.net")
    elsewhere = consent("v=DMARC1; rua=mailto:victim@example.edu")
    both = consent("v=DMARC1; rua=mailto:other@reader.example.net,mailto:victim@example.edu")
    assert await found(own, uri) == ["other@reader.example.net"]
    assert await found(elsewhere, uri) == []
    assert await found(both, uri) == []
    assert await found(consent("v=DMARC1; rua=https://reader.example.net/"), uri) == []


async def test_each_gets_one_and_not_everybody() -> None:
    many = [f"mailto:{number}@example.com" for number in range(20)]
    assert len(await found({}, *many)) == MAX_DESTINATIONS
    assert await found({}, "mailto:a@example.com", "mailto:A@example.com") == ["a@example.com"]


async def test_a_name_too_long_to_be_asked_consents_to_nothing() -> None:
    domain = ".".join(["a" * 60] * 3) + ".example.com"
    assert await found({}, "mailto:r@" + "b" * 60 + ".example.net", domain=domain) == []


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("mailto:a@example.com", "a@example.com"),
        ("MAILTO:a@example.com", "a@example.com"),
        ("mailto:a@example.com!10m", "a@example.com"),
        ("mailto:a@example.com?subject=x", "a@example.com"),
        ("mailto:a%2Bdmarc@example.com", "a+dmarc@example.com"),
        ("mailto:a%21b@example.com", "a!b@example.com"),
        ("https://example.com/", None),
        ("mailto:", None),
        ("mailto:a", None),
        ("mailto:a@[192.0.2.1]", None),
        ("mailto:a%0d%0aBcc:x@example.com", None),
        ("mailto:ä@example.com", None),
        ("mailto:a%FF@example.com", None),
        ("mailto:a@localhost", None),
    ],
)
def test_what_a_uri_means(uri: str, address: str | None) -> None:
    found = mailbox(uri)
    assert (None if found is None else str(found)) == address


async def test_an_operators_suffix_list_says_who_is_a_stranger() -> None:
    """By the walk, a record of the suffix makes one organisation of two neighbours; by the list they are strangers."""
    zone = ZoneResolver({"_dmarc.co.example": [{"TXT": "v=DMARC1; p=none"}]})
    uris = ["mailto:r@reader.co.example"]
    suffixes = PublicSuffixes.parse("example\nco.example\n")
    assert [str(each) for each in await destinations(zone, "mine.co.example", uris)] == ["r@reader.co.example"]
    assert await destinations(zone, "mine.co.example", uris, suffixes=suffixes) == []
    own = ["mailto:r@in.mine.co.example"]
    found = await destinations(zone, "mine.co.example", own, suffixes=suffixes)
    assert [str(each) for each in found] == ["r@in.mine.co.example"]
