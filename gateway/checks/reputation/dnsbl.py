"""DNS block lists and lists of good clients (RFC 5782): which lists name the client, and what that weighs together. The
weight of a good list is below zero.

Lists are asked together. Only an answer that the policy names for the list is a listing; 127.255.255.0/24 is how
operators say that they refuse to answer us, and an answer outside 127.0.0.0/8 is a parked domain that answers
everybody: these and all others are noted, and never taken for a listing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from gateway.checks.dns.answering import Answering
from gateway.checks.dns.answers import Answer, Status
from gateway.checks.dns.domains import dns_name
from gateway.checks.reputation.reverse import client_address
from gateway.facts.connection import DnsblFact
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.policy.policy import DnsblZone

MAX_ZONES: Final = 32

_LISTINGS: Final = ipaddress.ip_network("127.0.0.0/8")
_REFUSALS: Final = ipaddress.ip_network("127.255.255.0/24")


SILENT: Final = "did not answer"
REFUSED: Final = "refuses to answer this resolver"
OUTSIDE: Final = "answers outside its range"


Notice = Callable[[str, str], None]
"""Is told each list that could not be counted, and why: SILENT, REFUSED or OUTSIDE."""


def nobody(_zone: str, _why: str) -> None:
    """Nobody wants to know."""


async def check_dnsbl(
    resolver: Answering, ip: str, zones: Sequence[DnsblZone], *, notice: Notice = nobody
) -> Outcome[DnsblFact]:
    """Ask the lists about an address. Lists that could not be counted count nothing; if none could, it is
    `Unknown`."""
    try:
        reversed_ip = reversed_labels(ip)
    except ValueError:
        return Unknown("the address of the client is not an IP address")
    asked = [zone for zone in zones if dns_name(f"{reversed_ip}.{zone.zone}")][:MAX_ZONES]
    if not asked:
        return Known(DnsblFact(0.0))
    solution = await resolver.solve(
        lambda lookup: lookup.all((f"{reversed_ip}.{zone.zone}", "A") for zone in asked),
        deadline=resolver.deadline(),
        budget=MAX_ZONES,
    )
    if isinstance(solution, Unknown):
        return solution
    score, good = 0.0, 0.0
    listings: list[tuple[str, str]] = []
    unusable: list[tuple[str, str]] = []
    for zone, answer in zip(asked, solution.value, strict=True):
        codes, trouble = read_answer(answer, zone.answers)
        if trouble:
            unusable.append((zone.zone, trouble))
            notice(zone.zone, trouble)
        elif codes:
            score += zone.weight
            good -= min(zone.weight, 0.0)
            listings += [(zone.zone, code) for code in codes]
    if len(unusable) == len(asked):
        return Unknown("; ".join(f"{name} {trouble}" for name, trouble in unusable[:3]))
    return Known(DnsblFact(score, tuple(listings), tuple(unusable), good))


def reversed_labels(ip: str) -> str:
    """The address as it stands before a zone's name: octets of IPv4, nibbles of IPv6, backwards (RFC 5782 section 2).

    An IPv4 address mapped into IPv6 is taken as IPv4. Raises ValueError.
    """
    return client_address(ip).reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def read_answer(answer: Answer, expected: tuple[str, ...]) -> tuple[list[str], str]:
    """The codes of a listing, and what is wrong with the answer if it is none. `expected` are the addresses or networks
    that the policy takes for listings of this list."""
    if answer.failed:
        return [], SILENT
    if answer.status is not Status.OK:
        return [], ""
    try:
        addresses = [ipaddress.ip_address(record) for record in answer.records]
    except ValueError:
        return [], OUTSIDE
    if any(address in _REFUSALS for address in addresses):
        return [], REFUSED
    if not all(address in _LISTINGS for address in addresses):
        return [], OUTSIDE
    codes = [str(each) for each in addresses if any(each in range for range in _ranges(expected))]
    return (codes, "") if codes else ([], OUTSIDE)


@lru_cache(maxsize=MAX_ZONES)
def _ranges(answers: tuple[str, ...]) -> tuple[ipaddress.IPv4Network, ...]:
    return tuple(ipaddress.IPv4Network(each) for each in answers)
