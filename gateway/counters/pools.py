"""Who a message comes from, as the greylist compares: the pools of hosts that send it, and its reverse-path. Pure.

A large sender tries again from another host. Its hosts have in common the domain whose SPF record names them all, or
the domain that signs (DKIM); and of every sender, the network and the domain it greets with. Who is known by one of
these is known: what can be told of a sender differs between RCPT and the end of DATA, and from one try to the next.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Final

from gateway.counters.records import Visit
from gateway.facts.auth import Auth, SpfFact
from gateway.facts.connection import ClientFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Outcome, known_or_none

MAX_SIGNERS: Final = 4
"""Signing domains that are compared, of one message."""

_TAG: Final = re.compile(r"[+=].*")
_NUMBER: Final = re.compile(r"[0-9a-f]*[0-9][0-9a-f]{3,}|[0-9]+")


def visits_of(evidence: Evidence, recipients: tuple[str, ...]) -> tuple[Visit, ...]:
    """One visit for each of these recipients, at the end of DATA."""
    pools = pools_of(evidence)
    return tuple(_visit(pools, evidence.client, evidence.reverse_path, each) for each in recipients)


def visit_before_data(client: ClientFact, spf: Outcome[SpfFact], *, reverse_path: str, recipient: str) -> Visit:
    """The visit at RCPT, where nothing is signed yet."""
    return _visit((*_spf_pool(spf), neighbourhood_of(client)), client, reverse_path, recipient)


def _visit(pools: tuple[str, ...], client: ClientFact, reverse_path: str, recipient: str) -> Visit:
    return Visit(pools, sender_of(reverse_path), recipient.lower(), client.ip, client.helo[:100])


def pools_of(evidence: Evidence) -> tuple[str, ...]:
    """All that the hosts of a message have in common with others, what says most first."""
    dkim = known_or_none(evidence.dkim)
    signers = sorted({each.lower() for each in dkim.passed_domains}) if dkim is not None else []
    signed = (f"dkim {each}" for each in signers[:MAX_SIGNERS])
    return (*_spf_pool(evidence.spf), *signed, neighbourhood_of(evidence.client))


def _spf_pool(spf: Outcome[SpfFact]) -> tuple[str, ...]:
    fact = known_or_none(spf)
    return (f"spf {fact.domain.lower()}",) if fact is not None and fact.result is Auth.PASS and fact.domain else ()


def neighbourhood_of(client: ClientFact) -> str:
    """The network of the client and the family of the name that it greets with."""
    return f"{network_of(client.ip)} {_family(client.helo)}"


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
    return ".".join(helo.lower().rstrip(".").split(".")[-2:])[:255]
