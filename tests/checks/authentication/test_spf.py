from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.answering import Recorder
from gateway.checks.dns.nameserver import Nameserver
from gateway.checks.dns.resolver import Resolver
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import SystemClock
from gateway.facts.auth import Auth, SpfFact, SpfIdentity
from gateway.facts.outcome import Known
from tests.dns_server import DnsServer

SUITE = Path(__file__).parents[2] / "suites" / "spf" / "rfc7208-tests.yml"
DOCUMENTS = [each for each in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")) if each]
CASES = [
    pytest.param(document["zonedata"], case, id=f"{document['description']}/{name}")
    for document in DOCUMENTS
    for name, case in document["tests"].items()
]
IP = "192.0.2.1"


async def spf(zone: Any, *, ip: str = IP, helo: str = "mx.example.net", path: str = "bob@example.com") -> SpfFact:
    resolver = zone if isinstance(zone, ZoneResolver) else ZoneResolver(zone)
    outcome = await check_spf(resolver, ip=ip, helo=helo, reverse_path=path)
    assert isinstance(outcome, Known)
    return outcome.value


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 203


@pytest.mark.parametrize(("zone", "case"), CASES)
async def test_suite(zone: Any, case: dict[str, Any]) -> None:
    fact = await spf(zone, ip=str(case["host"]), helo=str(case["helo"]), path=str(case["mailfrom"] or ""))
    permitted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert fact.result.value in permitted
    explanation = case.get("explanation")
    if explanation not in (None, "DEFAULT"):
        assert fact.explanation == explanation


async def test_a_null_reverse_path_is_checked_by_its_helo() -> None:
    zone = {"mx.example.net": [{"TXT": "v=spf1 ip4:192.0.2.1 -all"}]}
    assert await spf(zone, path="") == SpfFact(Auth.PASS, SpfIdentity.HELO, "mx.example.net")


@pytest.mark.parametrize(
    "domain", ["localhost", "[192.0.2.7]", "192.0.2.7", "a..example", "x" * 64 + ".example", "y.example." * 40, ""]
)
async def test_what_is_no_domain_has_no_result_and_is_not_asked(domain: str) -> None:
    zone = ZoneResolver({"localhost": [{"TXT": "v=spf1 +all"}]})
    assert (await spf(zone, path=f"bob@{domain}")).result is Auth.NONE
    assert (await spf(zone, path="", helo=domain)).result is Auth.NONE
    assert zone.asked == []


async def test_an_international_domain_is_checked_in_a_labels() -> None:
    fact = await spf(
        {"xn--mnchen-3ya.example": [{"TXT": "v=spf1 ip4:192.0.2.1 -all"}]}, path="bob@M\u00fcnchen.example"
    )
    assert (fact.result, fact.domain) == (Auth.PASS, "xn--mnchen-3ya.example")


async def test_the_last_at_sign_divides_the_path() -> None:
    zone = {"example.com": [{"TXT": "v=spf1 exists:%{l}.ok.%{d} -all"}], "good.example": [{"TXT": "v=spf1 +all"}]}
    fact = await spf(zone, path='"x@good.example"@example.com')
    assert (fact.result, fact.domain) == (Auth.FAIL, "example.com")


@pytest.mark.parametrize("marker", ["TIMEOUT", "SERVFAIL"])
async def test_a_dns_failure_is_a_temporary_error_that_names_the_question(marker: str) -> None:
    fact = await spf({"example.com": [marker]})
    assert fact == SpfFact(Auth.TEMPERROR, SpfIdentity.MAILFROM, "example.com", "DNS failed for example.com TXT")
    included = {"example.com": [{"TXT": "v=spf1 include:other.example -all"}], "other.example": [marker]}
    assert (await spf(included)).explanation == "DNS failed for other.example TXT"


async def test_results_are_never_confused() -> None:
    assert (await spf({})).result is Auth.NONE
    assert (await spf({"example.com": [{"TXT": "v=spf1 -all"}]})).result is Auth.FAIL
    assert (await spf({"example.com": [{"TXT": "v=spf1 ~all"}]})).result is Auth.SOFTFAIL
    assert (await spf({"example.com": [{"TXT": "v=spf1 ?all"}]})).result is Auth.NEUTRAL
    assert (await spf({"example.com": [{"TXT": "v=spf1 moo -all"}]})).result is Auth.PERMERROR
    assert (await spf({"example.com": [{"TXT": "v=spf1 -all"}, {"TXT": "v=spf1 +all"}]})).result is Auth.PERMERROR


async def test_the_explanation_is_the_owners_and_bounded() -> None:
    zone = {
        "example.com": [{"TXT": "v=spf1 -all exp=why.example.com"}],
        "why.example.com": [{"TXT": "No, %{l}! " * 90}],
    }
    fact = await spf(zone)
    assert fact.explanation.startswith("No, bob! No, bob!")
    assert len(fact.explanation) == 300
    assert (await spf({"example.com": [{"TXT": "v=spf1 -all"}]})).explanation == ""


async def test_more_than_ten_terms_are_a_permanent_error() -> None:
    zone: dict[str, Any] = {f"n{n}.example": [{"TXT": f"v=spf1 include:n{n + 1}.example -all"}] for n in range(30)}
    zone["example.com"] = [{"TXT": "v=spf1 include:n0.example -all"}]
    resolver = ZoneResolver(zone)
    assert (await spf(resolver)).result is Auth.PERMERROR
    assert len(set(resolver.asked)) <= 12


async def test_what_was_answered_is_kept() -> None:
    zone = {"example.com": [{"TXT": "v=spf1 a:mx.example -all"}], "mx.example": [{"A": IP}]}
    recorder = Recorder(ZoneResolver(zone))
    await check_spf(recorder, ip=IP, helo="h.example", reverse_path="bob@example.com")
    assert [(each.name, each.type, each.records) for each in recorder.recorded] == [
        ("example.com", "TXT", ("v=spf1 a:mx.example -all",)),
        ("mx.example", "A", (IP,)),
    ]


async def test_hosts_of_one_answer_are_asked_together() -> None:
    hosts = [f"mx{n}.example" for n in range(6)]
    zone: dict[str, Any] = {host: [{"A": f"192.0.2.{200 + n}"}] for n, host in enumerate(hosts)}
    zone["example.com"] = [{"TXT": "v=spf1 mx -all"}, *({"MX": [10, host]} for host in hosts)]
    async with DnsServer.running(zone) as server:
        resolver = Resolver([Nameserver("127.0.0.1", server.port)], clock=SystemClock())
        rounds: list[int] = []
        fetch = resolver._fetch

        async def counted(wanted: Any, lookup: Any, deadline: float) -> None:
            rounds.append(len(wanted))
            await fetch(wanted, lookup, deadline)

        resolver._fetch = counted  # type: ignore[method-assign]
        outcome = await check_spf(resolver, ip="192.0.2.205", helo="h.example", reverse_path="bob@example.com")
        await resolver.close()
    assert isinstance(outcome, Known)
    assert outcome.value.result is Auth.PASS
    assert rounds == [1, 1, 6]


async def test_concurrent_checks_do_not_mix_their_answers() -> None:
    zone = {f"d{n}.example": [{"TXT": f"v=spf1 ip4:192.0.2.{n} -all"}] for n in range(40)}
    async with DnsServer.running(zone) as server:
        resolver = Resolver([Nameserver("127.0.0.1", server.port)], clock=SystemClock())
        outcomes = await asyncio.gather(
            *(
                check_spf(
                    resolver, ip=f"192.0.2.{n if n % 2 else 99}", helo="h.example", reverse_path=f"x@d{n}.example"
                )
                for n in range(40)
            )
        )
        await resolver.close()
    results = [outcome.value.result for outcome in outcomes if isinstance(outcome, Known)]
    assert results == [Auth.PASS if n % 2 else Auth.FAIL for n in range(40)]


TERMS = st.sampled_from(
    [
        "all",
        "-all",
        "a",
        "mx",
        "ptr",
        "a:%{d}",
        "exists:%{ir}.%{l1r-}.x",
        "include:other.example",
        "redirect=other.example",
    ]
) | st.text(alphabet="abeincludmxptrs:=%{}/.-~?+0123456789", max_size=20)


@given(st.lists(TERMS, max_size=12), st.text(max_size=20), st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_record_gives_a_fact(terms: list[str], helo: str, path: str) -> None:
    """Any record, HELO and path give one result of RFC 7208."""
    zone = {"example.com": [{"TXT": " ".join(["v=spf1", *terms])}], "other.example": [{"TXT": "v=spf1 mx ~all"}]}
    for each in (path, f"{path}@example.com"):
        fact = asyncio.run(spf(zone, helo=helo, path=each))
        assert fact.result is not Auth.POLICY
