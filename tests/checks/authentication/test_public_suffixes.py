"""gateway/checks/authentication/public_suffixes.py against the test vectors of publicsuffix.org, and DMARC with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks.authentication.dmarc import check_dmarc, organisational_domain
from gateway.checks.authentication.public_suffixes import MAX_OCTETS, BadSuffixList, PublicSuffixes
from gateway.checks.dns.domains import dns_name
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact, DmarcFact
from gateway.facts.outcome import NOT_ASKED, Known

SUITE = Path(__file__).resolve().parents[2] / "suites" / "psl"
CASES = json.loads((SUITE / "cases.json").read_text())
LIST = PublicSuffixes.parse((SUITE / "list.dat").read_text())


@pytest.mark.parametrize(("name", "registered"), CASES, ids=[str(name) for name, _ in CASES])
def test_the_vectors_of_publicsuffix_org(name: str | None, registered: str | None) -> None:
    """Names as they are written there; ours are compared as A-labels."""
    ours = dns_name(name or "")
    assert (ours and LIST.registered(ours)) == (registered and dns_name(registered))


@given(st.from_regex(r"[a-z]{1,3}(\.[a-z]{1,3}){0,6}", fullmatch=True))
def test_an_organisation_is_an_ancestor_and_its_own_organisation(name: str) -> None:
    organisation = LIST.organisation(name)
    assert f".{name}".endswith(f".{organisation}")
    assert LIST.organisation(organisation) == organisation


@given(st.text(max_size=200))
def test_any_text_is_a_list_or_is_refused_with_its_line(text: str) -> None:
    try:
        assert len(PublicSuffixes.parse(text)) > 0
    except BadSuffixList as error:
        assert 1 <= error.line <= text.count("\n") + 1


def test_comments_and_what_stands_after_a_space_count_for_nothing() -> None:
    read = PublicSuffixes.parse("// com\n\n  example  a note\r\n*.wild\n!not.wild\n")
    assert len(read) == 3
    assert read.organisation("a.b.example") == "b.example"
    assert read.organisation("a.b.c.wild") == "b.c.wild"
    assert read.organisation("a.not.wild") == "not.wild"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("", 1, "holds no rule"),
        ("// nothing\n", 1, "holds no rule"),
        ("com\n<html>\n", 2, "'<html>' is no rule"),
        ("com\na..b\n", 2, "'a..b' is no rule"),
        ("com\na.*.b\n", 2, "'a.*.b' is no rule"),
        ("!com\n", 1, "'!com' is an exception to nothing"),
        ("." .join("a" * 40) + "\n", 1, "is no rule"),
        ("x" * (MAX_OCTETS + 1), 1, "longer than"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_told_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(BadSuffixList) as raised:
        PublicSuffixes.parse(text)
    assert raised.value.line == line
    assert why in str(raised.value)


ZONE = {
    "_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject; sp=quarantine"}],
    "_dmarc.com": [{"TXT": "v=DMARC1; p=none; psd=y"}],
    "_dmarc.uk.com": [{"TXT": "v=DMARC1; p=none"}],
}


def signed(domain: str) -> Known[DkimFact]:
    return Known(DkimFact((DkimSignatureFact(Auth.PASS, domain, "s", "rsa-sha256"),)))


async def judged(
    author: str, *, signer: str, suffixes: PublicSuffixes | None, zone: ZoneResolver | None = None
) -> DmarcFact:
    resolver = zone or ZoneResolver(ZONE)
    outcome = await check_dmarc(
        resolver, author_domains=[author], spf=NOT_ASKED, dkim=signed(signer), suffixes=suffixes
    )
    assert isinstance(outcome, Known)
    return outcome.value


async def test_organisations_go_by_the_list() -> None:
    """The walk takes uk.com for one organisation, since it has a record; the list knows it for a suffix."""
    forged = await judged("bank.uk.com", signer="evil.uk.com", suffixes=LIST)
    assert forged.result is Auth.NONE
    walked = await judged("bank.uk.com", signer="evil.uk.com", suffixes=None)
    assert walked.result is Auth.PASS
    related = await judged("news.example.com", signer="mail.example.com", suffixes=LIST)
    assert (related.result, related.policy, related.record_domain) == (Auth.PASS, "quarantine", "example.com")


async def test_two_names_are_asked_and_no_more() -> None:
    zone = ZoneResolver(ZONE)
    await judged("a.b.c.d.example.com", signer="x.evil.com", suffixes=LIST, zone=zone)
    assert list(dict.fromkeys(each.name for each in zone.asked)) == ["_dmarc.a.b.c.d.example.com", "_dmarc.example.com"]


async def test_no_question_is_asked_about_an_organisation() -> None:
    zone = ZoneResolver({})
    assert await organisational_domain(zone, "a.b.kobe.jp", LIST) == Known("a.b.kobe.jp")
    assert zone.asked == []


async def test_a_name_in_other_letters_is_the_same_name() -> None:
    assert LIST.organisation(dns_name("www.食狮.公司.cn") or "") == dns_name("食狮.公司.cn")
