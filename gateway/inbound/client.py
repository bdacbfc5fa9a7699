"""Who is at the other end of a session: the one accessor for the client's address. Nothing else reads `session.peer`,
for behind a balancer that names the balancer."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from aiosmtpd.smtp import Session


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """Textual address and port; an IPv4 address that came mapped into IPv6 is written as IPv4."""

    ip: str
    port: int

    @property
    def network(self) -> str:
        """What connection limits count: one IPv4 address, or the /64 that one IPv6 host is usually given."""
        address = ipaddress.ip_address(self.ip)
        return self.ip if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


def client_address(session: Session) -> ClientAddress:
    """The client of the session."""
    peer: object = session.peer  # typed as text by aiosmtpd, a tuple for TCP
    if not isinstance(peer, tuple) or len(peer) < 2:
        raise TypeError("the front door listens on TCP only")
    address = ipaddress.ip_address(str(peer[0]).partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return ClientAddress(str(mapped or address), int(peer[1]))
