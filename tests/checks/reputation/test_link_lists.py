"""gateway/checks/reputation/link_lists.py"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.reputation.feeds import Feeds
from gateway.checks.reputation.link_lists import MAX_HOSTS, check_links, hosts_of
from gateway.facts.content import LinkFact, ListedFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.policy.policy import LinkList

NOW = 1_800_000_000.0
DBL = LinkList(zone="dbl.example", weight=2.0, answers=("127.0.1.0/25",))
URI = LinkList(zone="uri.example")
FEED = LinkList(feed="feed.txt", weight=3.0)
ZONE: dict[str, list[Any]] = {
    "evil.example.dbl.example": [{"A": "127.0.1.4"}],
    "abused.example.dbl.example": [{"A": "127.0.1.255"}],
    "parked.example.dbl.example": [{"A": "192.0.2.1"}],
    "evil.example.uri.example": [{"A": "127.0.0.2"}],
    "dead.example.uri.example": ["TIMEOUT"],
    "dead.example.dbl.example": ["TIMEOUT"],
    "refused.example.uri.example": [{"A": "127.255.255.254"}],
}


def links(*hosts: str) -> list[LinkFact]:
    return [LinkFact(f"https://{host}/", "", host) for host in hosts]


async def asked(
    found: list[LinkFact], *lists: LinkList, folder: Path = Path("/nowhere")
) -> tuple[Outcome[ListedFact], list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    outcome = await check_links(
        ZoneResolver(ZONE), Feeds(folder), found, lists, now=NOW, notice=lambda *each: told.append(each)
    )
    return outcome, told


async def test_a_listed_host_is_named_with_its_list() -> None:
    outcome, told = await asked(links("good.example", "evil.example"), DBL, URI)
    assert outcome == Known(ListedFact(3.0, (("dbl.example", "evil.example"), ("uri.example", "evil.example"))))
    assert told == []


async def test_the_domain_above_a_host_is_asked_about_too_and_the_host_is_named() -> None:
    outcome, _ = await asked(links("login.a.b.evil.example"), URI)
    assert outcome == Known(ListedFact(1.0, (("uri.example", "login.a.b.evil.example"),)))


@pytest.mark.parametrize(
    ("host", "why"),
    [
        ("abused.example", "answers outside its range"),
        ("parked.example", "answers outside its range"),
        ("dead.example", "did not answer"),
    ],
)
async def test_an_answer_that_is_no_listing_counts_nothing_and_is_told(host: str, why: str) -> None:
    outcome, told = await asked(links(host), DBL)
    assert outcome == Unknown(f"dbl.example {why}")
    assert told == [("dbl.example", why)]


async def test_one_list_that_answers_is_enough_to_know() -> None:
    outcome, _ = await asked(links("refused.example"), DBL, URI)
    assert outcome == Known(ListedFact(0.0, (), (("uri.example", "refuses to answer this resolver"),)))


async def test_a_fresh_feed_counts_and_an_old_or_missing_one_is_told_and_not_used(tmp_path: Path) -> None:
    file = tmp_path / "feed.txt"
    outcome, told = await asked(links("evil.example"), FEED, folder=tmp_path)
    assert outcome == Unknown("feed.txt is missing")
    file.write_text("https://evil.example\n")
    os.utime(file, (NOW - 86400, NOW - 86400))
    outcome, told = await asked(links("evil.example"), FEED, folder=tmp_path)
    assert outcome == Known(ListedFact(3.0, (("feed.txt", "evil.example"),)))
    assert told == []
    os.utime(file, (NOW - 86401, NOW - 86401))
    outcome, told = await asked(links("evil.example"), FEED, folder=tmp_path)
    assert outcome == Unknown("feed.txt is too old")
    assert told == [("feed.txt", "is too old")]
    outcome, _ = await asked(links("evil.example"), FEED, URI, folder=tmp_path)
    assert outcome == Known(ListedFact(1.0, (("uri.example", "evil.example"),), (("feed.txt", "is too old"),)))


async def test_without_links_or_lists_nothing_is_asked() -> None:
    assert (await asked([], DBL))[0] == (await asked(links("evil.example")))[0] == Known(ListedFact())


def test_hosts_are_bounded_and_addresses_are_none() -> None:
    many = [f"h{number}.example" for number in range(100)]
    assert hosts_of(links("192.0.2.1", "::1", "no dots", "a.example", "a.example")) == ["a.example"]
    assert hosts_of(links(*many)) == many[:MAX_HOSTS]
