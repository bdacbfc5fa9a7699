"""Who may come in, and what they may hand over, before any content is seen: connection, HELO, MAIL, RCPT.

RFC 5321 sections 3.6 (relaying), 4.1.4 (HELO) and 7.9, RFC 6409 sections 4.3 and 6.1 (submission). What is not
expressly taken is refused. Reads the policy in force at each transaction; judges no content and speaks no SMTP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from gateway.facts.connection import ClientFact
from gateway.facts.outcome import Outcome, Unknown
from gateway.inbound.commands import asks_to_route, is_host_name
from gateway.inbound.ports import Door, Group, PolicyInForce, Ports, Principal, RecipientEntry, Validity
from gateway.inbound.rates import Rates
from gateway.mail import replies
from gateway.mail.address import Address, ReversePath
from gateway.mail.replies import Reply
from gateway.settings import Limits
from gateway.telemetry import log

INQUIRY_PATIENCE: Final = 3.0
"""Seconds that a client may have to wait for its greeting while we ask who it is."""

VALIDATION_PATIENCE: Final = 20.0
"""Seconds that one recipient may take; clients wait five minutes (RFC 5321 section 4.5.3.2.3)."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refused:
    """No, with what to answer, the reason for the record, and the group of the policy that says so."""

    reply: Reply
    reason: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one client may do now: the policy's group for it, with the limits of the settings where it has none."""

    policy: PolicyInForce
    group: Group
    size: int
    recipients: int
    connections: int


class Admission:
    """The doorkeeper of one edge process."""

    def __init__(self, ports: Ports, limits: Limits) -> None:
        self._ports = ports
        self._limits = limits
        self._rates = Rates()

    # ------------------------------------------------------------ connection

    async def acquaint(self, client: ClientFact, door: Door) -> ClientFact:
        """Ask the world who the client is, all at once and not for long. Users who sign in are not asked about: they
        come from anywhere."""
        if door.is_submission:
            return client
        reverse_name, dnsbl = await asyncio.gather(
            _in_time(self._ports.inquiry.reverse_name(client.ip)), _in_time(self._ports.inquiry.dnsbl(client.ip))
        )
        return replace(client, reverse_name=reverse_name, dnsbl=dnsbl)

    def has_room(self, client: ClientFact, *, connections: int, everybodys: int) -> Refused | None:
        """Whether there is room for the client at all, before any work is done for it. `connections` counts its own,
        `everybodys` all, this one included."""
        if everybodys > self._limits.connections:
            return Refused(replies.TOO_BUSY, "limit of the process")
        if refused := self._unready(replies.TOO_BUSY):
            return refused
        allowance = self.allowance(client)
        if connections > allowance.connections:
            return Refused(replies.TOO_MANY_CONNECTIONS, f"more than {allowance.connections}", allowance.group.id)
        return None

    def may_enter(self, client: ClientFact) -> Refused | None:
        """Whether the client is greeted, now that we know who it is."""
        return _barred(self.allowance(client).group)

    def allowance(self, client: ClientFact, *, mail_from: str | None = None) -> Allowance:
        """What the policy in force says about the client now. `mail_from` is None until MAIL was said."""
        policy = self._ports.current_policy()
        group = policy.group_for(client, self._ports.clock.now(), mail_from=mail_from)
        limits = group.limits
        return Allowance(
            policy=policy,
            group=group,
            size=self._limits.message_size if limits.size is None else limits.size,
            recipients=self._limits.recipients if limits.recipients is None else limits.recipients,
            connections=self._limits.connections_per_client if limits.connections is None else limits.connections,
        )

    def _unready(self, reply: Reply) -> Refused | None:
        ready, why_not = self._ports.custody.readiness()
        return None if ready else Refused(reply, f"cannot store mail: {why_not}")

    # ------------------------------------------------------------ commands

    def may_say_hello(self, name: str) -> Refused | None:
        """Whether that is a name to say in HELO."""
        return None if is_host_name(name) else Refused(replies.BAD_HELO, "HELO is neither domain nor address literal")

    def may_send(
        self,
        reverse_path: ReversePath,
        *,
        size: int | None,
        allowance: Allowance,
        network: str,
        principal: Principal | None,
    ) -> Refused | None:
        """Whether a transaction may begin. `principal` is None on doors where nobody signs in."""
        if refused := self._unready(replies.NO_SPACE) or _barred(allowance.group):
            return refused
        if size is not None and size > allowance.size:
            return Refused(replies.TOO_LARGE, f"declared {size} octets, the limit is {allowance.size}")
        if principal is not None and not principal.may_send_as(reverse_path):
            return Refused(replies.NOT_YOUR_ADDRESS, f"{principal.user} does not own the address")
        rate = allowance.group.limits.messages_per_second
        if rate is not None:
            now = self._ports.clock.monotonic()
            if not self._rates.take(network, per_second=rate, now=now):
                return Refused(replies.RATE_LIMITED, f"more than {rate} a second", allowance.group.id)
        return None

    def may_relay_path(self, path: str, *, principal: Principal | None) -> Refused | None:
        """Refuse strangers who write a further hop into the local part, in whatever spelling."""
        if principal is None and asks_to_route(path):
            return Refused(replies.NO_RELAY, "the local part asks for routing")
        return None

    async def may_receive(
        self, address: Address, *, policy: PolicyInForce, principal: Principal | None
    ) -> Refused | str:
        """The destination under which mail for the recipient is queued, or the refusal."""
        entry = policy.recipient_entry(str(address))
        if entry is None:
            if principal is None:
                return Refused(replies.NO_RELAY, "not a recipient of ours")
            return f"mx:{address.domain}"
        match await self._validity(address, entry):
            case Validity.UNKNOWN:
                return Refused(replies.NO_SUCH_USER, "no such recipient")
            case Validity.FULL:
                return Refused(replies.MAILBOX_FULL, "mailbox full")
            case Validity.CANNOT_TELL if entry.on_unknown != "accept":
                return Refused(replies.CANNOT_VERIFY, "the recipient could not be checked")
        return f"mx:{address.domain}" if entry.route == "mx" else entry.route

    async def _validity(self, address: Address, entry: RecipientEntry) -> Validity:
        try:
            async with asyncio.timeout(VALIDATION_PATIENCE):
                return await self._ports.validation.validate(address, entry)
        except Exception:  # noqa: BLE001 - whatever is wrong with a directory, the sender is asked to come again
            log().exception("recipient validation failed", domain=address.domain)
            return Validity.CANNOT_TELL


def _barred(group: Group) -> Refused | None:
    if not group.reject:
        return None
    reply = replies.BY_NAME.get(group.reject, replies.BLOCKED_CLIENT)
    return Refused(reply, f"group {group.id}", group.id)


async def _in_time(question: Awaitable[Outcome[T]]) -> Outcome[T]:
    try:
        async with asyncio.timeout(INQUIRY_PATIENCE):
            return await question
    except TimeoutError:
        return Unknown("timed out")
