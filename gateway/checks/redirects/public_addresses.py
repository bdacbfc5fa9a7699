"""Which addresses of a host may be connected to: those that anybody in the Internet may have (RFC 6890), and none of a
host that also names another. This keeps what strangers write from reaching our own network through us.

Addresses that carry an IPv4 address inside (mapped, NAT64, 6to4, Teredo) are refused: where they lead is decided by
whoever unpacks them. Never connects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from gateway.checks.dns.answering import Answering
from gateway.facts.outcome import Unknown

IsPublic = Callable[[str], bool]

_ANYBODYS: Final = IPv6Network("2000::/3")
"""What is given out of IPv6 (RFC 4291 section 2.4); mapped addresses and the NAT64 prefixes lie outside."""
_NEVER_6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Teredo, ORCHID, benchmarks (RFC 6890)
            "2001:db8::/32",  # documentation (RFC 3849)
            "2002::/16",  # 6to4 (RFC 3056)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)
_NEVER_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "100.64.0.0/10",  # behind the provider's translator (RFC 6598)
            "192.0.0.0/24",  # protocols (RFC 6890)
            "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
            "224.0.0.0/3",  # many at once, and what is reserved (RFC 1112)
        ),
    )
)


def is_public(text: str) -> bool:
    """Whether this is the address of one host that anybody in the Internet may have."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        return address.is_global and address in _ANYBODYS and not any(address in each for each in _NEVER_6)
    return address.is_global and not any(address in each for each in _NEVER_4)


async def public_addresses(resolver: Answering, host: str, *, is_public: IsPublic) -> tuple[str, ...] | Unknown:
    """The addresses of the host, IPv4 first; Unknown where one of them is not public, or there is none."""
    answers = await asyncio.gather(resolver.query(host, "A"), resolver.query(host, "AAAA"))
    addresses = tuple(record for answer in answers for record in answer.records)
    if not all(map(is_public, addresses)):
        return Unknown("its host has an address that is not public")
    if not addresses:
        return Unknown("the DNS did not answer" if any(each.failed for each in answers) else "its host has no address")
    return addresses
