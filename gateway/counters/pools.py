"""Who a message comes from, as the greylist compares: the pool of hosts that sends it, and its reverse-path. Pure.

A large sender tries again from another host. Its hosts have in common the domain whose SPF record names them all, or
the domain that signs (DKIM); of a sender that proves nothing, the network and the domain it greets with.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final

from gateway.counters.records import Visit
from gateway.facts.auth import Auth
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import known_or_none

_TAG: Final = re.compile(r"[+=].*")
_NUMBER: Final = re.compile(r"[0-9a-f]*[0-9][0-9a-f]{3,}|[0-9]+")


def visits_of(evidence: Evidence, recipients: tuple[str, ...]) -> tuple[Visit, ...]:
    """One visit for each of these recipients."""
    pool, sender = pool_of(evidence), sender_of(evidence.reverse_path)
    client = evidence.client
    return tuple(Visit(pool, sender, each.lower(), client.ip, client.helo[:100]) for each in recipients)


def pool_of(evidence: Evidence) -> str:
    """The hosts that count as one."""
    spf = known_or_none(evidence.spf)
    if spf is not None and spf.result is Auth.PASS and spf.domain:
        return f"spf {spf.domain.lower()}"
    dkim = known_or_none(evidence.dkim)
    if dkim is not None and dkim.passed_domains:
        return f"dkim {min(each.lower() for each in dkim.passed_domains)}"
    return f"{network_of(evidence.client.ip)} {_family(evidence.client.helo)}"


def sender_of(reverse_path: str) -> str:
    """A reverse-path without what changes from one message to the next: tags, serial numbers, the recipient's address
    in it."""
    local, _, domain = reverse_path.lower().rpartition("@")
    return f"{_NUMBER.sub('#', _TAG.sub('', local))}@{domain}" if domain else ""


@lru_cache(4096)
def network_of(ip: str) -> str:
    """The network that an address is counted under: /24 of IPv4, /64 of IPv6."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 64), strict=False))


def _family(helo: str) -> str:
    """The last two labels of a name: `mx7.mail.example.net` and `mx8.mail.example.net` are one family."""
    return ".".join(helo.lower().rstrip(".").split(".")[-2:])
