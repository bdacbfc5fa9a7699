"""What the DNS will be asked about a message, asked while the client still says whose it is: SPF, and the DMARC records
of the sender's domain, which is mostly the author's too. The answers wait in the resolver's cache.

Nobody waits for this, and nothing depends on it: beyond a bound no more is begun.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gateway.checks.authentication.dmarc import organisational_domain
from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.domains import host_domain
from gateway.mail.address import ReversePath, path_text

MAX_AHEAD: Final = 64
"""Messages whose look-ups are under way at a time in one process."""


class LookingAhead:
    """One for each resolver."""

    def __init__(self, resolver: Answering) -> None:
        self._resolver = resolver
        self._under_way: set[asyncio.Future[None]] = set()

    def at_mail(self, *, ip: str, helo: str, sender: ReversePath) -> None:
        """Begin, and return at once."""
        if len(self._under_way) >= MAX_AHEAD:
            return
        begun = asyncio.ensure_future(self._look_up(ip=ip, helo=helo, sender=sender))
        self._under_way.add(begun)
        begun.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _look_up(self, *, ip: str, helo: str, sender: ReversePath) -> None:
        domain = host_domain(sender.domain if sender else helo)
        async with asyncio.TaskGroup() as group:
            group.create_task(check_spf(self._resolver, ip=ip, helo=helo, reverse_path=path_text(sender)))
            if domain is not None:
                group.create_task(organisational_domain(self._resolver, domain))
