"""A policy that runs: compiled, frozen, and safe to share. Made by `parse.py`, asked by `decide.py` and the front door.

Never reads a file, never changes: a new policy is a new object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.facts.connection import CertificateFact, ClientFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.policy.conditions.cel import TRUE, Answer, Condition, Truth, facts_of
from gateway.policy.conditions.vocabulary import MAIL_FROM, VARIABLES, Case, domain_of
from gateway.policy.lists import EntryList, Lists
from gateway.policy.quantities import Rate
from gateway.policy.verdict import Disposition, Keeping, RuleRef, VerdictClass


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule does. `disposition` is None for a rule that only adds header fields or a class, and does not end the
    matter; `reply`, `quarantine`, `keeping` and `rescan_after` are as in `Verdict`. `greylists`: it holds for those
    alone who have to wait. `strips` are the words for the parts that are taken out; it holds for messages alone that
    have such parts, and `quarantine` is then the class for one that cannot be changed."""

    disposition: Disposition | None
    verdict_class: VerdictClass = VerdictClass.CLEAN
    reply: str = ""
    quarantine: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    greylists: bool = False
    keeping: Keeping = Keeping.REVIEW
    rescan_after: float = 0.0
    strips: tuple[str, ...] = ()


def rescan_after(seconds: float) -> Effect:
    """Keep it, and look for malware again after so many seconds."""
    return Effect(
        Disposition.QUARANTINE,
        VerdictClass.POLICY,
        quarantine="unscannable",
        keeping=Keeping.RESCAN,
        rescan_after=seconds,
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `condition` is None where it always matches; `recipients` are patterns, empty for all; `patience` are
    the seconds for which a malware engine may be away until doubt means what `on_unknown` says, and until then it
    defers; `override` is what reports call it when less is done than DMARC asks for (RFC 9990), empty where it says
    nothing of that."""

    ref: RuleRef
    description: str
    condition: Condition | None
    effect: Effect
    recipients: tuple[str, ...] = ()
    direction: str = "inbound"
    on_unknown: str = "defer"
    patience: float = 0.0
    override: str = ""

    def concerns(self, *, direction: str, recipient: str) -> bool:
        """Whether the rule is about mail of this direction for this recipient (in lower case)."""
        if self.direction not in ("any", direction):
            return False
        return not self.recipients or any(_matches(each, recipient) for each in self.recipients)


def _matches(pattern: str, recipient: str) -> bool:
    """`alice@example.org`, `*@example.org`, `*@*.example.org`: no other form gets through the schema."""
    if pattern.startswith("*@*."):
        return domain_of(recipient).endswith(pattern[3:])
    return domain_of(recipient) == pattern[2:] if pattern.startswith("*@") else recipient == pattern


class Whose(StrEnum):
    """Whose doings a rate counts."""

    CLIENT = "client"
    NETWORK = "network"
    SENDER_DOMAIN = "sender_domain"
    RECIPIENT = "recipient"


class Doing(StrEnum):
    """What a rate counts."""

    CONNECTIONS = "connections"
    MESSAGES = "messages"
    RECIPIENTS = "recipients"
    ERRORS = "errors"
    UNKNOWN_RECIPIENTS = "unknown_recipients"
    FAILED_SIGN_INS = "failed_sign_ins"
    EARLY_TALKS = "early_talks"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """No more than `rate` of that. `place` is where it is written."""

    whose: Whose
    doing: Doing
    rate: Rate
    place: str = ""

    def __str__(self) -> str:
        return f"{self.whose.replace('_', ' ')}: {self.doing.replace('_', ' ')} {self.rate}"


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients of a group may do. None: as the settings say. `size` is in octets; `normalises` says that bare CRs
    and LFs in their data are made line ends instead of being refused."""

    size: int | None = None
    recipients: int | None = None
    connections: int | None = None
    network_connections: int | None = None
    rates: tuple[RateLimit, ...] = ()
    normalises: bool = False


class Strangers(StrEnum):
    """Which senders of a group have to come back once, at RCPT."""

    WELCOME = ""
    HAVE_TO_COME_BACK = "rcpt"
    HAVE_TO_COME_BACK_UNPROVEN = "unproven"
    """Those whom SPF does not vouch for."""


@dataclass(frozen=True, slots=True)
class CertificateDemand:
    """Which certificates of clients are good: issued by (or being one of) those in the file `authorities`, with one of
    `names` where there are any, and with one of `fingerprints` (SHA-256, small hexadecimal digits) where there are
    any."""

    authorities: str
    names: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()

    def is_met_by(self, shown: CertificateFact) -> bool:
        """Whether that certificate was verified for this demand, and is one of those that are wanted."""
        return (
            shown.authorities == self.authorities
            and bool(shown.fingerprint)
            and (not self.names or not self.names.isdisjoint(shown.names))
            and (not self.fingerprints or shown.fingerprint in self.fingerprints)
        )


@dataclass(frozen=True, slots=True)
class Group:
    """A sender group. `reject` names the reply with which its clients are refused, or is empty; `banner` is what stands
    after our name in their greeting, empty for the usual; `patience` are the seconds for which a client that nobody
    knows has to wait for its greeting; `certificate` is what its clients have to prove who they are with."""

    ref: RuleRef
    condition: Condition | None = None
    reject: str = ""
    limits: Limits = Limits()
    strangers: Strangers = Strangers.WELCOME
    patience: float = 0.0
    requires_tls: bool = False
    banner: str = ""
    certificate: CertificateDemand | None = None

    @property
    def id(self) -> str:
        """Its name."""
        return self.ref.id

    @property
    def place(self) -> str:
        """Where it is written."""
        return f"{self.ref.file}:{self.ref.line}" if self.ref.file else ""


@dataclass(frozen=True, slots=True)
class LdapSource:
    """An LDAP directory. `servers` are URLs, asked in this order; `authorities` is a file, empty for the system's;
    without `bind` we are nobody. The secret is never here: only the name of the file or variable that holds it."""

    servers: tuple[str, ...]
    base: str
    filter: str = "(mail={address})"
    encrypted: bool = True
    authorities: str = ""
    bind: str = ""
    secret_file: str = ""
    secret_environment: str = ""

    def __str__(self) -> str:
        return f"{' '.join(self.servers)} {self.base} {self.filter}"


@dataclass(frozen=True, slots=True)
class RecipientEntry:
    """What is said about one domain or address (`name`). `validate` is mailbox, static, file, http, ldap, callahead or
    none; `on_unknown` (defer, accept or last_known) holds when that cannot be told, `on_full` (defer or reject) when
    the mailbox is full. `addresses`, `aliases` and `catch_all` are keys (`Address.key`); `source` is the path or
    address of the service that knows; `size` is in octets, None for whatever the client's group may send."""

    name: str
    route: str
    validate: str = "none"
    addresses: frozenset[str] = frozenset()
    on_unknown: str = "defer"
    source: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    catch_all: str = ""
    place: str = ""
    ldap: LdapSource | None = None
    size: int | None = None
    on_full: str = "defer"


@dataclass(frozen=True, slots=True)
class DnsblZone:
    """A DNS list (RFC 5782): an answer within `answers` (addresses or networks of 127/8) adds `weight`."""

    zone: str
    weight: float = 1.0
    answers: tuple[str, ...] = ("127.0.0.0/24",)
    place: str = ""


class Sending(StrEnum):
    """What of a message the malware engine is sent."""

    MESSAGE = "message"
    LEAVES = "leaves"
    RISKY = "risky"


@dataclass(frozen=True, slots=True)
class LinkList:
    """A block list of links: a DNS `zone`, whose answers within `answers` are listings, or a `feed` (a path), which is
    believed while it is no older than `fresh` seconds."""

    zone: str = ""
    feed: str = ""
    weight: float = 1.0
    answers: tuple[str, ...] = ("127.0.0.0/16",)
    fresh: float = 86400.0

    @property
    def name(self) -> str:
        """Its zone or path."""
        return self.zone or self.feed


@dataclass(frozen=True, slots=True)
class Following:
    """How far shortened links are followed: so many of a message, over so many shorteners each, all in `seconds`."""

    hops: int = 5
    seconds: float = 3.0
    links: int = 5


@dataclass(frozen=True, slots=True)
class Scanning:
    """What the policy says about looking at mail: how the malware engine is used, the block lists of links, and whether
    shortened links are followed (None: they are not). `wait` is for how many seconds mail may stand unscanned until a
    person has to look; `look_back` for how many seconds delivered mail is scanned again with newer signatures."""

    send: Sending = Sending.RISKY
    wait: float = 86400.0
    look_back: float = 3 * 86400.0
    link_lists: tuple[LinkList, ...] = ()
    shorteners: Following | None = None


@dataclass(frozen=True, slots=True)
class Bans:
    """Who is shut out by itself, for so many seconds; `never` holds networks that never are."""

    seconds: float = 3600.0
    rates: tuple[RateLimit, ...] = ()
    never: EntryList = field(default_factory=lambda: EntryList(()), repr=False)


@dataclass(frozen=True, slots=True)
class Greylisting:
    """When those pass who were asked to come back, in seconds."""

    delay: float = 180.0
    window: float = 2 * 86400.0
    memory: float = 36 * 86400.0


EVERYONE = Group(RuleRef("everyone", "", 0))
"""The group of a policy that has none."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A whole policy. `version` is a hash of what was written (12 hexadecimal digits); `recipients` is by domain or
    address; `retention` is in seconds by quarantine class; `variables` are all that its rules read."""

    version: str
    groups: tuple[Group, ...]
    recipients: Mapping[str, RecipientEntry]
    rules: tuple[Rule, ...]
    default: Effect
    lists: Lists = field(repr=False)
    dnsbl: tuple[DnsblZone, ...]
    trusted_sealers: frozenset[str]
    retention: Mapping[str, float]
    variables: frozenset[str] = field(repr=False)
    bans: Bans = Bans()
    greylisting: Greylisting = Greylisting()
    scanning: Scanning = Scanning()

    @property
    def greylists(self) -> bool:
        """Whether any of its rules asks senders to come back."""
        return any(rule.effect.greylists for rule in self.rules)

    @property
    def asks_about_the_past(self) -> bool:
        """Whether any of its groups depends on what a client did before."""
        return "past" in _checks_of(self._read_by_groups)

    @property
    def asks_about_origin(self) -> frozenset[str]:
        """Which of `asn` and `country` any of its groups or rules depends on."""
        return _checks_of(self.variables | self._read_by_groups) & {"asn", "country"}

    @property
    def asks_about_sender_domain(self) -> bool:
        """Whether any of its groups depends on what the DNS says of the domain in MAIL FROM."""
        return "sender_domain" in _checks_of(self._read_by_groups)

    @property
    def counts_connections_of_networks(self) -> bool:
        """Whether any of its groups limits how many connections a network has at a time."""
        return any(group.limits.network_connections is not None for group in self.groups)

    @property
    def _read_by_groups(self) -> frozenset[str]:
        return frozenset(name for group in self.groups if group.condition for name in group.condition.names)

    def certificate_demand(self, client: ClientFact, now: float) -> CertificateDemand | None:
        """What a handshake with that client has to ask for: by its group, or by one above it that may be its own once
        MAIL was said."""
        if not any(group.certificate for group in self.groups):
            return None
        for group, truth in self.groups_looked_at(client, now):
            waits_for_mail = truth.answer is Answer.UNKNOWN and not MAIL_FROM.isdisjoint(truth.missing)
            if group.certificate is not None and (waits_for_mail or truth.answer is Answer.TRUE):
                return group.certificate
        return None

    def recipient_entry(self, address: str) -> RecipientEntry | None:
        """What is said about that address, its own entry before its domain's. None: not ours, so nothing is relayed."""
        if "@" not in address:
            return None
        return self.recipients.get(address.lower()) or self.recipients.get(domain_of(address))

    def group_for(self, client: ClientFact, now: float, *, mail_from: str | None = None) -> Group:
        """The client's group: the first whose condition is true. `mail_from` is None until MAIL was said."""
        looks = self.groups_looked_at(client, now, mail_from=mail_from)
        return next((group for group, truth in looks if truth.answer is Answer.TRUE), EVERYONE)

    def groups_looked_at(
        self, client: ClientFact, now: float, *, mail_from: str | None = None
    ) -> Iterator[tuple[Group, Truth]]:
        """Every group with its answer for the client, up to the first that is true."""
        evidence = Evidence(now, "inbound", client, mail_from or "", (), MessageFact(0))
        known = self._read_by_groups
        facts = facts_of(Case(evidence), known - MAIL_FROM if mail_from is None else known)
        for group in self.groups:
            truth = TRUE if group.condition is None else group.condition.ask(facts)
            yield group, truth
            if truth.answer is Answer.TRUE:
                return


def _checks_of(names: frozenset[str]) -> frozenset[str]:
    """The checks on which these variables depend; `unknown.CHECK` asks for its check, too."""
    return frozenset(VARIABLES[name].check or name.removeprefix("unknown.") for name in names)
