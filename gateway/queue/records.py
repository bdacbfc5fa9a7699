"""What goes into custody and what comes out: plain frozen records, the language between the queue and the rooms
above it."""

from __future__ import annotations

from collections.abc import Collection
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
    """One recipient at acceptance: QUEUED, HELD, DROPPED, UNSCANNED or CORRUPT; `destination` is the key under which
    couriers claim it: a route ("mailbox", "lmtp://host:port", ...) or "mx:domain". `expires_at` ends a hold, `due` is
    when it is to be scanned again (seconds since the epoch; None: now). `fields` are header fields, with CRLF line
    ends, that this recipient's copy alone has on top."""

    recipient: Recipient
    state: State
    destination: str
    judgement: Judgement
    quarantine: str = ""
    expires_at: float | None = None
    due: float | None = None
    fields: bytes = b""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Everything the ledger is told about a message, in one transaction with its recipients.

    What is delivered is `prefix` (the header fields that we add) and the octets as received without the ranges in
    `cuts` (start, end), which hold forged Authentication-Results of ours and nothing else. `evidence` is JSON.
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
class Unscanned:
    """One recipient whose copy waits to be scanned, and is due."""

    recipient_id: int
    message_id: int
    recipient: str
    received_at: float


@dataclass(frozen=True, slots=True)
class DeliveredCopy:
    """One recipient whose copy was delivered, with the evidence (JSON) of its message."""

    recipient_id: int
    message_id: int
    recipient: str
    evidence: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Retracted:
    """One recipient whose copy was taken back into custody."""

    recipient_id: int
    message_id: int
    recipient: str


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
    number. `fields` stand on top of this recipient's copy."""

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
    fields: bytes = b""


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
    expired, bounced, corrupt, refused, retried, stripped, unscanned, rescanned, retracted, removed, not
    released, and those of `deeds.py`); `detail` is small and serialisable."""

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


@dataclass(frozen=True, slots=True)
class HeldQuery:
    """What to look for among held recipients. Empty fields do not restrict; all others must be met.

    `terms` are found anywhere in subject, author, reverse-path or recipient, in any case. `quarantines` are classes.
    `recipients` are the addresses that the viewer may see ("@domain" stands for a whole domain); None: all. `sender`
    and `recipient` are addresses, where `*` stands for anything. `since` and `until` are seconds since the epoch.
    """

    terms: tuple[str, ...] = ()
    quarantines: frozenset[str] = frozenset()
    recipients: Collection[str] | None = None
    sender: str = ""
    recipient: str = ""
    rule: str = ""
    reason: str = ""
    score_from: float | None = None
    score_to: float | None = None
    since: float | None = None
    until: float | None = None
    state: State = State.HELD


@dataclass(frozen=True, slots=True)
class TrackQuery:
    """Which messages and refusals to find. `recipient` and `sender` are addresses, where `*` stands for anything.

    `message_id` is ours, the Message-ID field's, or the reference of a reply. `client` is an IP address, where `*`
    stands for anything. `text` is found in subject, author and reverse-path. `recipients` restricts what the viewer
    may see, as in `HeldQuery`.
    """

    recipient: str = ""
    sender: str = ""
    message_id: str = ""
    client: str = ""
    text: str = ""
    since: float | None = None
    until: float | None = None
    recipients: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class TrackRow:
    """One recipient of one message, or one refusal. `id` grows with time over both kinds and is the cursor of lists.

    `outcome` is a state's word or "refused"; `message_id` is None for a refusal; `reply` is the last one given or
    received.
    """

    id: int
    message_id: int | None
    at: float
    outcome: str
    stage: str
    client_ip: str
    reverse_path: str
    recipient: str
    subject: str
    size: int
    reply: str
    rule: str
    reason: str
    quarantine: str
    attempt: int
    due: float | None


@dataclass(frozen=True, slots=True)
class RecipientRecord:
    """One recipient as the ledger has it. `due` is the next try, where there will be one."""

    id: int
    recipient: Recipient
    state: State
    destination: str
    attempt: int
    due: float | None
    lease_until: float | None
    owner: str
    judgement: Judgement
    quarantine: str
    expires_at: float | None
    last_reply: str
    last_remote: str
    changed_at: float


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A message with all that is known of it but its octets. `evidence` is the JSON given at acceptance.

    `octets_kept` says whether the octets are still there.
    """

    id: int
    received_at: float
    envelope: Envelope
    client: ClientFact
    listing: Listing
    policy_version: str
    may_bounce: bool
    size: int
    evidence: bytes
    octets_kept: bool
    recipients: tuple[RecipientRecord, ...]


@dataclass(frozen=True, slots=True)
class RefusalRecord:
    """A refusal as recorded, with its id."""

    id: int
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class DestinationRecord:
    """What waits for one destination. `oldest` is when the oldest was accepted, `ready_at` ends a back-off."""

    name: str
    waiting: int
    in_flight: int
    oldest: float | None
    next_due: float | None
    ready_at: float
    last_reply: str
    last_at: float | None


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One live recipient as the queue's list shows it. `lease_until` is set while a courier has it."""

    recipient_id: int
    message_id: int
    received_at: float
    reverse_path: str
    recipient: str
    destination: str
    state: State
    attempt: int
    due: float
    lease_until: float | None
    last_reply: str
    size: int
    subject: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which live recipients an act is for. All that is given must be met; nothing given means every one."""

    recipient_ids: tuple[int, ...] = ()
    message_id: int | None = None
    destination: str = ""


@dataclass(frozen=True, slots=True)
class JudgedMail:
    """One message that was judged, taken or refused: its evidence (JSON), and the word of the disposition for each
    recipient, or for all of them where it was refused. `codes` are those of the reasons of all recipients."""

    id: int
    evidence: bytes
    dispositions: tuple[str, ...]
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MinuteCount:
    """How many events of a kind fell into one minute; `at` is its beginning."""

    at: float
    kind: str
    number: int
