from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.authentication.dmarc import MAX_AUTHOR_DOMAINS, check_dmarc
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Unknown
from gateway.mail.headers import authors

SUITE = Path(__file__).parents[2] / "suites" / "dmarc" / "cases.json"
CASES = [case for case in json.loads(SUITE.read_text()) if case["profile"] in ("both", "rfc9989")]
REJECT = {"_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}]}


def spf(domain: str, result: Auth = Auth.PASS) -> Outcome[SpfFact]:
    return Known(SpfFact(result, SpfIdentity.MAILFROM, domain))


def dkim(*signatures: tuple[str, Auth]) -> Outcome[DkimFact]:
    return Known(DkimFact(tuple(DkimSignatureFact(result, domain, "s", "rsa-sha256") for domain, result in signatures)))


async def dmarc(
    zone: Any, *domains: str, spf: Outcome[SpfFact] = NOT_ASKED, dkim: Outcome[DkimFact] = NOT_ASKED
) -> Outcome[DmarcFact]:
    resolver = zone if isinstance(zone, ZoneResolver) else ZoneResolver(zone)
    return await check_dmarc(resolver, author_domains=domains, spf=spf, dkim=dkim)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_suite(case: dict[str, Any]) -> None:
    fields = case["from"] if isinstance(case["from"], list) else [case["from"]]
    domains = [author.domain for field in fields for author in authors(field.encode())]
    resolver = ZoneResolver(case["zone"])
    outcome = await dmarc(
        resolver,
        *domains,
        spf=spf(case["spf"][1], Auth(case["spf"][0])) if case["spf"] else NOT_ASKED,
        dkim=dkim(*((domain, Auth(result)) for domain, result in case["dkim"])),
    )
    expected = case["expect"]
    result = outcome.value.result.value if isinstance(outcome, Known) else "temperror"
    assert result in expected["result"]
    if isinstance(outcome, Known) and result == "fail" and expected["policy"] is not None:
        assert outcome.value.policy in expected["policy"]
    asked = list(dict.fromkeys(each.name for each in resolver.asked if each.name.startswith("_dmarc.")))
    if expected.get("max_queries"):
        assert len(asked) <= expected["max_queries"]
    if expected.get("queries"):
        assert asked[: len(expected["queries"])] == expected["queries"]


async def test_the_walk_asks_the_eight_names_of_the_standard() -> None:
    resolver = ZoneResolver({})
    await dmarc(resolver, "a.b.c.d.e.f.g.h.i.j.mail.example.com")
    assert list(dict.fromkeys(each.name for each in resolver.asked)) == [
        "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "_dmarc.g.h.i.j.mail.example.com",
        "_dmarc.h.i.j.mail.example.com",
        "_dmarc.i.j.mail.example.com",
        "_dmarc.j.mail.example.com",
        "_dmarc.mail.example.com",
        "_dmarc.example.com",
        "_dmarc.com",
    ]


async def test_one_question_is_enough_where_identifier_and_author_are_the_same() -> None:
    resolver = ZoneResolver(REJECT)
    outcome = await dmarc(resolver, "example.com", dkim=dkim(("example.com", Auth.PASS)))
    assert outcome == Known(DmarcFact(Auth.PASS, "example.com", "reject", False, True, "example.com"))
    assert len(set(resolver.asked)) == 1


async def test_a_stranger_costs_no_walk_of_its_own() -> None:
    resolver = ZoneResolver(REJECT)
    await dmarc(resolver, "example.com", dkim=dkim(("a.b.evil.com", Auth.PASS), ("x.evil.net", Auth.PASS)))
    assert not any("evil" in each.name for each in resolver.asked)


@pytest.mark.parametrize("failure", ["TIMEOUT", "SERVFAIL"])
async def test_without_an_answer_about_the_policy_nothing_is_known(failure: str) -> None:
    outcome = await dmarc({"_dmarc.example.com": [failure]}, "example.com", dkim=dkim(("example.com", Auth.PASS)))
    assert outcome == Unknown("DNS failed for _dmarc.example.com")


async def test_doubt_about_an_aligned_identifier_is_doubt() -> None:
    assert await dmarc(REJECT, "example.com", spf=spf("mail.example.com", Auth.TEMPERROR)) == Unknown(
        "SPF could not tell"
    )
    assert await dmarc(REJECT, "example.com", dkim=dkim(("example.com", Auth.TEMPERROR))) == Unknown(
        "DKIM could not tell"
    )
    assert await dmarc(REJECT, "example.com", spf=Unknown("crashed")) == Unknown("SPF could not tell")
    assert await dmarc(REJECT, "example.com", dkim=Unknown("crashed")) == Unknown("DKIM could not tell")


async def test_doubt_about_a_stranger_does_not_hide_a_forgery() -> None:
    outcome = await dmarc(
        REJECT, "example.com", spf=spf("slow.evil.com", Auth.TEMPERROR), dkim=dkim(("evil.com", Auth.TEMPERROR))
    )
    assert isinstance(outcome, Known)
    assert (outcome.value.result, outcome.value.policy) == (Auth.FAIL, "reject")


async def test_doubt_does_not_matter_beside_a_pass() -> None:
    outcome = await dmarc(REJECT, "example.com", spf=Unknown("crashed"), dkim=dkim(("example.com", Auth.PASS)))
    assert isinstance(outcome, Known)
    assert outcome.value.result is Auth.PASS


async def test_strict_alignment_is_no_matter_of_doubt_for_a_subdomain() -> None:
    zone = {"_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject; adkim=s; aspf=s"}]}
    outcome = await dmarc(zone, "example.com", dkim=dkim(("mail.example.com", Auth.TEMPERROR)))
    assert isinstance(outcome, Known)
    assert outcome.value.result is Auth.FAIL


async def test_doubt_about_the_organisation_is_doubt_only_where_it_is_needed() -> None:
    zone = {**REJECT, "_dmarc.com": ["SERVFAIL"]}
    assert isinstance(await dmarc(zone, "example.com", dkim=dkim(("example.com", Auth.PASS))), Known)
    assert isinstance(await dmarc(zone, "example.com", dkim=dkim(("m.example.com", Auth.PASS))), Unknown)
    assert isinstance(await dmarc(zone, "example.com"), Known)


async def test_whether_a_subdomain_exists_is_asked_only_where_it_matters() -> None:
    zone = ZoneResolver({"_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject; sp=none; np=none"}]})
    await dmarc(zone, "ghost.example.com")
    assert "A" not in [each.type for each in zone.asked]
    failing = {"_dmarc.example.com": [{"TXT": "v=DMARC1; p=none; np=reject"}], "ghost.example.com": ["TIMEOUT"]}
    assert await dmarc(failing, "ghost.example.com") == Unknown("DNS failed for ghost.example.com")


@pytest.mark.parametrize("domains", [(), ("",), ("localhost",), ("[192.0.2.1]",), ("a..b",)])
async def test_without_an_author_domain_the_mechanism_cannot_apply(domains: tuple[str, ...]) -> None:
    outcome = await dmarc(REJECT, *domains)
    assert isinstance(outcome, Known)
    assert outcome.value.result is Auth.PERMERROR


async def test_with_several_authors_the_strictest_failure_counts() -> None:
    zone = {**REJECT, "_dmarc.good.example": [{"TXT": "v=DMARC1; p=none"}]}
    outcome = await dmarc(zone, "good.example", "example.com", dkim=dkim(("good.example", Auth.PASS)))
    assert isinstance(outcome, Known)
    assert (outcome.value.result, outcome.value.domain, outcome.value.policy) == (Auth.FAIL, "example.com", "reject")


async def test_a_pass_needs_every_author() -> None:
    outcome = await dmarc(REJECT, "example.com", "norecord.example", dkim=dkim(("example.com", Auth.PASS)))
    assert isinstance(outcome, Known)
    assert (outcome.value.result, outcome.value.domain) == (Auth.NONE, "norecord.example")


async def test_the_same_author_domain_twice_is_one() -> None:
    outcome = await dmarc(REJECT, "example.com", "Example.COM.", dkim=dkim(("example.com", Auth.PASS)))
    assert isinstance(outcome, Known)
    assert outcome.value.result is Auth.PASS


async def test_a_crowd_or_a_malformed_author_does_not_hide_a_forgery() -> None:
    crowd = ["example.com", *(f"d{n}.example" for n in range(MAX_AUTHOR_DOMAINS))]
    for domains in (crowd, ["example.com", "localhost"]):
        outcome = await dmarc(REJECT, *domains)
        assert isinstance(outcome, Known)
        assert (outcome.value.result, outcome.value.policy) == (Auth.FAIL, "reject")
        outcome = await dmarc(REJECT, *domains, dkim=dkim(("example.com", Auth.PASS)))
        assert isinstance(outcome, Known)
        assert outcome.value.result is Auth.PERMERROR


async def test_the_suffixs_policy_applies_where_the_organisation_has_none() -> None:
    zone = {
        "_dmarc.bank.example": [{"TXT": "v=DMARC1; p=none; sp=reject; psd=y"}],
        "giant.bank.example": [{"A": "192.0.2.1"}],
    }
    outcome = await dmarc(zone, "giant.bank.example")
    assert outcome == Known(
        DmarcFact(
            Auth.FAIL, "giant.bank.example", "reject", record_domain="bank.example", reason="no aligned identifier"
        )
    )


LABELS = st.lists(st.sampled_from(["a", "b", "mail", "example", "com"]), min_size=1, max_size=12)
TAGS = st.lists(
    st.sampled_from(
        ["p=reject", "p=none", "p=x", "sp=none", "np=reject", "psd=y", "psd=n", "t=y", "adkim=s", "rua=mailto:a@b"]
    ),
    max_size=5,
)


@given(LABELS, LABELS, st.dictionaries(LABELS.map(".".join), TAGS | st.just(None), max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_tree_of_records_gives_an_outcome_with_few_questions(
    author: list[str], signer: list[str], records: dict[str, list[str] | None]
) -> None:
    """Any records give one outcome, with at most eight questions for each domain and one for existence."""
    zone: dict[str, Any] = {
        f"_dmarc.{name}": ["TIMEOUT"] if tags is None else [{"TXT": "; ".join(["v=DMARC1", *tags])}]
        for name, tags in records.items()
    }
    resolver = ZoneResolver(zone)
    outcome = asyncio.run(dmarc(resolver, ".".join(author), dkim=dkim((".".join(signer), Auth.PASS))))
    assert isinstance(outcome, Known | Unknown)
    assert len(set(resolver.asked)) <= 17
    if author == signer and isinstance(outcome, Known):
        assert outcome.value.result is not Auth.FAIL
