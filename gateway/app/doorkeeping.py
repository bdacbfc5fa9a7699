"""What the front door asks the house: does this recipient exist, who signs in, who is this client."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from gateway.checks.answering import Answering
from gateway.checks.dnsbl import DnsblZone, check_dnsbl
from gateway.checks.reverse import verified_name
from gateway.checks.sender_domain import check_sender_domain
from gateway.clock import Clock
from gateway.facts.connection import DnsblFact, SenderDomain
from gateway.facts.outcome import NOT_ASKED, Outcome
from gateway.inbound.ports import AuthFailure, Principal, RecipientEntry, Validity
from gateway.mail.address import Address
from gateway.mailbox.users import UserBase
from gateway.policy.policy import Policy

FAILURES: Final = 10
"""Wrong passwords of one client address until it has to wait."""
FAILURE_WINDOW: Final = 600.0
MAX_CLIENTS: Final = 10_000


class Recipients:
    """Recipient validation at RCPT, by the policy's word for the domain."""

    def __init__(self, users: UserBase, current_policy: Callable[[], Policy]) -> None:
        self._users = users
        self._current_policy = current_policy

    async def validate(self, address: Address, entry: RecipientEntry) -> Validity:
        """Whether the recipient exists, as far as its domain's entry lets us know."""
        said = self._current_policy().recipient_entry(str(address))
        if said is None:
            return Validity.UNKNOWN
        match said.validate:
            case "none":
                return Validity.KNOWN
            case "static":
                return Validity.KNOWN if address.key in said.addresses else Validity.UNKNOWN
            case "mailbox":
                return Validity.KNOWN if self._users.mailbox_of(address) else Validity.UNKNOWN
        return Validity.KNOWN if said.on_unknown == "accept" else Validity.CANNOT_TELL


class PasswordAuthentication:
    """Mailbox owners sign in to submit. Guessing is slowed per client address; the hash runs in a thread."""

    def __init__(self, users: UserBase, clock: Clock) -> None:
        self._users = users
        self._clock = clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()

    async def authenticate(self, *, login: str, password: str, client_ip: str) -> Principal | AuthFailure:
        """The owner of the mailbox, who may send as it and as its sub-addresses."""
        count, since = self._failures.get(client_ip, (0, self._clock.now()))
        if self._clock.now() - since > FAILURE_WINDOW:
            count, since = 0, self._clock.now()
        if count >= FAILURES:
            return AuthFailure.UNAVAILABLE
        try:
            proven = await asyncio.to_thread(self._users.verify, login, password)
        except OSError:
            return AuthFailure.UNAVAILABLE
        if proven:
            self._failures.pop(client_ip, None)
            return Principal(user=login.lower(), addresses=frozenset({login.lower()}))
        self._failures[client_ip] = (count + 1, since)
        self._failures.move_to_end(client_ip)
        while len(self._failures) > MAX_CLIENTS:
            self._failures.popitem(last=False)
        return AuthFailure.WRONG


class Inquiry:
    """Asks DNS who a client is."""

    def __init__(self, resolver: Answering, current_policy: Callable[[], Policy]) -> None:
        self._resolver = resolver
        self._current_policy = current_policy

    async def reverse_name(self, ip: str) -> Outcome[str]:
        """The client's name, if it resolves back."""
        return await verified_name(self._resolver, ip)

    async def dnsbl(self, ip: str) -> Outcome[DnsblFact]:
        """What the policy's block lists say."""
        zones = [DnsblZone(each.zone, each.weight, frozenset(each.answers)) for each in self._current_policy().dnsbl]
        return await check_dnsbl(self._resolver, ip, zones) if zones else NOT_ASKED

    async def sender_domain(self, domain: str) -> Outcome[SenderDomain]:
        """Whether an answer to a sender of the domain could be delivered."""
        return await check_sender_domain(self._resolver, domain)
