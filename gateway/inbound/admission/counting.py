"""What clients do is counted, against the rates of their group, and who abuses us is shut out for a while.

The counters are shared by all processes of the machine (`gateway/counters/`). Knows what is counted under which key;
knows no verb and gives no reply.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from gateway.counters.counters import Counters
from gateway.counters.pools import network_of
from gateway.counters.records import Ban, CountersUnavailable, Take
from gateway.facts.connection import PastFact
from gateway.inbound.ports import PolicyInForce
from gateway.mail.address import Address, ReversePath
from gateway.policy.lists import Entry, EntryList
from gateway.policy.policy import Doing, RateLimit, Whose
from gateway.policy.quantities import NEVER
from gateway.telemetry import BANS, log

HOUR: Final = 3600.0
"""Seconds of the past that a policy may ask about (`client.errors` and its like)."""

BY_ITSELF: Final = "postern"
"""Who makes the bans that nobody made."""

KNOWN_BY_NAME: Final = 4096
"""Clients whose names are remembered, for they are asked for at every command."""

Names = Mapping[Whose, str]
"""Under which names something is counted."""


def own_networks(trusted: Sequence[str]) -> EntryList:
    """This machine and what the operator calls his own: never shut out, never asked to come back."""
    words = ("127.0.0.0/8", "::1/128", *trusted)
    return EntryList(Entry(each, "postern", "our own", NEVER) for each in words)


@lru_cache(KNOWN_BY_NAME)
def client_name(ip: str) -> str:
    """The name under which one client is counted: an IPv4 address, or the /64 that one IPv6 host is usually given."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    return (
        network_of(ip)
        if address.version == 6 and address.ipv4_mapped is None
        else str(getattr(address, "ipv4_mapped", None) or address)
    )


@lru_cache(KNOWN_BY_NAME)
def names_of_client(ip: str) -> Names:
    """The client, and its network."""
    return {Whose.CLIENT: client_name(ip), Whose.NETWORK: network_of(ip)}


def name_of_sender_domain(reverse_path: ReversePath) -> Names:
    """The domain of the reverse-path, where it has one: bounces are nobody's."""
    return {} if reverse_path is None else {Whose.SENDER_DOMAIN: reverse_path.domain}


def names_of_sender(ip: str, reverse_path: ReversePath) -> Names:
    """The client, its network, and the domain of the reverse-path."""
    return {**names_of_client(ip), **name_of_sender_domain(reverse_path)}


def name_of_recipient(address: Address) -> dict[Whose, str]:
    """The recipient."""
    return {Whose.RECIPIENT: address.key}


class Counting:
    """Counts for one edge process. `own` are the networks that are never shut out."""

    def __init__(self, counters: Counters, *, own: EntryList) -> None:
        self._counters = counters
        self._own = own

    async def past(self, ip: str) -> PastFact:
        """What the client did in the last hour."""
        doings = (Doing.CONNECTIONS, Doing.MESSAGES, Doing.ERRORS, Doing.UNKNOWN_RECIPIENTS)
        counted = await self._counters.peek([_history(doing, client_name(ip), amount=0.0) for doing in doings])
        return PastFact(*(round(level) for level in counted.levels))

    async def has_room(self, ip: str, *, here: int, limit: int) -> bool:
        """Whether the client's connections to all processes are within the limit; this one counts `here` of them."""
        return await self._counters.has_room(client_name(ip), here=here, limit=limit)

    async def has_room_for_network(self, ip: str, *, here: int, limit: int) -> bool:
        """The same for the network that the client is in."""
        return await self._counters.has_room(network_of(ip), here=here, limit=limit)

    def connections_changed(self, ip: str, *, here: int) -> None:
        """Tell the others, without waiting."""
        self._counters.connections_changed(client_name(ip), here=here)

    def connections_of_network_changed(self, ip: str, *, here: int) -> None:
        """The same for the network that the client is in."""
        self._counters.connections_changed(network_of(ip), here=here)

    async def allow(
        self, *wanted: tuple[Doing, Names], rates: Sequence[RateLimit], spent: Sequence[tuple[Doing, Names]] = ()
    ) -> RateLimit | None:
        """Count what a client is about to do, if the rates let it; else the rate that is used up, and nothing is
        counted. `spent` is what is not done now, and whose rates must not be used up either."""
        limits: dict[str, RateLimit] = {}
        takes: dict[str, Take] = {}
        for doing, names in wanted:
            if Whose.CLIENT in names and doing in _REMEMBERED:
                take = _history(doing, names[Whose.CLIENT], amount=1.0)
                takes[take.key] = take
            for limit in _of(rates, doing, names):
                key = _key(doing, limit.whose, names[limit.whose], limit.rate.seconds)
                takes[key], limits[key] = Take(key, limit.rate.seconds, limit=limit.rate.number), limit
        for doing, names in spent:
            for limit in _of(rates, doing, names):
                key = _key(doing, limit.whose, names[limit.whose], limit.rate.seconds)
                takes[key], limits[key] = Take(key, limit.rate.seconds, limit=limit.rate.number, amount=0.0), limit
        if not limits:
            for take in takes.values():
                self._counters.tally(take)
            return None
        asked = list(takes.values())
        counted = await self._counters.count(asked)
        return None if counted.exhausted is None else limits[asked[counted.exhausted].key]

    async def happened(
        self,
        doing: Doing,
        ip: str,
        *,
        rates: Sequence[RateLimit],
        policy: PolicyInForce,
        reverse_path: ReversePath = None,
    ) -> RateLimit | None:
        """Count what a client has done, and shut it out where the policy says so. The rate that it went over, or that
        the domain of the reverse-path did."""
        names = names_of_sender(ip, reverse_path)
        limits = _of(rates, doing, names)
        bans = _of(policy.bans.rates, doing, names)
        takes = {take.key: take for take in [_history(doing, names[Whose.CLIENT], amount=1.0)]}
        for limit in (*limits, *bans):
            key = _key(doing, limit.whose, names[limit.whose], limit.rate.seconds)
            takes[key] = Take(key, limit.rate.seconds)
        counted = await self._counters.count(list(takes.values()))
        levels = dict(zip(takes, counted.levels, strict=True))

        def is_over(limit: RateLimit) -> bool:
            return levels[_key(doing, limit.whose, names[limit.whose], limit.rate.seconds)] > limit.rate.number

        over = next(filter(is_over, bans), None)
        if over is not None and not self.is_never_shut_out(ip, policy):
            await self._shut_out(ip, over, seconds=policy.bans.seconds)
        return next(filter(is_over, limits), None)

    async def levels(self, names: Names, rates: Sequence[RateLimit]) -> list[tuple[RateLimit, float]]:
        """What is counted now under those rates that are about one of these names."""
        own = [each for each in rates if each.whose in names]
        takes = [
            Take(_key(each.doing, each.whose, names[each.whose], each.rate.seconds), each.rate.seconds) for each in own
        ]
        return list(zip(own, (await self._counters.peek(takes)).levels, strict=True))

    def tally(self, take: Take) -> None:
        """Count it, without anybody waiting."""
        self._counters.tally(take)

    async def is_below(self, take: Take) -> bool:
        """Whether one more would be within its limit."""
        return (await self._counters.peek([take])).exhausted is None

    def ban_of(self, ip: str, policy: PolicyInForce) -> Ban | None:
        """The ban that holds for a client. Who is never shut out is not, whatever stands on the list."""
        ban = self._counters.ban_of(ip)
        return None if ban is None or self.is_never_shut_out(ip, policy) else ban

    def is_never_shut_out(self, ip: str, policy: PolicyInForce) -> bool:
        """Our own networks, and those that the policy names."""
        return self._own.holds(ip, at=0.0) or policy.bans.never.holds(ip, at=self._counters.now())

    async def _shut_out(self, ip: str, over: RateLimit, *, seconds: float) -> None:
        reason = f"more than {over.rate} {over.doing.replace('_', ' ')}"
        try:
            await self._counters.ban(client_name(ip), seconds=seconds, reason=reason, by=BY_ITSELF)
        except (CountersUnavailable, ValueError) as error:
            log().error("client_not_banned", client=ip, reason=reason, why=str(error))
            return
        BANS.labels(over.doing.value).inc()
        log().warning("client_banned", client=ip, reason=reason, seconds=seconds, place=over.place)


_REMEMBERED: Final = frozenset({Doing.CONNECTIONS, Doing.MESSAGES})


def _of(rates: Sequence[RateLimit], doing: Doing, names: Names) -> list[RateLimit]:
    return [each for each in rates if each.doing is doing and each.whose in names]


def _history(doing: Doing, client: str, *, amount: float) -> Take:
    return Take(_key(doing, Whose.CLIENT, client, HOUR), HOUR, amount=amount)


def _key(doing: Doing, whose: Whose, name: str, seconds: float) -> str:
    return f"{doing.value} {whose.value} {seconds:.0f} {name[:320]}"
