"""What the front door asks the house: who signs in, who is this client. Whether a recipient exists says
`recipients.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.app.alerts import Alerts
from gateway.app.door.looking_ahead import LookingAhead
from gateway.checks.dns.answering import Answering
from gateway.checks.reputation.atlas import Atlas
from gateway.checks.reputation.dnsbl import SILENT, check_dnsbl
from gateway.checks.reputation.reverse import verified_name
from gateway.checks.reputation.sender_domain import check_sender_domain
from gateway.counters.records import Take
from gateway.facts.connection import ClientFact, DnsblFact, NetworkFact, SenderDomain
from gateway.facts.outcome import NOT_ASKED, Outcome, Skipped, Unknown
from gateway.inbound.admission.counting import Counting, client_name
from gateway.inbound.ports import AuthFailure, Principal
from gateway.mail.address import ReversePath
from gateway.mailbox.users import UserBase
from gateway.policy.policy import Doing, Policy
from gateway.telemetry import DNSBL_UNUSABLE

FAILURES: Final = 10
"""Wrong passwords of one client until it has to wait."""
FAILURE_WINDOW: Final = 600.0


class PasswordAuthentication:
    """Mailbox owners sign in to submit. Guessing is slowed per client, in all processes together; the hash runs in a
    thread. Who goes on guessing is shut out where the policy says so."""

    def __init__(self, users: UserBase, counting: Counting, current_policy: Callable[[], Policy]) -> None:
        self._users = users
        self._counting = counting
        self._current_policy = current_policy

    async def authenticate(self, *, login: str, password: str, client_ip: str) -> Principal | AuthFailure:
        """The owner of the mailbox, who may send as it and as its sub-addresses."""
        guesses = Take(f"guesses {client_name(client_ip)}", FAILURE_WINDOW, limit=FAILURES)
        if not await self._counting.is_below(guesses):
            return AuthFailure.UNAVAILABLE
        try:
            proven = await asyncio.to_thread(self._users.verify, login, password)
        except OSError:
            return AuthFailure.UNAVAILABLE
        if proven:
            return Principal(user=login.lower(), addresses=frozenset({login.lower()}))
        self._counting.tally(guesses)
        await self._counting.happened(Doing.FAILED_SIGN_INS, client_ip, rates=(), policy=self._current_policy())
        return AuthFailure.WRONG


class Inquiry:
    """Asks DNS and the maps who a client is."""

    def __init__(
        self, resolver: Answering, current_policy: Callable[[], Policy], alerts: Alerts, *, atlas: Atlas
    ) -> None:
        self._resolver = resolver
        self._ahead = LookingAhead(resolver)
        self._atlas = atlas
        self._current_policy = current_policy
        self._alerts = alerts

    async def reverse_name(self, ip: str) -> Outcome[str]:
        """The client's name, if it resolves back."""
        return await verified_name(self._resolver, ip)

    async def dnsbl(self, ip: str) -> Outcome[DnsblFact]:
        """What the policy's block lists say. A list that says nonsense, or refuses us, raises one alert."""
        zones = self._current_policy().dnsbl
        if not zones:
            return NOT_ASKED
        unusable: list[tuple[str, str]] = []
        outcome = await check_dnsbl(self._resolver, ip, zones, notice=lambda *each: unusable.append(each))
        for zone, trouble in unusable:
            DNSBL_UNUSABLE.labels(zone, trouble).inc()
            if trouble != SILENT:
                await self._alerts.raise_one(f"dnsbl {zone}", f"the list {zone} {trouble}: it is not counted")
        return outcome

    async def sender_domain(self, domain: str) -> Outcome[SenderDomain]:
        """Whether an answer to a sender of the domain could be delivered."""
        return await check_sender_domain(self._resolver, domain)

    def expect(self, client: ClientFact, sender: ReversePath) -> None:
        """Begin the look-ups of the checks."""
        self._ahead.at_mail(ip=client.ip, helo=client.helo, sender=sender)

    def network(self, ip: str) -> Outcome[NetworkFact]:
        """What the map of networks says. Without a map it is doubt for a policy that asks, and else of no interest."""
        outcome = self._atlas.network(ip)
        return self._no_map("asn") if isinstance(outcome, Skipped) else outcome

    def country(self, ip: str) -> Outcome[str]:
        """What the map of countries says; the same without one."""
        outcome = self._atlas.country(ip)
        return self._no_map("country") if isinstance(outcome, Skipped) else outcome

    def _no_map(self, check: str) -> Skipped | Unknown:
        wanted = check in self._current_policy().asks_about_origin
        return Unknown("no map is configured (settings: maps)") if wanted else NOT_ASKED
