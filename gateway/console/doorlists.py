"""The two lists at the front door as people work with them, by page, API and command line alike: who is shut out, and
who was asked to come back. Each act leaves an event with a name. Knows no web.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from typing import Final

from gateway.counters.bans import canonical
from gateway.counters.counters import Counters
from gateway.counters.records import Ban, Waiting
from gateway.policy.quantities import duration
from gateway.queue.custody import Custody
from gateway.queue.deeds import Deed

MAX_REASON: Final = 300
LONGEST: Final = 366 * 86400.0
"""Seconds that a ban may hold. Who should never come in is a matter for the policy."""

WIDEST: Final = {4: 8, 6: 16}
"""The shortest prefix that may be shut out: a slip of the hand should not shut the world out."""

NeverShutOut = Callable[[str], bool]
"""Whether an address is one of our own, or named in the policy: such a ban would have no effect."""


class Doorlists:
    """What one person does."""

    def __init__(self, counters: Counters, custody: Custody, never: NeverShutOut, *, actor: str) -> None:
        self._counters = counters
        self._custody = custody
        self._never = never
        self._actor = actor

    async def shut_out(self, network: str, *, lasting: str, reason: str) -> Ban:
        """Shut a network or an address out for so long (`4h`, `7d`). Raises ValueError with what is wrong, in words for
        people, and `CountersUnavailable`."""
        name, seconds = _network(network), duration(lasting)
        if not 0 < seconds <= LONGEST:
            raise ValueError("a ban holds for a year at most; who should never come in belongs into the policy")
        if self._never(name.partition("/")[0]):
            raise ValueError(f"{name} is one of our own networks, or named in the policy: it is never shut out")
        ban = await self._counters.ban(name, seconds=seconds, reason=_line(reason), by=self._actor)
        await self._note(Deed.BANNED, network=ban.network, lasting=lasting, reason=ban.reason)
        return ban

    async def let_in(self, network: str) -> bool:
        """Let a network in again; False if it was not shut out. Raises ValueError and `CountersUnavailable`."""
        name = canonical(network)
        if not await self._counters.unban(name):
            return False
        await self._note(Deed.UNBANNED, network=name)
        return True

    async def release(self, numbers: Sequence[int]) -> int:
        """Let these senders' mail pass at its next try. Answers how many were still waiting. Raises
        `CountersUnavailable`."""
        chosen = set(numbers)
        those = [each for each in await self._counters.waiting() if each.id in chosen and not each.released]
        number = await self._counters.release([each.id for each in those])
        for each in those:
            await self._note(Deed.LET_IN, recipient=each.recipient, sender=each.sender, pool=each.pool)
        return number

    async def _note(self, deed: Deed, *, recipient: str = "", **detail: str) -> None:
        await self._custody.note(deed, actor=self._actor, recipient=recipient, detail=detail)


def chosen(waiting: Sequence[Waiting], *, sender: str, recipient: str) -> list[Waiting]:
    """Those from this address or domain, and to this address; empty: from or to anybody."""
    sender, recipient = sender.strip().lower(), recipient.strip().lower()
    return [
        each
        for each in waiting
        if (not sender or sender in (each.sender, each.sender.rpartition("@")[2]))
        and (not recipient or each.recipient == recipient)
    ]


def _network(text: str) -> str:
    try:
        name = canonical(text)
    except ValueError:
        words = f"write an address or a network, like 192.0.2.7 or 192.0.2.0/24, and not {text[:60]}"
        raise ValueError(words) from None

    network = ipaddress.ip_network(name)
    if network.prefixlen < WIDEST[network.version]:
        raise ValueError(f"{name} is too wide: /{WIDEST[network.version]} is the widest that can be shut out")
    return name


def _line(text: str) -> str:
    return " ".join(text.split())[:MAX_REASON]
