"""Block lists of links: where a message leads, asked of DNS lists of domains (as RFC 5782 section 2.3 has them) and
looked up in feeds. An answer of a DNS list is read as one about clients is (`dnsbl.py`).

A list that could not be counted, because it is silent, refuses us, talks nonsense, or is a feed that is missing or too
old, counts nothing and is named; where something was asked and no list could be counted, it is `Unknown`. Bounded: so
many hosts of one message, so many questions.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import Answer
from gateway.checks.dns.domains import host_domain
from gateway.checks.reputation.dnsbl import Notice, nobody, read_answer
from gateway.checks.reputation.feeds import Feeds
from gateway.facts.content import LinkFact, ListedFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.policy.policy import LinkList

MAX_HOSTS: Final = 20
"""Hosts of one message that are asked about, in the order in which they stand."""
MAX_LINKS: Final = 500
"""Links of one message that are looked up in feeds."""
MAX_QUESTIONS: Final = 160

MISSING: Final = "is missing"
STALE: Final = "is too old"


async def check_links(
    resolver: Answering,
    feeds: Feeds,
    links: Sequence[LinkFact],
    lists: Sequence[LinkList],
    *,
    now: float,
    notice: Notice = nobody,
) -> Outcome[ListedFact]:
    """Which lists name where these links lead."""
    if not links or not lists:
        return Known(ListedFact())
    found = await asyncio.to_thread(_in_feeds, feeds, links[:MAX_LINKS], [each for each in lists if each.feed], now)
    zones = [each for each in lists if each.zone]
    asked = await _in_zones(resolver, hosts_of(links), zones)
    if isinstance(asked, Unknown):
        asked = _Looked(unusable={each.zone: "gave no answer in time" for each in zones})
    unusable = {**found.unusable, **asked.unusable}
    for name, why in unusable.items():
        notice(name, why)
    listings = (*found.listings, *asked.listings)
    if not listings and len(unusable) == len(lists):
        return Unknown("; ".join(f"{name} {why}" for name, why in list(unusable.items())[:3]))
    weights = {each.name: each.weight for each in lists}
    score = sum(weights[name] for name in {name for name, _ in listings})
    return Known(ListedFact(score, listings, tuple(unusable.items())))


def hosts_of(links: Iterable[LinkFact]) -> list[str]:
    """The names that links lead to, each once; addresses are not names."""
    found: dict[str, None] = {}
    for link in links:
        host = host_domain(link.host)
        if host is not None and not _is_address(host):
            found[host] = None
        if len(found) >= MAX_HOSTS:
            break
    return list(found)


class _Looked:
    """What came of looking: (list, what it names), and the lists that could not be counted."""

    def __init__(self, listings: Iterable[tuple[str, str]] = (), unusable: dict[str, str] | None = None) -> None:
        self.listings = tuple(listings)
        self.unusable = unusable or {}


def _in_feeds(feeds: Feeds, links: Sequence[LinkFact], lists: Sequence[LinkList], now: float) -> _Looked:
    listings: dict[tuple[str, str], None] = {}
    unusable: dict[str, str] = {}
    for each in lists:
        feed = feeds.feed(each.feed)
        if feed is None:
            unusable[each.name] = MISSING
        elif now - feed.written_at > each.fresh:
            unusable[each.name] = STALE
        else:
            listings.update(dict.fromkeys((each.name, link.host) for link in links if feed.names(link.url, link.host)))
    return _Looked(listings, unusable)


async def _in_zones(resolver: Answering, hosts: Sequence[str], zones: Sequence[LinkList]) -> _Looked | Unknown:
    # Some lists know the registered domain alone, others every name below it: nobody has to know which.
    names = {name: host for host in reversed(hosts) for name in reversed(_and_above(host))}
    questions = [(zone, name) for name in dict.fromkeys(_interleaved(hosts)) for zone in zones][:MAX_QUESTIONS]
    if not questions:
        return _Looked()
    solution = await resolver.solve(
        lambda lookup: lookup.all((f"{name}.{zone.zone}", "A") for zone, name in questions),
        deadline=resolver.deadline(),
        budget=MAX_QUESTIONS,
    )
    if isinstance(solution, Unknown):
        return solution
    return _read_all(questions, solution.value, names)


def _read_all(questions: Sequence[tuple[LinkList, str]], answers: Sequence[Answer], names: dict[str, str]) -> _Looked:
    listings: dict[tuple[str, str], None] = {}
    troubles: dict[str, str] = {}
    for (zone, name), answer in zip(questions, answers, strict=True):
        codes, trouble = read_answer(answer, zone.answers)
        if trouble:
            troubles[zone.name] = trouble
            continue
        if codes:
            listings[zone.name, names[name]] = None
    # A list that answers nonsense for one name is not believed about any other of this message.
    return _Looked((each for each in listings if each[0] not in troubles), troubles)


def _and_above(host: str) -> list[str]:
    """The host, and its last three and two labels."""
    labels = host.split(".")
    return list(dict.fromkeys((host, ".".join(labels[-3:]), ".".join(labels[-2:]))))


def _interleaved(hosts: Sequence[str]) -> Iterable[str]:
    """All hosts before what stands above them: the bound on questions takes from every host alike."""
    above = [_and_above(host) for host in hosts]
    for level in range(3):
        yield from (each[level] for each in above if level < len(each))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
