from __future__ import annotations

import pytest

from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.reputation.sender_domain import check_sender_domain
from gateway.facts.connection import SenderDomain
from gateway.facts.outcome import Known, Unknown


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([{"MX": [10, "mx.example.com"]}], SenderDomain.TAKES_MAIL),
        ([{"MX": [0, "."]}], SenderDomain.NULL_MX),
        ([{"MX": [0, "."]}, {"MX": [10, "mx.example.com"]}], SenderDomain.TAKES_MAIL),
        ([{"A": "192.0.2.1"}], SenderDomain.TAKES_MAIL),
        ([{"AAAA": "2001:db8::1"}], SenderDomain.TAKES_MAIL),
        ([{"TXT": "nothing else"}], SenderDomain.NO_HOST),
    ],
)
async def test_what_the_dns_says(records: list[object], expected: SenderDomain) -> None:
    zone = ZoneResolver({"example.com": records})
    assert await check_sender_domain(zone, "example.com") == Known(expected)


async def test_a_domain_that_does_not_exist() -> None:
    assert await check_sender_domain(ZoneResolver({}), "example.com") == Known(SenderDomain.NO_SUCH_DOMAIN)
    assert await check_sender_domain(ZoneResolver({}), "x" * 64 + ".example") == Known(SenderDomain.NO_SUCH_DOMAIN)


@pytest.mark.parametrize("failure", ["TIMEOUT", "SERVFAIL"])
async def test_a_failure_is_unknown(failure: str) -> None:
    assert isinstance(await check_sender_domain(ZoneResolver({"example.com": [failure]}), "example.com"), Unknown)
