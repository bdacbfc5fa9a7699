"""The resolver against a real server on loopback that is slow, lies, cuts, loops, dies and comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import dns.rcode
import pytest

from gateway.checks.dns.answers import Status
from gateway.checks.dns.nameserver import Nameserver
from gateway.checks.dns.resolver import REST, Resolver
from gateway.clock import FixedClock
from gateway.settings import Dns
from tests.dns_server import Behaviour, DnsServer

ZONE = {
    "example.com": [
        {"A": "192.0.2.1"},
        {"A": "192.0.2.2"},
        {"MX": [10, "MX.Example.com"]},
        {"TXT": ["v=spf1 ", "-all"]},
        {"TXT": "caf\u00e9"},
    ],
    "null.example": [{"MX": [0, "."]}],
    "alias.example": [{"CNAME": "example.com"}],
    "big.example": [{"TXT": "x" * 200 + str(n)} for n in range(20)],
    "huge.example": [{"TXT": "x" * 250 + str(n)} for n in range(200)],
    "slow.example": [{"A": "192.0.2.9"}],
    "broken.example": ["SERVFAIL"],
    "1.2.0.192.in-addr.arpa": [{"PTR": "Mail.Example.com"}],
}


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    async with DnsServer.running(ZONE) as running:
        yield running


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1000.0)


@pytest.fixture
async def resolver(server: DnsServer, clock: FixedClock) -> AsyncIterator[Resolver]:
    resolver = Resolver([Nameserver("127.0.0.1", server.port)], clock=clock, query_timeout=0.4)
    yield resolver
    await resolver.close()


async def test_gives_records_in_presentation_form(resolver: Resolver) -> None:
    answer = await resolver.query("EXAMPLE.com.", "a")
    assert (answer.status, sorted(answer.records), answer.ttl) == ("ok", ["192.0.2.1", "192.0.2.2"], 60)
    assert (await resolver.query("example.com", "MX")).records == ("10 mx.example.com",)
    assert (await resolver.query("null.example", "MX")).records == ("0 .",)
    assert (await resolver.query("1.2.0.192.in-addr.arpa", "PTR")).records == ("mail.example.com",)


async def test_joins_the_strings_of_a_text_record_and_keeps_their_octets(resolver: Resolver) -> None:
    records = (await resolver.query("example.com", "TXT")).records
    assert "v=spf1 -all" in records
    assert "caf\u00e9".encode() in {record.encode("latin-1") for record in records}


async def test_tells_no_data_from_no_name_from_failure(resolver: Resolver) -> None:
    assert (await resolver.query("example.com", "AAAA")).status is Status.NODATA
    assert (await resolver.query("absent.example", "A")).status is Status.NXDOMAIN
    assert (await resolver.query("broken.example", "A")).status is Status.SERVFAIL


@pytest.mark.parametrize(
    "name", ["a..b", "x" * 64 + ".example", ".".join(["abcdefgh"] * 40), "", "xn--\u0000\u00fc\u2028"]
)
async def test_a_name_that_cannot_be_does_not_exist_and_is_not_asked(
    resolver: Resolver, server: DnsServer, name: str
) -> None:
    assert (await resolver.query(name, "A")).status is Status.NXDOMAIN
    assert server.udp == []


async def test_a_hostile_name_is_asked_as_it_is(resolver: Resolver, server: DnsServer) -> None:
    assert (await resolver.query("a\\046b c.example", "A")).status is Status.NXDOMAIN
    assert server.udp == ["a\\\\046b\\032c.example A"]


async def test_an_international_name_is_asked_in_a_labels(resolver: Resolver, server: DnsServer) -> None:
    await resolver.query("M\u00fcnchen.example", "A")
    assert server.udp == ["xn--mnchen-3ya.example A"]


async def test_follows_an_alias_within_the_answer(resolver: Resolver) -> None:
    assert sorted((await resolver.query("alias.example", "A")).records) == ["192.0.2.1", "192.0.2.2"]
    assert (await resolver.query("alias.example", "AAAA")).status is Status.NODATA


async def test_an_alias_loop_is_a_failure(resolver: Resolver, server: DnsServer) -> None:
    server.at["example.com"] = Behaviour(loop=True)
    assert (await resolver.query("example.com", "A")).status is Status.SERVFAIL


async def test_a_cut_answer_is_fetched_over_tcp(resolver: Resolver, server: DnsServer) -> None:
    answer = await resolver.query("big.example", "TXT")
    assert (len(answer.records), server.udp, server.tcp) == (20, ["big.example TXT"], ["big.example TXT"])


async def test_an_answer_beyond_all_measure_is_a_failure(resolver: Resolver) -> None:
    assert (await resolver.query("huge.example", "TXT")).status is Status.SERVFAIL


@pytest.mark.parametrize("lie", [Behaviour(wrong_id=True), Behaviour(wrong_name=True)])
async def test_a_lie_is_passed_over_and_the_truth_awaited(
    resolver: Resolver, server: DnsServer, lie: Behaviour
) -> None:
    server.everywhere = lie
    assert sorted((await resolver.query("example.com", "A")).records) == ["192.0.2.1", "192.0.2.2"]


async def test_garbage_is_no_answer(resolver: Resolver, server: DnsServer) -> None:
    server.everywhere = Behaviour(garbage=True)
    assert (await resolver.query("example.com", "A")).status is Status.TIMEOUT


async def test_a_refusal_is_a_failure(resolver: Resolver, server: DnsServer) -> None:
    server.everywhere = Behaviour(rcode=int(dns.rcode.REFUSED))
    assert (await resolver.query("example.com", "A")).status is Status.SERVFAIL


async def test_carries_the_ad_bit(resolver: Resolver, server: DnsServer) -> None:
    assert not (await resolver.query("example.com", "A")).authenticated
    server.everywhere = Behaviour(authenticated=True)
    assert (await resolver.query("example.com", "MX")).authenticated


async def test_a_slow_answer_is_a_time_out(resolver: Resolver, server: DnsServer) -> None:
    server.at["slow.example"] = Behaviour(delay=5)
    assert (await resolver.query("slow.example", "A")).status is Status.TIMEOUT


async def test_a_lost_datagram_is_asked_again(resolver: Resolver, server: DnsServer) -> None:
    server.everywhere = Behaviour(silent=True)
    asked = asyncio.ensure_future(resolver.query("example.com", "A"))
    while not server.udp:
        await asyncio.sleep(0.01)
    server.everywhere = Behaviour()
    assert (await asked).status is Status.OK
    assert server.udp == ["example.com A"] * 2


async def test_keeps_an_answer_for_its_time(resolver: Resolver, server: DnsServer, clock: FixedClock) -> None:
    await resolver.query("example.com", "A")
    clock.advance(59)
    await resolver.query("Example.com", "A")
    assert len(server.udp) == 1
    clock.advance(2)
    await resolver.query("example.com", "A")
    assert len(server.udp) == 2


async def test_keeps_a_failure_briefly(resolver: Resolver, server: DnsServer, clock: FixedClock) -> None:
    for _ in range(3):
        await resolver.query("broken.example", "A")
    asked = len(server.udp)
    clock.advance(6)
    await resolver.query("broken.example", "A")
    assert len(server.udp) == 2 * asked


async def test_identical_questions_in_flight_are_asked_once(resolver: Resolver, server: DnsServer) -> None:
    server.everywhere = Behaviour(delay=0.05)
    answers = await asyncio.gather(*(resolver.query("example.com", "A") for _ in range(50)))
    assert {answer.status for answer in answers} == {Status.OK}
    assert server.udp == ["example.com A"]


async def test_who_gives_up_does_not_take_the_answer_from_others(resolver: Resolver, server: DnsServer) -> None:
    server.everywhere = Behaviour(delay=0.05)
    impatient = asyncio.ensure_future(resolver.query("example.com", "A"))
    patient = asyncio.ensure_future(resolver.query("example.com", "A"))
    await asyncio.sleep(0.01)
    impatient.cancel()
    assert (await patient).status is Status.OK
    assert len(server.udp) == 1


async def test_the_next_nameserver_is_asked_when_one_fails(server: DnsServer, clock: FixedClock) -> None:
    async with DnsServer.running({}) as other:
        other.everywhere = Behaviour(rcode=int(dns.rcode.SERVFAIL))
        both = [Nameserver("127.0.0.1", other.port), Nameserver("127.0.0.1", server.port)]
        resolver = Resolver(both, clock=clock, query_timeout=0.4)
        assert (await resolver.query("example.com", "A")).status is Status.OK
        await other.stop()
        assert (await resolver.query("example.com", "MX")).status is Status.OK
        await resolver.close()


async def test_with_all_nameservers_dead_a_question_fails_at_once_and_recovers(
    resolver: Resolver, server: DnsServer, clock: FixedClock
) -> None:
    server.everywhere = Behaviour(silent=True)
    await asyncio.gather(*(resolver.query(f"n{n}.example", "A") for n in range(4)))
    while "." not in [each.split()[0] for each in server.udp]:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)  # the probe of the root gives up
    asked = len(server.udp)
    started = time.perf_counter()
    answers = [await resolver.query(f"m{n}.example", "A") for n in range(50)]
    assert {answer.status for answer in answers} == {Status.TIMEOUT}
    assert len(server.udp) == asked, "a dead nameserver is not asked"
    assert time.perf_counter() - started < 0.3, "less than one time-out for fifty questions"
    server.everywhere = Behaviour()
    clock.advance(REST + 0.1)
    assert (await resolver.query("example.com", "A")).status is Status.TIMEOUT  # wakes the probe
    await asyncio.sleep(0.1)
    assert (await resolver.query("example.com", "A")).status is Status.OK


async def test_a_nameserver_that_nobody_listens_at_costs_no_time_out(clock: FixedClock) -> None:
    async with DnsServer.running({}) as gone:
        port = gone.port
    resolver = Resolver([Nameserver("127.0.0.1", port)], clock=clock, query_timeout=600)
    async with asyncio.timeout(180):
        assert (await resolver.query("example.com", "A")).status is Status.TIMEOUT
    await resolver.close()


async def test_names_that_a_sender_made_silent_do_not_take_the_nameserver_out(
    resolver: Resolver, server: DnsServer
) -> None:
    for n in range(6):
        server.at[f"evil{n}.example"] = Behaviour(silent=True)
    await asyncio.gather(*(resolver.query(f"evil{n}.example", "A") for n in range(6)))
    await asyncio.sleep(0.05)
    assert ". NS" in server.udp
    assert (await resolver.query("example.com", "A")).status is Status.OK


async def test_without_any_nameserver_everything_times_out(clock: FixedClock) -> None:
    resolver = Resolver([], clock=clock)
    assert (await resolver.query("example.com", "A")).status is Status.TIMEOUT


async def test_close_gives_up_what_is_in_flight(server: DnsServer, clock: FixedClock) -> None:
    server.everywhere = Behaviour(silent=True)
    resolver = Resolver([Nameserver("127.0.0.1", server.port)], clock=clock, query_timeout=60)
    asked = asyncio.ensure_future(resolver.query("example.com", "A"))
    await asyncio.sleep(0.02)
    await resolver.close()
    assert (await asked).status is Status.TIMEOUT


async def test_is_made_from_settings(server: DnsServer, clock: FixedClock) -> None:
    settings = Dns(nameservers=[f"127.0.0.1:{server.port}"])
    resolver = Resolver.from_settings(settings, clock=clock)
    assert (await resolver.query("example.com", "A")).status is Status.OK
    await resolver.close()


async def test_solving_at_the_deadline_answers_what_is_missing_as_timed_out(
    resolver: Resolver, server: DnsServer
) -> None:
    server.at["slow.example"] = Behaviour(delay=5)

    def both(lookup):  # type: ignore[no-untyped-def]
        return [answer.status for answer in lookup.all([("example.com", "A"), ("slow.example", "A")])]

    deadline = asyncio.get_running_loop().time() + 0.1
    solution = await resolver.solve(both, deadline=deadline, budget=5)
    assert solution.value == [Status.OK, Status.TIMEOUT]
    assert [each.status for each in solution.answers] == ["ok", "timeout"]
