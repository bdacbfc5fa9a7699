"""Look-ups that begin at MAIL, against a real DNS server on loopback."""

from __future__ import annotations

import asyncio

import pytest

from gateway.app.door import looking_ahead
from gateway.app.door.looking_ahead import LookingAhead
from gateway.checks.authentication.dmarc import check_dmarc
from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.nameserver import Nameserver
from gateway.checks.dns.resolver import Resolver
from gateway.clock import SystemClock
from gateway.facts.auth import Auth, DkimFact
from gateway.facts.outcome import Known
from gateway.mail.address import Address
from tests.dns_server import Behaviour, DnsServer

ZONE = {
    "news.example.com": [{"TXT": "v=spf1 mx include:_spf.example.net -all"}, {"MX": [10, "mx.example.com"]}],
    "mx.example.com": [{"A": "192.0.2.9"}],
    "_spf.example.net": [{"TXT": "v=spf1 ip4:192.0.2.0/24 -all"}],
    "_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}],
}
ANN = Address("ann", "news.example.com")


async def test_what_the_scan_will_ask_is_answered_by_then() -> None:
    async with DnsServer.running(ZONE) as server:
        resolver = Resolver([Nameserver("127.0.0.1", server.port)], clock=SystemClock())
        ahead = LookingAhead(resolver)
        ahead.at_mail(ip="192.0.2.1", helo="mx.example.com", sender=ANN)
        await ahead.settled()
        asked = len(server.udp)
        assert asked > 5
        spf = await check_spf(resolver, ip="192.0.2.1", helo="mx.example.com", reverse_path=str(ANN))
        dkim = Known(DkimFact())
        dmarc = await check_dmarc(resolver, author_domains=["news.example.com"], spf=spf, dkim=dkim)
        assert isinstance(dmarc, Known)
        assert (dmarc.value.result, dmarc.value.policy) == (Auth.PASS, "reject")
        assert len(server.udp) == asked, "nothing was left to be asked"
        await resolver.close()


async def test_nobody_waits_for_a_slow_domain_and_few_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_ahead, "MAX_AHEAD", 2)
    async with DnsServer.running(ZONE) as server:
        server.everywhere = Behaviour(silent=True)
        resolver = Resolver(
            [Nameserver("127.0.0.1", server.port)], clock=SystemClock(), query_timeout=0.1, check_timeout=0.2
        )
        ahead = LookingAhead(resolver)
        for number in range(10):
            ahead.at_mail(ip="192.0.2.1", helo="mx.example.com", sender=Address("a", f"n{number}.example"))
        await asyncio.sleep(0)
        await ahead.settled()
        assert {name.split()[0] for name in server.udp if name.endswith("TXT")} <= {
            "n0.example", "n1.example", "_dmarc.n0.example", "_dmarc.n1.example", "_dmarc.example",
        }  # fmt: skip
        await resolver.close()


@pytest.mark.parametrize("helo", ["", "localhost", "[192.0.2.1]", "a b", "x" * 300, "mx.example.com", "\udcff.example"])
async def test_any_client_without_a_sender_breaks_nothing(helo: str) -> None:
    async with DnsServer.running(ZONE) as server:
        resolver = Resolver([Nameserver("127.0.0.1", server.port)], clock=SystemClock())
        ahead = LookingAhead(resolver)
        for ip in ("192.0.2.1", "2001:db8::1", "nonsense"):
            ahead.at_mail(ip=ip, helo=helo, sender=None)
        await ahead.settled()
        await resolver.close()
