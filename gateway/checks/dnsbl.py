"""DNS block lists (RFC 5782): which lists name the client, and what that weighs together.

Lists are asked together. Only 127.0.0.0/8 is a listing; 127.255.255.0/24 is how operators say that they refuse to
answer us, and anything else is a parked domain that answers everybody: both are noted and never taken for a listing.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.checks.answering import Answering
from gateway.checks.answers import Answer, Status
from gateway.checks.domains import dns_name
from gateway.checks.reverse import client_address
from gateway.facts.connection import DnsblFact
from gateway.facts.outcome import Known, Outcome, Unknown

MAX_ZONES: Final = 32

_LISTINGS: Final = ipaddress.ip_network("127.0.0.0/8")
_REFUSALS: Final = ipaddress.ip_network("127.255.255.0/24")


@dataclass(frozen=True, slots=True)
class DnsblZone:
    """One list. `weight` counts towards the client's score; negative for lists of good hosts (DNSWL).

    `codes` are the answers that count ("127.0.0.2"); empty means all of them.
    """

    name: str
    weight: float = 1.0
    codes: frozenset[str] = frozenset()


async def check_dnsbl(resolver: Answering, ip: str, zones: Sequence[DnsblZone]) -> Outcome[DnsblFact]:
    """Ask the lists about an address. Lists that did not answer count nothing; if none did, it is `Unknown`."""
    try:
        reversed_ip = reversed_labels(ip)
    except ValueError:
        return Unknown("the address of the client is not an IP address")
    asked = [zone for zone in zones if dns_name(f"{reversed_ip}.{zone.name}")][:MAX_ZONES]
    if not asked:
        return Known(DnsblFact(0.0))
    solution = await resolver.solve(
        lambda lookup: lookup.all((f"{reversed_ip}.{zone.name}", "A") for zone in asked),
        deadline=resolver.deadline(),
        budget=MAX_ZONES,
    )
    if isinstance(solution, Unknown):
        return solution
    score = 0.0
    listings: list[tuple[str, str]] = []
    unusable: list[tuple[str, str]] = []
    for zone, answer in zip(asked, solution.value, strict=True):
        codes, trouble = _read(answer)
        if trouble:
            unusable.append((zone.name, trouble))
            continue
        counted = [code for code in codes if not zone.codes or code in zone.codes]
        if counted:
            score += zone.weight
            listings += [(zone.name, code) for code in counted]
    if len(unusable) == len(asked):
        return Unknown("; ".join(f"{name} {trouble}" for name, trouble in unusable[:3]))
    return Known(DnsblFact(score, tuple(listings), tuple(unusable)))


def reversed_labels(ip: str) -> str:
    """The address as it stands before a zone's name: octets of IPv4, nibbles of IPv6, backwards (RFC 5782 section 2).

    An IPv4 address mapped into IPv6 is taken as IPv4. Raises ValueError.
    """
    return client_address(ip).reverse_pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


def _read(answer: Answer) -> tuple[list[str], str]:
    """The codes of a listing, and what is wrong with the answer if it is none."""
    if answer.failed:
        return [], "did not answer"
    if answer.status is not Status.OK:
        return [], ""
    try:
        addresses = [ipaddress.ip_address(record) for record in answer.records]
    except ValueError:
        return [], "answers outside 127.0.0.0/8"
    if any(address in _REFUSALS for address in addresses):
        return [], "refuses to answer this resolver"
    if not all(address in _LISTINGS for address in addresses):
        return [], "answers outside 127.0.0.0/8"
    return [str(address) for address in addresses], ""
