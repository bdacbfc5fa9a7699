"""What goes into custody and what comes out: plain frozen records, the language between the queue and the rooms
above it."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.facts.connection import ClientFact
from gateway.mail.address import Address, ReversePath
from gateway.mail.envelope import Envelope, Recipient
from gateway.mail.replies import Reply
from gateway.queue.states import State


@dataclass(frozen=True, slots=True)
class Judgement:
    """Why a recipient's copy is where it is: class, rule (id, file, line; empty where the default decided) and
    reasons."""

    disposition: str
    verdict_class: str = "clean"
    rule: str = ""
    file: str = ""
    line: int = 0
    reasons: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The few words by which people find a message in a list. All of it hostile text."""

    author_name: str = ""
    author_address: str = ""
    subject: str = ""
    excerpt: str = ""
    message_id: str = ""
    attachments: int = 0
    score: float | None = None


@dataclass(frozen=True, slots=True)
class NewRecipient:
    """One recipient at acceptance: QUEUED, HELD, DROPPED or UNSCANNED; `destination` is the key under which couriers
    claim it:
    a route ("mailbox", "lmtp://host:port", ...) or "mx:domain". `expires_at` ends a hold (seconds since the epoch)."""

    recipient: Recipient
    state: State
    destination: str
    judgement: Judgement
    quarantine: str = ""
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Everything the ledger is told about a message, in one transaction with its recipients.

    What is delivered is `prefix` (the header fields that we add) and the octets as received without the ranges in
    `cuts`
    (start, end), which hold forged Authentication-Results of ours and nothing else. `evidence` is JSON.
    """

    received_at: float
    envelope: Envelope
    client: ClientFact
    prefix: bytes
    cuts: tuple[tuple[int, int], ...]
    evidence: bytes
    policy_version: str
    listing: Listing
    recipients: tuple[NewRecipient, ...]
    may_bounce: bool = True


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal before or at the end of DATA: what was answered to whom, and which rule or line says so.

    `stage` is connect, helo, auth, mail, rcpt or data.
    """

    at: float
    stage: str
    reply: Reply
    reason: str
    client_ip: str
    helo: str = ""
    reverse_path: str = ""
    recipient: str = ""
    rule: str = ""
    reference: str = ""
    evidence: bytes = b""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to attempt one recipient until `lease_until`. `attempt` is the fence: a later claim has a higher
    number."""

    recipient_id: int
    message_id: int
    recipient: Recipient
    destination: str
    attempt: int
    lease_until: float
    reverse_path: ReversePath
    received_at: float
    size: int
    smtputf8: bool
    eight_bit: bool
    ret: str
    envid: str
    may_bounce: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt ended, to be committed with `finish`. `state` is DELIVERED, DEFERRED, FAILED, EXPIRED or CORRUPT.

    `due` is the next try for DEFERRED (seconds since the epoch). `remote` names the next hop, `tls` its TLS version.
    """

    state: State
    at: float
    reply: Reply
    remote: str = ""
    tls: str = ""
    due: float | None = None


@dataclass(frozen=True, slots=True)
class Bounce:
    """A message of our own (RFC 3464), stored in the same transaction that closes the recipient it speaks of."""

    octets: bytes
    to: Address
    destination: str
    at: float


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a message's story. `sequence` grows without gaps being meaningful; `recipient` is empty for the whole
    message; `kind` is from a closed list (accepted, held, released, deleted, attempt, delivered, deferred, failed,
    expired,
    bounced, corrupt, refused, retried); `detail` is small and serialisable."""

    sequence: int
    at: float
    message_id: int
    recipient: str
    kind: str
    actor: str
    detail: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldItem:
    """One held recipient as lists show it. `id` is the recipient's id in the ledger."""

    id: int
    message_id: int
    received_at: float
    reverse_path: str
    recipient: str
    quarantine: str
    judgement: Judgement
    listing: Listing
    client_ip: str
    size: int
    expires_at: float | None
    state: State
