"""The networks that the operator trusts with something. Pure; an empty list trusts nobody."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence


class Networks:
    """A set of networks; `ip in networks`."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Raises ValueError on what is no network."""
        self._networks = tuple(ipaddress.ip_network(text) for text in texts)

    def __contains__(self, ip: str) -> bool:
        if not self._networks:
            return False
        address = ipaddress.ip_address(ip)
        return any(address.version == network.version and address in network for network in self._networks)
