"""The lists of a policy: entries with an owner, a reason and an end. Membership is a question of time, and the time is
passed in.

An entry is an address, a domain, a domain with all below it (`.example.com`), a network (`192.0.2.0/24`), or any other
word that must be equal.
"""

from __future__ import annotations

import ipaddress
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

OUR_DOMAINS: Final = "our_domains"
"""The list that is always there: the domains that the policy receives for."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Host = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `ends` is when it stops to match, in seconds since the epoch."""

    value: str
    owner: str
    reason: str
    ends: float


class EntryList:
    """One list, made ready for looking up: a few dictionary accesses, whatever its length."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)
        self._by_end = sorted(self.entries, key=lambda each: each.ends)
        self._ends = [each.ends for each in self._by_end]
        self._words: dict[str, float] = {}
        self._networks: dict[tuple[int, int], dict[int, float]] = {}  # by IP version and length of the prefix
        for each in self.entries:
            network = _network(each.value)
            if network is None:
                word = each.value.lower()
                self._words[word] = max(each.ends, self._words.get(word, 0.0))
            else:
                blocks = self._networks.setdefault((network.version, network.prefixlen), {})
                number = int(network.network_address)
                blocks[number] = max(each.ends, blocks.get(number, 0.0))

    def ended(self, *, at: float) -> int:
        """How many entries have ended at that moment: it says which ones."""
        return bisect_right(self._ends, at)

    def values(self, ended: int) -> tuple[str, ...]:
        """The values of the entries that live while so many have ended."""
        return tuple(each.value for each in self._by_end[ended:])

    def holds(self, value: str, *, at: float) -> bool:
        """Whether some entry matches the value at that moment."""
        return any(at < self._words.get(word, 0.0) for word in _words(value)) or self._holds_host(value, at)

    def _holds_host(self, value: str, at: float) -> bool:
        host = host_of(value) if self._networks else None
        if host is None:
            return False
        number, bits = int(host), host.max_prefixlen
        return any(
            version == host.version and at < blocks.get(number >> (bits - length) << (bits - length), 0.0)
            for (version, length), blocks in self._networks.items()
        )


def _words(value: str) -> list[str]:
    """The entries that would match a value: itself, its domain, and every domain above as `.domain`."""
    value = value.lower()
    domain = value.rpartition("@")[2]
    words = [value, domain] if "@" in value else [value]
    labels = domain.removesuffix(".").split(".")[-40:]
    return [*words, *("." + ".".join(labels[first:]) for first in range(len(labels)))]


Lists = Mapping[str, EntryList]


def under(value: str, domain: str) -> bool:
    """Whether a domain, or the domain of an address, is that domain or stands below it."""
    inner = value.rpartition("@")[2].lower().removesuffix(".")
    outer = domain.lower().strip(".")
    return bool(outer) and (inner == outer or inner.endswith("." + outer))


def in_network(host: str, network: str) -> bool:
    """Whether an address stands in a network (CIDR). Raises ValueError if either is none."""
    address, block = host_of(host), _network(network)
    if block is None:
        raise ValueError(f"{network!r} is not a network")
    if address is None:
        raise ValueError(f"{host!r} is not an IP address")
    return address.version == block.version and address in block


@lru_cache(maxsize=4096)
def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def host_of(text: str) -> Host | None:
    """The address that a text is, an IPv4 address also where it comes in IPv6 dress; None if it is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
