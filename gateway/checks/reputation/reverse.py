"""The name of the client: what its address points to, if that points back (RFC 8601 section 2.7.3, iprev; FCrDNS)."""

from __future__ import annotations

import ipaddress
from typing import Final

from gateway.checks.dns.answering import Answering, Lookup
from gateway.checks.dns.answers import Status
from gateway.checks.dns.domains import dns_name
from gateway.facts.outcome import Known, Outcome, Unknown

MAX_NAMES: Final = 5
"""Names of one address that are looked at."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FAILED: Final = Unknown("DNS failed for the name of the client")


async def verified_name(resolver: Answering, ip: str) -> Outcome[str]:
    """The first PTR name that resolves back to the address; empty if there is none; `Unknown` if the DNS failed."""
    try:
        address = client_address(ip)
    except ValueError:
        return Unknown("the address of the client is not an IP address")

    def run(lookup: Lookup) -> Outcome[str]:
        pointed = lookup(address.reverse_pointer, "PTR")
        if pointed.failed:
            return _FAILED
        names = [name for name in pointed.records[:MAX_NAMES] if dns_name(name)]
        answers = lookup.all((name, "A" if address.version == 4 else "AAAA") for name in names)
        for name, answer in zip(names, answers, strict=True):
            if answer.status is Status.OK and any(_is(record, address) for record in answer.records):
                return Known(name)
        return _FAILED if any(answer.failed for answer in answers) else Known("")

    solution = await resolver.solve(run, deadline=resolver.deadline(), budget=1 + MAX_NAMES)
    return solution if isinstance(solution, Unknown) else solution.value


def client_address(ip: str) -> Address:
    """The address; an IPv4 address mapped into IPv6 is the IPv4 address. Raises ValueError."""
    address = ipaddress.ip_address(ip)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is(record: str, address: Address) -> bool:
    try:
        return ipaddress.ip_address(record) == address
    except ValueError:
        return False
