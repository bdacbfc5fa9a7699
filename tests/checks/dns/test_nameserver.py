from __future__ import annotations

import pytest

from gateway.checks.dns.answers import Question, Status
from gateway.checks.dns.nameserver import BadNameserver, Nameserver, Unreachable, ask, is_alive, system_nameservers
from tests.dns_server import Behaviour, DnsServer


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        (" 192.0.2.1:5353 ", "192.0.2.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
    ],
)
def test_reads_an_address_with_or_without_a_port(text: str, address: str, port: int) -> None:
    assert Nameserver.parse(text) == Nameserver(address, port)
    assert Nameserver.parse(str(Nameserver(address, port))) == Nameserver(address, port)


@pytest.mark.parametrize(
    "text", ["", "ns.example", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:0", "192.0.2.1:70000", "[::1", "[::1]5"]
)
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(BadNameserver):
        Nameserver.parse(text)


async def test_asks_one_question() -> None:
    async with DnsServer.running({"a.example": [{"A": "192.0.2.1"}]}) as server:
        nameserver = Nameserver("127.0.0.1", server.port)
        answer = await ask(nameserver, Question("a.example", "A"), timeout=2)
        assert (answer.status, answer.records) == (Status.OK, ("192.0.2.1",))
        assert await is_alive(nameserver, timeout=2)


async def test_an_unknown_type_is_a_failure() -> None:
    answer = await ask(Nameserver("127.0.0.1", 9), Question("a.example", "NOTATYPE"), timeout=2)
    assert answer.status is Status.SERVFAIL


async def test_silence_is_unreachable() -> None:
    async with DnsServer.running({}) as server:
        server.everywhere = Behaviour(silent=True)
        nameserver = Nameserver("127.0.0.1", server.port)
        with pytest.raises(Unreachable):
            await ask(nameserver, Question("a.example", "A"), timeout=0.05)
        assert not await is_alive(nameserver, timeout=0.05)


async def test_tcp_counts_towards_the_same_time_out() -> None:
    async with DnsServer.running({"a.example": [{"A": "192.0.2.1"}]}) as server:
        server.everywhere = Behaviour(truncate=True)
        nameserver = Nameserver("127.0.0.1", server.port)
        assert (await ask(nameserver, Question("a.example", "A"), timeout=2)).status is Status.OK
        assert server.tcp == ["a.example A"]
        server.everywhere = Behaviour(truncate=True, delay=0.1)
        with pytest.raises(Unreachable):
            await ask(nameserver, Question("a.example", "A"), timeout=0.15)


def test_the_systems_nameservers_are_addresses() -> None:
    for each in system_nameservers():
        assert Nameserver.parse(str(each)) == each
