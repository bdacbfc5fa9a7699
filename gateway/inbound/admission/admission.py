"""Who may come in, and what they may hand over, before any content is seen: connection, HELO, MAIL, RCPT.

RFC 5321 sections 3.6 (relaying), 4.1.4 (HELO) and 7.9, RFC 6409 sections 4.3 and 6.1 (submission). What is not
expressly taken is refused. Reads the policy in force at each transaction; judges no content and speaks no SMTP, counts
nothing itself (`counting.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from gateway.facts.connection import ClientFact, PastFact
from gateway.facts.outcome import NOT_ASKED, Known, Outcome, Unknown
from gateway.inbound.admission import certificates, senders
from gateway.inbound.admission.addressees import Addressees, Admitted
from gateway.inbound.admission.counting import (
    Counting,
    name_of_recipient,
    name_of_sender_domain,
    names_of_client,
    names_of_sender,
)
from gateway.inbound.admission.manners import Manners
from gateway.inbound.ports import Door, Group, Meant, PolicyInForce, Ports, Principal
from gateway.inbound.protocol.commands import asks_to_route, is_host_name
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.mail.address import Address, ReversePath, path_text
from gateway.mail.replies import Reply
from gateway.policy.policy import Doing, RateLimit
from gateway.settings import Limits
from gateway.telemetry import log

INQUIRY_PATIENCE: Final = 3.0
"""Seconds that a client may have to wait for its greeting while we ask who it is."""

T = TypeVar("T")
U = TypeVar("U")


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

    def __init__(self, ports: Ports, limits: Limits, counting: Counting) -> None:
        self._ports = ports
        self._limits = limits
        self._counting = counting
        self._addressees = Addressees(ports.validation)
        self.manners = Manners(ports.counters)
        self._noting: set[asyncio.Future[None]] = set()

    # ------------------------------------------------------------ connection

    async def acquaint(self, client: ClientFact, door: Door) -> ClientFact:
        """Ask the world who the client is, all at once and not for long. Nobody is asked about users who sign in: they
        come from anywhere."""
        inquiry = self._ports.inquiry
        network, country = inquiry.network(client.ip), inquiry.country(client.ip)
        if door.is_submission:
            return replace(client, network=network, country=country)
        reverse_name, dnsbl = await _in_time(inquiry.reverse_name(client.ip), inquiry.dnsbl(client.ip))
        past = await self._past(client)
        return replace(client, network=network, country=country, reverse_name=reverse_name, dnsbl=dnsbl, past=past)

    async def _past(self, client: ClientFact) -> Outcome[PastFact]:
        if not self._ports.current_policy().asks_about_the_past:
            return NOT_ASKED
        return Known(await self._counting.past(client.ip))

    async def has_room(
        self, client: ClientFact, *, connections: int, neighbours: int, everybodys: int
    ) -> Refused | None:
        """Whether there is room for the client at all, before any work is done for it. `connections` counts its own in
        this process, `neighbours` those of its network, `everybodys` all, this one included."""
        if refused := self._shut_out(client):
            return refused
        if everybodys > self._limits.connections:
            return Refused(replies.TOO_BUSY, "limit of the process")
        if refused := self._unready(replies.TOO_BUSY):
            return refused
        allowance = self.allowance(client)
        group, most = allowance.group, allowance.group.limits.network_connections
        if not await self._counting.has_room(client.ip, here=connections, limit=allowance.connections):
            said = f"more than {allowance.connections} connections"
        elif most is not None and not await self._counting.has_room_for_network(client.ip, here=neighbours, limit=most):
            said = f"more than {most} connections (network)"
        else:
            return None
        return Refused(replies.TOO_MANY_CONNECTIONS, said, group.id, group.place)

    def has_gone(self, ip: str, *, connections: int, neighbours: int) -> None:
        """A connection of the client has ended; it, and its network, have so many left in this process."""
        self._counting.connections_changed(ip, here=connections)
        if self._ports.current_policy().counts_connections_of_networks:
            self._counting.connections_of_network_changed(ip, here=neighbours)

    async def may_enter(self, client: ClientFact) -> Refused | None:
        """Whether the client is greeted, now that we know who it is."""
        group = self.allowance(client).group
        if refused := _barred(group):
            return refused
        names = names_of_client(client.ip)
        used_up = await self._counting.allow(
            (Doing.CONNECTIONS, names),
            rates=group.limits.rates,
            spent=((Doing.ERRORS, names), (Doing.UNKNOWN_RECIPIENTS, names)),
        )
        if used_up is None:
            return None
        reply = replies.CONNECTING_TOO_FAST if used_up.doing is Doing.CONNECTIONS else replies.TOO_MANY_ERRORS
        return _too_much(reply, used_up, group)

    def note(self, reply: Reply, client: ClientFact, door: Door, *, sender: ReversePath = None) -> None:
        """A reply was given: what it says of the client's manners is counted, without anybody waiting for it. `sender`
        is the reverse-path of the transaction that it was given in."""
        if reply.is_permanent and not (door.is_submission and client.user):
            doing = Doing.EARLY_TALKS if reply in (replies.SPOKE_TOO_EARLY, replies.IMPATIENT) else Doing.ERRORS
            noting = asyncio.ensure_future(self._happened(doing, client, None if door.is_submission else sender))
            self._noting.add(noting)
            noting.add_done_callback(self._noting.discard)

    async def settle(self) -> None:
        """Return when all that was noted is counted."""
        if self._noting:
            await asyncio.wait(self._noting)

    async def _happened(self, doing: Doing, client: ClientFact, sender: ReversePath) -> None:
        allowance = self.allowance(client, mail_from=None if sender is None else path_text(sender))
        await self._counting.happened(
            doing, client.ip, rates=allowance.group.limits.rates, policy=allowance.policy, reverse_path=sender
        )

    def _shut_out(self, client: ClientFact) -> Refused | None:
        ban = self._counting.ban_of(client.ip, self._ports.current_policy())
        return None if ban is None else Refused(replies.BANNED, f"banned by {ban.by}: {ban.reason}", "ban", ban.network)

    async def allowance_at_mail(
        self, client: ClientFact, reverse_path: ReversePath, *, principal: Principal | None
    ) -> Allowance:
        """The same once MAIL was said. The DNS is asked about the sender's domain where a group wants to know."""
        if principal is None and self._ports.current_policy().asks_about_sender_domain:
            client = replace(client, sender_domain=await senders.ask(self._ports.inquiry, reverse_path))
        return self.allowance(client, mail_from=path_text(reverse_path))

    def allowance(self, client: ClientFact, *, mail_from: str | None = None) -> Allowance:
        """What the policy in force says about the client now. `mail_from` is None until MAIL was said."""
        policy = self._ports.current_policy()
        group = policy.group_for(client, self.now(), mail_from=mail_from)
        limits = group.limits
        return Allowance(
            policy=policy,
            group=group,
            size=self._limits.message_size if limits.size is None else limits.size,
            recipients=self._limits.recipients if limits.recipients is None else limits.recipients,
            connections=self._limits.connections_per_client if limits.connections is None else limits.connections,
        )

    def now(self) -> float:
        """Seconds since the epoch, by which lists of the policy have ended or not."""
        return self._ports.clock.now()

    def _unready(self, reply: Reply) -> Refused | None:
        ready, why_not = self._ports.custody.readiness()
        return None if ready else Refused(reply, f"cannot store mail: {why_not}")

    # ------------------------------------------------------------ commands

    def may_say_hello(self, name: str) -> Refused | None:
        """Whether that is a name to say in HELO."""
        return None if is_host_name(name) else Refused(replies.BAD_HELO, "HELO is neither domain nor address literal")

    async def may_send(
        self,
        reverse_path: ReversePath,
        *,
        size: int | None,
        allowance: Allowance,
        client: ClientFact,
        principal: Principal | None,
    ) -> Refused | None:
        """Whether a transaction may begin. `principal` is None on doors where nobody signs in."""
        group = allowance.group
        if refused := self._unready(replies.NO_SPACE) or self._shut_out(client) or _barred(group):
            return refused
        if group.requires_tls and not client.tls:
            return Refused(replies.TLS_REQUIRED, f"group {group.id} requires TLS", group.id, group.place)
        if refused := certificates.refusal(group, client):
            return refused
        if size is not None and size > allowance.size:
            said = f"declared {size} octets, the limit is {allowance.size}"
            return Refused(replies.TOO_LARGE, said, group.id, group.place)
        if principal is not None and not principal.may_send_as(reverse_path):
            return Refused(replies.NOT_YOUR_ADDRESS, f"{principal.user} does not own the address")
        names, domain = names_of_client(client.ip), name_of_sender_domain(None if principal else reverse_path)
        used_up = await self._counting.allow(
            (Doing.MESSAGES, {**names, **domain}), rates=group.limits.rates, spent=((Doing.ERRORS, domain),)
        )
        if used_up is None:
            return None
        reply = replies.RATE_LIMITED if used_up.doing is Doing.MESSAGES else replies.ERRING_TOO_OFTEN
        return _too_much(reply, used_up, group)

    def may_relay_path(self, path: str, *, principal: Principal | None) -> Refused | None:
        """Refuse strangers who write a further hop into the local part, in whatever spelling."""
        if principal is None and asks_to_route(path):
            return Refused(replies.NO_RELAY, "the local part asks for routing")
        return None

    async def may_receive(
        self,
        address: Address,
        *,
        allowance: Allowance,
        client: ClientFact,
        reverse_path: ReversePath,
        principal: Principal | None,
        size: int | None = None,
    ) -> Admitted | Refused:
        """To whom mail for the recipient goes and where it is queued, or the refusal. `size` is what MAIL declared."""
        entry = allowance.policy.recipient_entry(str(address))
        if entry is None and (twin := address.twin) is not None:
            entry = allowance.policy.recipient_entry(str(twin))
            address = address if entry is None else twin
        if entry is None and principal is None:
            return Refused(replies.NO_RELAY, "not a recipient of ours")
        meant = Meant(address)
        if entry is not None:
            said = self._ports.returns.whom(address, client=client, reverse_path=reverse_path)
            if isinstance(said, Refused):
                return said
            meant = said
        admitted = await self._addressees.find(meant.address, allowance.policy, size=size)
        group = allowance.group
        if isinstance(admitted, Refused):
            if admitted.reply is replies.NO_SUCH_USER and principal is None:
                return await self._harvesting(client, reverse_path, allowance) or admitted
            return admitted
        if refused := await self._unfit(admitted, reverse_path):
            return refused
        if principal is None and (refused := await self._greylisted(admitted, allowance, client, reverse_path)):
            return refused
        wanted = [(Doing.RECIPIENTS, names_of_client(client.ip))]
        if principal is None:
            wanted = [
                (Doing.RECIPIENTS, names_of_sender(client.ip, reverse_path)),
                (Doing.MESSAGES, name_of_recipient(admitted.address)),
            ]
        used_up = await self._counting.allow(*wanted, rates=group.limits.rates)
        if used_up is not None:
            return _too_much(replies.RATE_LIMITED, used_up, group)
        return replace(admitted, later=meant.later)

    async def _unfit(self, admitted: Admitted, reverse_path: ReversePath) -> Refused | None:
        """Whether the next hop cannot take these addresses: better said now than in a bounce (RFC 6531 section 3.5)."""
        if admitted.address.is_ascii and (reverse_path is None or reverse_path.is_ascii):
            return None
        if await self._ports.next_hops.takes_utf8_address(admitted.destination) == Known(False):
            return Refused(replies.NO_UTF8, "the next hop does not offer SMTPUTF8")
        return None

    async def _greylisted(
        self, admitted: Admitted, allowance: Allowance, client: ClientFact, reverse_path: ReversePath
    ) -> Refused | None:
        """Whether the client has to come back for this recipient."""
        group = allowance.group
        why = await self._ports.greylist.must_come_back(
            client, reverse_path=reverse_path, recipient=admitted.address, policy=allowance.policy, group=group
        )
        return Refused(replies.GREYLISTED, why, group.id, group.place) if why else None

    async def _harvesting(self, client: ClientFact, reverse_path: ReversePath, allowance: Allowance) -> Refused | None:
        """Whether the client asks for so many who do not exist that it must be trying names."""
        group = allowance.group
        over = await self._counting.happened(
            Doing.UNKNOWN_RECIPIENTS,
            client.ip,
            rates=group.limits.rates,
            policy=allowance.policy,
            reverse_path=reverse_path,
        )
        if over is None:
            return None
        log().warning("recipient_harvest", client=client.ip, limit=str(over), place=over.place)
        return _too_much(replies.TOO_MANY_UNKNOWN, over, group)


def _barred(group: Group) -> Refused | None:
    if not group.reject:
        return None
    reply = replies.BY_NAME.get(group.reject, replies.BLOCKED_CLIENT)
    return Refused(reply, f"group {group.id}", group.id, group.place)


def _too_much(reply: Reply, used_up: RateLimit, group: Group) -> Refused:
    return Refused(
        reply,
        f"more than {used_up.rate} {used_up.doing.replace('_', ' ')} ({used_up.whose.replace('_', ' ')})",
        group.id,
        used_up.place,
    )


async def _in_time(
    one: Coroutine[None, None, Outcome[T]], other: Coroutine[None, None, Outcome[U]]
) -> tuple[Outcome[T], Outcome[U]]:
    """The answers to two questions that are asked at a time. What one has said by the end of the patience counts,
    whatever the other one does."""
    beside = asyncio.ensure_future(other)
    first: Outcome[T] = Unknown("timed out")
    try:
        async with asyncio.timeout(INQUIRY_PATIENCE):
            first = await one
            return first, await beside
    except TimeoutError:
        is_late = beside.cancelled() or not beside.done()
        return first, Unknown("timed out") if is_late else beside.result()
    finally:
        beside.cancel()
