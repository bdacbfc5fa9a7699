"""gateway/checks/redirects/shorteners.py"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.anatomy.sight.links import SHORTENERS
from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.redirects.shorteners import KEPT_FOR, MAX_QUESTIONS, TROUBLE_KEPT_FOR, Shorteners, as_links
from gateway.clock import FixedClock
from gateway.facts.content import LinkFact, ShortenedFact, ShortLinkFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.policy.policy import Following
from tests.checks.redirects.service import Reply, Service, moved, running

AWAY = "https://far.example/x"
METADATA = "http://169.254.169.254/latest/meta-data/"
ZONE: dict[str, list[Any]] = {"bit.ly": [{"A": "67.199.248.10"}], "t.co": [{"A": "104.244.42.1"}]}
PATIENT = Following(hops=5, seconds=60.0, links=20)


def links(*urls: str, host: str = "") -> list[LinkFact]:
    return [LinkFact(url, "", host or url.partition("//")[2].partition("/")[0].lower()) for url in urls]


class House:
    """Shorteners over a service and a zone."""

    def __init__(self, service: Service, zone: Mapping[str, Any] = ZONE, **more: Any) -> None:
        self.clock = FixedClock(1_800_000_000.0)
        self.shorteners = Shorteners(clock=self.clock, dial=service.dial, **more)
        self.resolver = ZoneResolver(zone)

    async def follow(self, *urls: str, bounds: Following = PATIENT, host: str = "") -> Outcome[ShortenedFact]:
        return await self.shorteners.follow(self.resolver, links(*urls, host=host), bounds)


def known(*told: ShortLinkFact) -> Known[ShortenedFact]:
    return Known(ShortenedFact(told))


async def followed(replies: Mapping[str, Reply], *urls: str, bounds: Following = PATIENT) -> Outcome[ShortenedFact]:
    async with running(replies) as service:
        return await House(service).follow(*urls, bounds=bounds)


async def test_a_shortener_is_asked_at_its_own_address_and_the_target_is_not() -> None:
    async with running({"/a": moved(AWAY)}) as service:
        house = House(service)
        outcome = await house.follow("http://bit.ly/a", "http://far.example/y", "http://bit.ly.evil.example/")
    assert outcome == known(ShortLinkFact("http://bit.ly/a", AWAY, "far.example"))
    assert service.connections == [("67.199.248.10", 80, "bit.ly")]
    assert [each.name for each in house.resolver.asked] == ["bit.ly", "bit.ly"]


async def test_a_redirect_to_the_metadata_of_the_cloud_is_told_and_never_fetched() -> None:
    async with running({"/a": moved(METADATA)}) as service:
        outcome = await House(service).follow("http://bit.ly/a")
    assert outcome == known(ShortLinkFact("http://bit.ly/a", METADATA, "169.254.169.254"))
    assert service.asked == ["HEAD /a"]
    assert service.accepted == 1
    assert as_links(outcome.value) == [LinkFact(METADATA, "", "169.254.169.254", "shortened")]


INSIDE = (
    *("169.254.169.254", "127.0.0.1", "10.0.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
)


@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.parametrize("others", [(), ("67.199.248.10", "2606:4700::1")], ids=["alone", "among public ones"])
async def test_a_name_of_our_own_network_is_never_connected_to(address: str, others: tuple[str, ...]) -> None:
    records = [{"AAAA" if ":" in each else "A": each} for each in (*others, address)]
    async with running({"/a": moved(AWAY)}) as service:
        outcome = await House(service, {"bit.ly": records}).follow("http://bit.ly/a")
    assert outcome == Unknown("its host has an address that is not public")
    assert (service.connections, service.accepted) == ([], 0)


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a9fe:a9fe]", "2130706433"),
        *("0x7f000001", "0177.0.0.1", "127.1", "0x7f.0.0.0x1", "localhost", "user@bit.ly", "bit.ly:22", "bit.ly:8080"),
    ],
)
async def test_odd_hosts_are_never_connected_to_even_where_they_are_called_shorteners(host: str) -> None:
    url = f"http://{host}/a"
    zone = {"localhost": [{"A": "8.8.8.8"}], **ZONE}
    async with running({"/a": moved(AWAY), "/b": moved(url)}) as service:
        house = House(service, zone, services=SHORTENERS | {host, "127.0.0.1", "localhost"})
        assert isinstance(await house.follow(url, host=host), Unknown)
        assert (service.connections, service.accepted) == ([], 0)
        await house.follow("http://bit.ly/b")
    assert service.connections == [("67.199.248.10", 80, "bit.ly")]


async def test_one_shortener_may_lead_to_another() -> None:
    async with running({"/a": moved("http://t.co/b"), "/b": moved("/c"), "/c": moved("//far.example")}) as service:
        outcome = await House(service).follow("http://bit.ly/a")
    assert outcome == known(ShortLinkFact("http://bit.ly/a", "http://far.example", "far.example"))
    assert [host for _, _, host in service.connections] == ["bit.ly", "t.co", "t.co"]


async def test_circles_and_long_ways_are_given_up() -> None:
    round_ = {"/a": moved("http://t.co/b"), "/b": moved("http://bit.ly/a")}
    assert await followed(round_, "http://bit.ly/a") == Unknown("it leads round in a circle")
    async with running({f"/{n}": moved(f"/{n + 1}") for n in range(20)}) as service:
        outcome = await House(service).follow("http://bit.ly/0", bounds=Following(hops=3, seconds=60.0))
    assert outcome == Unknown("it leads on after 3 hops")
    assert service.asked == ["HEAD /0", "HEAD /1", "HEAD /2"]


@pytest.mark.parametrize(
    "away", ["file:///etc/passwd", "ftp://far.example/", "javascript:alert(1)", "data:text/html,x"]
)
async def test_what_leads_out_of_the_web_is_told(away: str) -> None:
    assert await followed({"/a": moved(away)}, "http://bit.ly/a") == Unknown("it leads out of the web")


async def test_trouble_with_one_link_is_told_beside_what_is_known_of_others() -> None:
    replies = {"/a": b"HTTP/1.1 404 Gone\r\n\r\n", "/b": moved(AWAY)}
    assert await followed(replies, "http://bit.ly/a", "http://bit.ly/b") == known(
        ShortLinkFact("http://bit.ly/a", why="it answered 404"), ShortLinkFact("http://bit.ly/b", AWAY, "far.example")
    )
    assert await followed({}) == Known(ShortenedFact())


async def test_who_does_not_answer_is_not_waited_for() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()  # until we are left alone

    outcome = await followed({"/a": silent}, "http://bit.ly/a", bounds=Following(seconds=0.2))
    assert outcome == Unknown("it did not answer in time")


async def test_a_browsers_spelling_of_a_short_link_is_followed() -> None:
    async with running({"/%C3%A9": moved(AWAY)}) as service:
        house = House(service)
        for url in ("http:/\\bit.ly/é", "\\\\bit.ly/é", "HTTP://BIT.LY/é"):
            assert await house.follow(url, host="bit.ly") == known(ShortLinkFact(url, AWAY, "far.example"))
    assert service.asked == ["HEAD /%C3%A9"]


async def test_what_was_said_is_remembered_for_a_while_and_trouble_for_a_shorter_one() -> None:
    async with running({"/a": moved(AWAY), "/b": b"HTTP/1.1 503 Busy\r\n\r\n"}) as service:
        house = House(service)
        for _ in range(3):
            await house.follow("http://bit.ly/a", "http://bit.ly/a", "http://bit.ly/b")
        assert sorted(service.asked) == ["HEAD /a", "HEAD /b"]
        house.clock.advance(TROUBLE_KEPT_FOR)
        await house.follow("http://bit.ly/a", "http://bit.ly/b")
        assert sorted(service.asked) == ["HEAD /a", "HEAD /b", "HEAD /b"]
        house.clock.advance(KEPT_FOR)
        await house.follow("http://bit.ly/a")
        assert service.asked.count("HEAD /a") == 2


async def test_what_was_used_least_lately_is_forgotten_first() -> None:
    async with running({f"/{each}": moved(AWAY) for each in "abc"}) as service:
        house = House(service, kept=2)
        for each in "abacab":
            await house.follow(f"http://bit.ly/{each}")
    assert service.asked == ["HEAD /a", "HEAD /b", "HEAD /c", "HEAD /b"]


async def test_so_many_links_of_a_message_are_followed_and_so_many_places_asked_at_a_time() -> None:
    now = most = 0
    crowded = asyncio.Event()

    async def held(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        if now == MAX_QUESTIONS:
            crowded.set()
        await crowded.wait()
        now -= 1
        writer.write(moved(AWAY))

    urls = [f"http://bit.ly/{n}" for n in range(30)]
    async with running({f"/{n}": held for n in range(30)}) as service:
        outcome = await House(service).follow(*urls, bounds=PATIENT)
    assert outcome == known(*(ShortLinkFact(url, AWAY, "far.example") for url in urls[: PATIENT.links]))
    assert (service.accepted, most) == (PATIENT.links, MAX_QUESTIONS)


async def test_who_waits_for_a_turn_waits_no_longer_than_for_an_answer() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    urls = [f"http://bit.ly/{n}" for n in range(MAX_QUESTIONS + 1)]
    async with running({f"/{n}": silent for n in range(MAX_QUESTIONS)} | {"/16": moved(AWAY)}) as service:
        house = House(service)
        await house.follow(*urls, bounds=Following(seconds=0.3, links=20))
        assert await house.follow(urls[-1]) == known(ShortLinkFact(urls[-1], AWAY, "far.example")), (
            "not held against it"
        )
