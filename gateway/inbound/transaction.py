"""What becomes of one transaction after DATA: check, judge, take into custody, answer (RFC 5321 sections 4.1.1.4, 6.1
and 6.3).

250 is said after custody has the message, never before. Whatever goes wrong on our side is a 451 with a reference: the
client keeps the message and comes again. Judges nothing itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from gateway.facts.connection import ClientFact, SenderDomain
from gateway.facts.outcome import NOT_ASKED, Known, Outcome
from gateway.inbound.acceptance import acceptance_of, changed_of
from gateway.inbound.admission.admission import Allowance
from gateway.inbound.ports import Judged, Ports
from gateway.inbound.protocol.commands import MailParameters
from gateway.inbound.receiving import FAULT_REPLIES, Intake, disk_reply
from gateway.inbound.refusals import Refusals
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.mail.address import ReversePath
from gateway.mail.envelope import Direction, Envelope, Recipient
from gateway.mail.message import BadMessage, Message
from gateway.mail.replies import Reply
from gateway.policy.verdict import Disposition
from gateway.queue.changed import Changed
from gateway.queue.identifiers import text_of
from gateway.queue.records import Acceptance
from gateway.queue.spool import Incoming
from gateway.telemetry import MESSAGES, log

SCAN_PATIENCE: Final = 120.0
"""Seconds that judging may take. The client waits ten minutes (RFC 5321 section 4.5.3.2.6), but many wait less."""


@dataclass(slots=True)
class Transaction:
    """What MAIL and RCPT said so far. The policy is the one that was in force at MAIL."""

    reverse_path: ReversePath
    parameters: MailParameters
    allowance: Allowance
    direction: Direction
    sender_domain: Outcome[SenderDomain] = NOT_ASKED
    intake: Intake | None = None
    """The octets, once they have begun to come."""
    recipients: dict[str, Recipient] = field(default_factory=dict)
    destinations: dict[str, str] = field(default_factory=dict)
    """By `Address.key`, as `recipients`."""
    later: Refused | None = None
    """Why the message is refused whatever it holds, once its data have come."""
    size_limit: int = 0
    """Octets: what the client may send, or less where a recipient takes less."""

    def __post_init__(self) -> None:
        self.size_limit = self.allowance.size

    def add(self, recipient: Recipient, destination: str, *, size: int | None = None) -> None:
        """Take a recipient in. Who is named twice gets one copy. `size` is the recipient's own limit, in octets."""
        self.size_limit = self.size_limit if size is None else min(self.size_limit, size)
        self.recipients.setdefault(recipient.address.key, recipient)
        self.destinations.setdefault(recipient.address.key, destination)

    def envelope(self) -> Envelope:
        """The envelope as it stands."""
        return Envelope(
            reverse_path=self.reverse_path,
            recipients=tuple(self.recipients.values()),
            direction=self.direction,
            body=self.parameters.body,
            smtputf8=self.parameters.smtputf8,
            size=self.parameters.size,
            ret=self.parameters.ret,
            envid=self.parameters.envid,
        )


class Reception:
    """Concludes transactions. One for each edge process."""

    def __init__(self, ports: Ports, refusals: Refusals, *, hops: int, scan_patience: float = SCAN_PATIENCE) -> None:
        self._ports = ports
        self._refusals = refusals
        self._hops = hops
        self._scan_patience = scan_patience
        self._accepting: set[asyncio.Future[int]] = set()

    async def settle(self) -> None:
        """Wait until custody has answered for every message that it was given."""
        if self._accepting:
            await asyncio.wait(self._accepting)

    async def conclude(self, transaction: Transaction, incoming: Incoming, client: ClientFact) -> Reply:
        """The reply to the end of DATA. Owns `incoming`."""
        case = self._case(transaction, client)
        given_away = False
        try:
            message = Message.from_reader(incoming.finish())
            if len(message.values(b"received")) > self._hops:
                return await self._refuse(case, replies.TOO_MANY_HOPS, f"more than {self._hops} Received fields")
            if transaction.later is not None:
                return await self._refuse(case, transaction.later.reply, transaction.later.reason)
            if await self._is_unfit(transaction, message):
                return await self._refuse(case, replies.NO_UTF8_HEADER, "the next hop does not offer SMTPUTF8")
            judged = await self._judge(case, message)
            refusal = _refusal(judged)
            if refusal is not None:
                return await self._refuse(case, refusal, "verdict", judged)
            acceptance = acceptance_of(
                judged, envelope=case.envelope, client=case.client, received_at=case.received_at,
                destinations=transaction.destinations,
            )  # fmt: skip
            changed = changed_of(judged, acceptance)
            given_away = True
            await self._accept(case, acceptance, incoming, changed)
        except BadMessage as bad:
            return await self._refuse(case, FAULT_REPLIES.get(bad.kind, replies.MALFORMED_MESSAGE), bad.kind)
        except Exception as error:  # noqa: BLE001 - the client keeps the message, the log has the story
            log().exception("cannot conclude a transaction", reference=case.reference)
            return await self._refuse(case, disk_reply(error), f"local error: {type(error).__name__}")
        finally:
            if not given_away:
                incoming.discard()
        MESSAGES.labels(judged.settlement.disposition.word).inc()
        return replies.accepted_as(case.reference)

    async def refuse(self, transaction: Transaction, client: ClientFact, reply: Reply, reason: str) -> Reply:
        """Refuse what could not even be read as a message; the reply with its reference."""
        return await self._refuse(self._case(transaction, client), reply, reason)

    def _case(self, transaction: Transaction, client: ClientFact) -> _Case:
        return _Case(
            id=self._ports.custody.new_id(),
            received_at=self._ports.clock.now(),
            envelope=transaction.envelope(),
            client=replace(client, sender_domain=transaction.sender_domain),
        )

    async def _is_unfit(self, transaction: Transaction, message: Message) -> bool:
        """Whether the next hop of somebody cannot take the header. Mail that merely declares SMTPUTF8 goes anywhere."""
        if not transaction.parameters.smtputf8 or message.header.isascii():
            return False
        takes = self._ports.next_hops.takes_utf8_header
        return any([await takes(each) == Known(False) for each in set(transaction.destinations.values())])

    async def _judge(self, case: _Case, message: Message) -> Judged:
        async with asyncio.timeout(self._scan_patience):
            return await self._ports.judge(
                message,
                envelope=case.envelope,
                client=case.client,
                received_at=case.received_at,
                message_id=case.id,
            )

    async def _accept(
        self, case: _Case, acceptance: Acceptance, incoming: Incoming, changed: tuple[Changed, ...]
    ) -> None:
        """Hand over to custody. Goes on when the client leaves meanwhile: a commit that has begun is not torn."""
        accepting = asyncio.ensure_future(
            self._ports.custody.accept(acceptance, incoming, message_id=case.id, changed=changed)
        )
        self._accepting.add(accepting)
        accepting.add_done_callback(partial(self._accepted, incoming))
        await asyncio.shield(accepting)

    def _accepted(self, incoming: Incoming, accepting: asyncio.Future[int]) -> None:
        self._accepting.discard(accepting)
        incoming.discard()  # what was not entrusted to the ledger; not before, for a client may leave meanwhile
        if not accepting.cancelled():
            accepting.exception()  # seen by `conclude`, or of no interest to a client that has left

    async def _refuse(self, case: _Case, reply: Reply, reason: str, judged: Judged | None = None) -> Reply:
        MESSAGES.labels("deferred" if reply.is_transient else "refused").inc()
        told = reply.about(case.reference)
        await self._refusals.of_message(
            told, reason, client=case.client, envelope=case.envelope, reference=case.reference, judged=judged
        )
        return told


@dataclass(frozen=True, slots=True)
class _Case:
    """What stays the same while one transaction is concluded."""

    id: int
    received_at: float
    envelope: Envelope
    client: ClientFact

    @property
    def reference(self) -> str:
        return text_of(self.id)


def _refusal(judged: Judged) -> Reply | None:
    """The settlement's reply where it refuses or defers. A name of the wrong class cannot turn one into the other."""
    settlement = judged.settlement
    reply = replies.BY_NAME.get(settlement.reply)
    match settlement.disposition:
        case Disposition.DEFER:
            return reply if reply is not None and reply.is_transient else replies.DEFERRED
        case Disposition.REJECT:
            return reply if reply is not None and reply.is_permanent else replies.REFUSED_POLICY
    return None
