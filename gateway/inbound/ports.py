"""What the front door needs from the rest of the house, as small protocols and frozen records: judge, recipient
validation, authentication, questions about the client, and the policy in force; custody and counters are rooms
below. No behaviour beyond predicates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Protocol

from gateway.clock import Clock
from gateway.counters.counters import Counters
from gateway.facts.connection import ClientFact, DnsblFact, NetworkFact, SenderDomain
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import NOT_ASKED, Outcome
from gateway.inbound.refused import Refused
from gateway.mail.address import Address, ReversePath
from gateway.mail.envelope import Envelope
from gateway.mail.message import Message
from gateway.policy.policy import Bans, CertificateDemand, Greylisting, RateLimit, Strangers
from gateway.policy.verdict import Settlement
from gateway.queue.custody import Custody

# ---------------------------------------------------------------- the policy in force


class GroupLimits(Protocol):
    """What clients of one group may do. None: the general limit of the settings holds."""

    @property
    def size(self) -> int | None:
        """Octets of one message."""

    @property
    def recipients(self) -> int | None:
        """Recipients of one transaction."""

    @property
    def connections(self) -> int | None:
        """Connections of one client address to this machine."""

    @property
    def network_connections(self) -> int | None:
        """Connections of one network to this machine. None: any number."""

    @property
    def rates(self) -> Sequence[RateLimit]:
        """How much they may do in which time."""

    @property
    def normalises(self) -> bool:
        """Whether a bare CR or LF in their data is made a line end, instead of being refused."""


class Group(Protocol):
    """A sender group: the first whose condition holds for the client."""

    @property
    def id(self) -> str:
        """Its name in the policy."""

    @property
    def reject(self) -> str:
        """Empty, or the name of the reply (`mail.replies.BY_NAME`) with which its clients are refused."""

    @property
    def limits(self) -> GroupLimits:
        """What its clients may do."""

    @property
    def patience(self) -> float:
        """Seconds for which a client that nobody knows has to wait for its greeting."""

    @property
    def strangers(self) -> Strangers:
        """Which senders that nobody knows have to come back."""

    @property
    def requires_tls(self) -> bool:
        """Whether its clients must encrypt before MAIL."""

    @property
    def certificate(self) -> CertificateDemand | None:
        """What its clients have to prove who they are with before MAIL."""

    @property
    def banner(self) -> str:
        """What they read after our name in the greeting; empty: the usual."""

    @property
    def place(self) -> str:
        """Where it is written."""


class RecipientEntry(Protocol):
    """What the policy says about a recipient that is ours."""

    @property
    def route(self) -> str:
        """`mailbox`, `lmtp://...`, `lmtp+unix:...`, `smtp://...` or `mx`."""

    @property
    def on_unknown(self) -> str:
        """`defer`, `accept` or `last_known`: what to do when it cannot be told whether the recipient exists."""

    @property
    def aliases(self) -> Mapping[str, str]:
        """Addresses that stand for another one, both as `Address.key`."""

    @property
    def catch_all(self) -> str:
        """Who gets mail to addresses that do not exist; empty: nobody."""

    @property
    def size(self) -> int | None:
        """Octets of the largest message for it; None: whatever the client's group may send."""

    @property
    def on_full(self) -> str:
        """`defer` or `reject`: what to answer while the mailbox is full."""

    @property
    def place(self) -> str:
        """Where it is written."""


class PolicyInForce(Protocol):
    """The part of the policy that the front door reads. Satisfied by `gateway.policy.policy.Policy`."""

    def group_for(self, client: ClientFact, now: float, *, mail_from: str | None = None) -> Group:
        """The client's sender group. `mail_from` is None until MAIL was said, empty for the null reverse-path."""

    def recipient_entry(self, address: str) -> RecipientEntry | None:
        """What is said about a recipient; None: not ours, and so nothing is relayed there."""

    def certificate_demand(self, client: ClientFact, now: float) -> CertificateDemand | None:
        """What a handshake with that client has to ask for."""

    @property
    def asks_about_the_past(self) -> bool:
        """Whether any of its groups depends on what a client did before."""

    @property
    def asks_about_sender_domain(self) -> bool:
        """Whether any of its groups depends on what the DNS says of the domain in MAIL FROM."""

    @property
    def counts_connections_of_networks(self) -> bool:
        """Whether any of its groups limits them."""

    @property
    def bans(self) -> Bans:
        """Who is shut out by itself."""

    @property
    def greylisting(self) -> Greylisting:
        """When those pass who were asked to come back."""


# ---------------------------------------------------------------- questions about clients, users and recipients


class ClientInquiry(Protocol):
    """Asks the world who a client is. Never raises; the answers are facts."""

    async def reverse_name(self, ip: str) -> Outcome[str]:
        """The PTR name if it resolves back to the address, else empty (RFC 8601 section 2.7.3, iprev)."""

    async def dnsbl(self, ip: str) -> Outcome[DnsblFact]:
        """What the block lists of the policy say."""

    async def sender_domain(self, domain: str) -> Outcome[SenderDomain]:
        """Whether an answer to a sender of the domain could be delivered."""

    def expect(self, client: ClientFact, sender: ReversePath) -> None:
        """Mail of this sender is under way: what its checks will ask the DNS may be asked now. Returns at once."""

    def network(self, ip: str) -> Outcome[NetworkFact]:
        """Which autonomous system the client is in. Out of memory: nobody is asked."""

    def country(self, ip: str) -> Outcome[str]:
        """Which country it is in; the same."""


class Validity(Enum):
    """Whether a recipient that is ours exists."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    FULL = "full"
    CANNOT_TELL = "cannot tell"


class RecipientValidation(Protocol):
    """Says whether a recipient exists. Sub-addressing (`user+detail`) is its business."""

    async def validate(self, address: Address, entry: RecipientEntry, *, size: int | None = None) -> Validity:
        """May take its time, but not longer than the client's patience; raising counts as CANNOT_TELL. `size` is what
        MAIL declared, in octets: a mailbox that has no room for it is full."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who signed in. `addresses` are keys (`Address.key`) that may stand in MAIL FROM; `@domain` allows a domain."""

    user: str
    addresses: frozenset[str]

    def may_send_as(self, path: ReversePath) -> bool:
        """Sender-login match. The null reverse-path is nobody's: auto-replies need it (RFC 3834 section 3.3)."""
        return path is None or path.key in self.addresses or f"@{path.domain}" in self.addresses


class AuthFailure(Enum):
    """Why nobody signed in."""

    WRONG = "wrong"
    UNAVAILABLE = "unavailable"


class Authentication(Protocol):
    """Checks a password. Throttling of guesses is its business; it never logs the password."""

    async def authenticate(self, *, login: str, password: str, client_ip: str) -> Principal | AuthFailure:
        """Who it is, or why not."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom mail for an address of ours is for. `later` refuses it once its data have come."""

    address: Address
    later: Refused | None = None


class Returns(Protocol):
    """Knows the addresses that we ourselves wrote into reverse-paths (SRS, BATV)."""

    def whom(self, address: Address, *, client: ClientFact, reverse_path: ReversePath) -> Meant | Refused:
        """Whom mail for an address of ours is for, or why it is refused at once."""


class NoReturns:
    """Stands where we write none."""

    def whom(self, address: Address, *, client: ClientFact, reverse_path: ReversePath) -> Meant | Refused:
        """The address itself."""
        return Meant(address)


class NextHopInquiry(Protocol):
    """Knows what the next hop of a destination can take (RFC 6531 section 3.2). Never raises, and answers in time."""

    async def takes_utf8_address(self, destination: str) -> Outcome[bool]:
        """Whether addresses beyond ASCII can go there."""

    async def takes_utf8_header(self, destination: str) -> Outcome[bool]:
        """Whether header fields beyond ASCII can."""


class NobodyAsksAhead:
    """Stands where next hops are asked by couriers alone."""

    async def takes_utf8_address(self, destination: str) -> Outcome[bool]:
        """Nobody knows."""
        return NOT_ASKED

    async def takes_utf8_header(self, destination: str) -> Outcome[bool]:
        """Nobody knows."""
        return NOT_ASKED


class Greylist(Protocol):
    """Who has to come back (RFC 6647), asked at RCPT about clients that did not sign in."""

    async def must_come_back(
        self, client: ClientFact, *, reverse_path: ReversePath, recipient: Address, policy: PolicyInForce, group: Group
    ) -> str:
        """Why it must, for the record; empty: it may go on. Never raises."""


class NoGreylist:
    """Stands where nobody is asked to come back."""

    async def must_come_back(
        self, client: ClientFact, *, reverse_path: ReversePath, recipient: Address, policy: PolicyInForce, group: Group
    ) -> str:
        """Nobody."""
        return ""


# ---------------------------------------------------------------- judgement


@dataclass(frozen=True, slots=True)
class InItsPlace:
    """What some recipients get in place of a message that is held for them as it came.

    `message_id` is its own; `recipients` are named as in the verdicts; `octets` are the changed ones, and `evidence`
    speaks of these. `prefix` and `cuts` are as in `Judged`. `told` is for the story of both: small and serialisable.
    """

    message_id: int
    recipients: tuple[str, ...]
    octets: bytes = field(repr=False)
    prefix: bytes
    cuts: tuple[tuple[int, int], ...]
    evidence: Evidence
    told: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the house knows and decided about one message.

    `settlement.verdicts` names recipients as `evidence.recipients` does, which is `str(address)` of the envelope's.
    `prefix` are the header fields that we add, with CRLF line ends; `cuts` are the ranges of forged fields that are
    left out on delivery. `retention` says for each quarantine class how many seconds a copy is held. `routes` holds the
    destination of recipients (by the same text) that a rule sends elsewhere than their recipient entry says.
    `own_fields` are header fields, by recipient too, that stand above the prefix of that one copy. `in_its_place` has
    one entry for each changed form of the message; every recipient whose verdict has a `stripping` is in one of them.
    """

    evidence: Evidence
    settlement: Settlement
    prefix: bytes
    cuts: tuple[tuple[int, int], ...]
    policy_version: str
    retention: Mapping[str, float]
    routes: Mapping[str, str] = field(default_factory=dict)
    own_fields: Mapping[str, bytes] = field(default_factory=dict)
    in_its_place: tuple[InItsPlace, ...] = ()


class Judge(Protocol):
    """Scans, decides and stamps. Raising is a local error: the client is asked to come again."""

    async def __call__(
        self, message: Message, *, envelope: Envelope, client: ClientFact, received_at: float, message_id: int
    ) -> Judged:
        """`received_at` is seconds since the epoch; `message_id` is the id that custody will know the message by."""


# ---------------------------------------------------------------- all of it


class Door(StrEnum):
    """What a listening socket is for."""

    MX = "mx"
    SUBMISSION = "submission"
    SUBMISSIONS = "submissions"

    @property
    def is_submission(self) -> bool:
        """Whether users sign in here (RFC 6409); other doors take mail for our recipients from anybody."""
        return self is not Door.MX


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that is injected. `current_policy` is asked anew for every transaction, so a reload is seen."""

    custody: Custody
    judge: Judge
    validation: RecipientValidation
    authentication: Authentication
    inquiry: ClientInquiry
    current_policy: Callable[[], PolicyInForce]
    counters: Counters
    clock: Clock
    greylist: Greylist = field(default_factory=NoGreylist)
    returns: Returns = field(default_factory=NoReturns)
    next_hops: NextHopInquiry = field(default_factory=NobodyAsksAhead)
