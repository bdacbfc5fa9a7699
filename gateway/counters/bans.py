"""Who is shut out, until when and why: the statements, and the snapshot that every process asks without waiting."""

from __future__ import annotations

import ipaddress
import sqlite3
from collections.abc import Iterable
from typing import Final

from gateway.counters.records import Ban

MAX_BANS: Final = 50_000
"""Bans kept. Beyond it those that end first are forgotten."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def canonical(text: str) -> str:
    """A network or an address as it is kept: CIDR, an IPv4 address mapped into IPv6 as IPv4. Raises ValueError."""
    network = ipaddress.ip_network(text.strip(), strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return str(ipaddress.IPv4Network((mapped, network.prefixlen - 96)))
    return str(network)


class Snapshot:
    """The bans as they were a moment ago, for look-ups by address: one question for each length of prefix in use."""

    def __init__(self, bans: Iterable[Ban] = ()) -> None:
        self._by_network: dict[tuple[int, int, int], Ban] = {}
        for ban in bans:
            network = ipaddress.ip_network(ban.network)
            self._by_network[network.version, network.prefixlen, int(network.network_address)] = ban
        self._lengths = sorted({(version, length) for version, length, _ in self._by_network}, reverse=True)

    def ban_of(self, ip: str, *, now: float) -> Ban | None:
        """The narrowest ban that holds for the address now."""
        if not self._lengths:
            return None
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return None
        bits, number = address.max_prefixlen, int(address)
        for version, length in self._lengths:
            if version == address.version:
                ban = self._by_network.get((version, length, number >> (bits - length) << (bits - length)))
                if ban is not None and ban.since <= now < ban.until:
                    return ban
        return None


def add(connection: sqlite3.Connection, ban: Ban) -> None:
    """Shut a network out. A ban that is there already is replaced by one that ends later or that a person made."""
    connection.execute(
        "insert into ban values (?, ?, ?, ?, ?) on conflict do update set reason = excluded.reason, by = excluded.by, "
        "since = min(since, excluded.since), until = excluded.until where excluded.until > until",
        (ban.network, ban.reason, ban.by, ban.since, ban.until),
    )
    _changed(connection)


def remove(connection: sqlite3.Connection, network: str) -> bool:
    """Let a network in again; False if it was not shut out."""
    removed = connection.execute("delete from ban where network = ?", (network,)).rowcount > 0
    _changed(connection)
    return removed


def every(connection: sqlite3.Connection, *, now: float) -> list[Ban]:
    """All that hold, the newest first."""
    rows = connection.execute(
        "select network, reason, by, since, until from ban where until > ? order by since desc limit ?", (now, MAX_BANS)
    )
    return [Ban(*row) for row in rows]


def revision(connection: sqlite3.Connection) -> int:
    """A number that grows with every change."""
    row = connection.execute("select number from revision where topic = 'ban'").fetchone()
    return int(row[0]) if row else 0


def sweep(connection: sqlite3.Connection, *, now: float) -> None:
    """Forget what has ended, and what is too much."""
    gone = connection.execute("delete from ban where until < ?", (now,)).rowcount
    (kept,) = connection.execute("select count(*) from ban").fetchone()
    if kept > MAX_BANS:
        gone += connection.execute(
            "delete from ban where network in (select network from ban order by until limit ?)", (kept - MAX_BANS,)
        ).rowcount
    if gone:
        _changed(connection)


def _changed(connection: sqlite3.Connection) -> None:
    connection.execute("insert into revision values ('ban', 1) on conflict do update set number = number + 1")
