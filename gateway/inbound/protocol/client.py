"""Who is at the other end of a session: the one accessor for the client's address. Nothing else reads `session.peer`,
for behind a balancer that names the balancer."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from aiosmtpd.smtp import Session


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """Textual address and port; an IPv4 address that came mapped into IPv6 is written as IPv4. `network` is what
    connection limits count: one IPv4 address, or the /64 that one IPv6 host is usually given."""

    ip: str
    port: int
    network: str


def client_address(session: Session) -> ClientAddress:
    """The client of the session: the one that a trusted balancer named, else the peer."""
    header = session.proxy_data
    if header is not None:
        return address_of(str(header.src_addr), header.src_port or 0)
    peer: object = session.peer  # typed as text by aiosmtpd, a tuple for TCP
    if not isinstance(peer, tuple) or len(peer) < 2:
        raise TypeError("the front door listens on TCP only")
    return address_of(str(peer[0]), int(peer[1]))


def address_of(ip: str, port: int) -> ClientAddress:
    """Raises ValueError when that is no IP address."""
    own, network = _canonical(ip)
    return ClientAddress(own, port, network)


@lru_cache(4096)
def _canonical(ip: str) -> tuple[str, str]:
    """The address and its network, as text; remembered, for clients come again."""
    if ":" not in ip:
        ipaddress.IPv4Address(ip)
        return ip, ip
    address = ipaddress.IPv6Address(ip.partition("%")[0])
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped), str(address.ipv4_mapped)
    return str(address), str(ipaddress.IPv6Network((address, 64), strict=False))
