"""A small house behind the front door: what app.py injects, in forms that a test can look into. Custody is a list here,
so that a test sees what was handed over; `test_custody.py` has the real one."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.facts.connection import ClientFact, DnsblFact, NetworkFact, SenderDomain
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import NOT_ASKED, Known, Outcome
from gateway.inbound.admission.certificates import Contexts, nobody_asks
from gateway.inbound.ports import AuthFailure, Door, Judged, Ports, Principal, Validity
from gateway.inbound.server import FrontDoor, Listener
from gateway.mail.address import Address, ReversePath, path_text
from gateway.mail.envelope import Envelope
from gateway.mail.message import Message, Octets
from gateway.policy.policy import Bans, CertificateDemand, RateLimit
from gateway.policy.verdict import Disposition, Reason, RuleRef, Verdict, VerdictClass, merge
from gateway.queue.changed import Changed
from gateway.queue.records import Acceptance, Refusal
from gateway.settings import Limits, Listen, Settings

PATIENCE = 180.0
"""Seconds until what does not happen is a failure."""

NOW = 1_800_000_000.0


# ---------------------------------------------------------------- policy


@dataclass(frozen=True)
class PlainLimits:
    size: int | None = None
    recipients: int | None = None
    connections: int | None = None
    network_connections: int | None = None
    rates: tuple[RateLimit, ...] = ()
    normalises: bool = False


@dataclass(frozen=True)
class PlainGroup:
    id: str = "everyone"
    reject: str = ""
    limits: PlainLimits = PlainLimits()
    place: str = "default.yaml:1"
    patience: float = 0.0
    requires_tls: bool = False
    banner: str = ""
    certificate: CertificateDemand | None = None


@dataclass(frozen=True)
class PlainEntry:
    route: str = "mailbox"
    on_unknown: str = "defer"
    aliases: Mapping[str, str] = field(default_factory=dict)
    catch_all: str = ""
    place: str = "default.yaml:2"
    size: int | None = None
    on_full: str = "defer"


@dataclass(frozen=True)
class PlainPolicy:
    """`groups` are by client address; `routes` by domain."""

    groups: Mapping[str, PlainGroup] = field(default_factory=dict)
    everyone: PlainGroup = PlainGroup()
    routes: Mapping[str, str] = field(
        default_factory=lambda: {"example.net": "mailbox", "xn--bcher-kva.example": "mailbox"}
    )
    entry: PlainEntry = PlainEntry()
    bans: Bans = field(default_factory=Bans)
    asks_about_the_past: bool = True
    asks_about_sender_domain: bool = False
    counts_connections_of_networks: bool = False

    def group_for(self, client: ClientFact, now: float, *, mail_from: str | None = None) -> PlainGroup:
        return self.groups.get(client.ip, self.everyone)

    def certificate_demand(self, client: ClientFact, now: float) -> CertificateDemand | None:
        return self.group_for(client, now).certificate

    def recipient_entry(self, address: str) -> PlainEntry | None:
        route = self.routes.get(address.rpartition("@")[2].lower())
        return None if route is None else replace(self.entry, route=route)


# ---------------------------------------------------------------- people and recipients


class Directory:
    """Who exists at example.net, and who may sign in."""

    known = frozenset({"u", "v", "w", "postmaster", "ü"})

    async def validate(self, address: Address, entry: PlainEntry, *, size: int | None = None) -> Validity:
        match address.local.lower().partition("+")[0]:
            case "full":
                return Validity.FULL
            case "doubt":
                return Validity.CANNOT_TELL
            case "broken":
                raise ConnectionRefusedError("/etc/secret: no directory")
            case name if name in self.known or name.startswith("many"):
                return Validity.KNOWN
        return Validity.UNKNOWN

    async def authenticate(self, *, login: str, password: str, client_ip: str) -> Principal | AuthFailure:
        if login == "nobody-knows":
            return AuthFailure.UNAVAILABLE
        if (login, password) != ("alice", "correct horse"):
            return AuthFailure.WRONG
        return Principal("alice", frozenset({"alice@example.net", "@alice.example"}))


@dataclass
class Inquiry:
    reverse: Outcome[str] = NOT_ASKED
    listed: Outcome[DnsblFact] = NOT_ASKED
    senders: Mapping[str, Outcome[SenderDomain]] = field(
        default_factory=lambda: {
            "null.example": Known(SenderDomain.NULL_MX),
            "nowhere.example": Known(SenderDomain.NO_SUCH_DOMAIN),
        }
    )
    delay: float = 0.0
    expected: list[tuple[str, ReversePath]] = field(default_factory=list)

    async def reverse_name(self, ip: str) -> Outcome[str]:
        await asyncio.sleep(self.delay)
        return self.reverse

    async def dnsbl(self, ip: str) -> Outcome[DnsblFact]:
        await asyncio.sleep(self.delay)
        return self.listed

    async def sender_domain(self, domain: str) -> Outcome[SenderDomain]:
        await asyncio.sleep(self.delay)
        return self.senders.get(domain, Known(SenderDomain.TAKES_MAIL))

    def expect(self, client: ClientFact, sender: ReversePath) -> None:
        self.expected.append((client.ip, sender))

    def network(self, ip: str) -> Outcome[NetworkFact]:
        return NOT_ASKED

    def country(self, ip: str) -> Outcome[str]:
        return NOT_ASKED


# ---------------------------------------------------------------- judgement and custody

DELIVER = Verdict(Disposition.DELIVER, VerdictClass.CLEAN, None)
HOLD = Verdict(Disposition.QUARANTINE, VerdictClass.SPAM, RuleRef("spam-hold", "default.yaml", 9), quarantine="spam")
REJECT = Verdict(
    Disposition.REJECT,
    VerdictClass.SPAM,
    RuleRef("spam-reject", "default.yaml", 7),
    (Reason("SPAM", "score 12"),),
    reply="spam",
)
DEFER = Verdict(Disposition.DEFER, VerdictClass.CLEAN, RuleRef("doubt", "default.yaml", 3), reply="deferred")


@dataclass
class Bench:
    """Judges by the local part of each recipient, or as `verdicts` says."""

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    error: Exception | None = None
    gate: asyncio.Event | None = None
    seen: list[tuple[Message, Envelope, ClientFact]] = field(default_factory=list)

    async def __call__(
        self, message: Message, *, envelope: Envelope, client: ClientFact, received_at: float, message_id: int
    ) -> Judged:
        self.seen.append((message, envelope, client))
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        names = [str(recipient.address) for recipient in envelope.recipients]
        return Judged(
            evidence=Evidence(
                received_at=received_at,
                direction=envelope.direction.value,
                client=client,
                reverse_path=path_text(envelope.reverse_path),
                recipients=tuple(names),
                message=MessageFact(size=message.size, subject="t"),
            ),
            settlement=merge([(name, self.verdicts.get(name, DELIVER)) for name in names]),
            prefix=b"Received: from us\r\n",
            cuts=(),
            policy_version="v1",
            retention={"spam": 100.0},
        )


class Sink:
    """The octets of one DATA; `shelf` notices what becomes of it."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._octets = bytearray()
        self.discarded = False
        shelf.open_sinks.append(self)

    def write(self, chunk: bytes | memoryview) -> None:
        if self._shelf.disk_error is not None:
            raise self._shelf.disk_error
        self._octets += chunk

    def finish(self) -> Octets:
        return bytes(self._octets)

    def discard(self) -> None:
        self.discarded = True
        if self in self._shelf.open_sinks:
            self._shelf.open_sinks.remove(self)


@dataclass
class Shelf:
    """Custody in memory."""

    accepted: list[tuple[Acceptance, bytes]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    open_sinks: list[Sink] = field(default_factory=list)
    ready: tuple[bool, str] = (True, "")
    disk_error: OSError | None = None
    accept_error: Exception | None = None
    gate: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    last_id: int = 0

    def incoming(self) -> Sink:
        return Sink(self)

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    async def accept(
        self,
        acceptance: Acceptance,
        incoming: Sink,
        *,
        message_id: int | None = None,
        changed: tuple[Changed, ...] = (),
    ) -> int:
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        assert not incoming.discarded
        self.open_sinks.remove(incoming)
        if self.accept_error is not None:
            raise self.accept_error
        self.accepted.append((acceptance, bytes(incoming.finish())))
        self.accepted += [(each.acceptance, each.octets) for each in changed]
        assert message_id is not None
        return message_id

    async def record_refusal(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)

    def readiness(self) -> tuple[bool, str]:
        return self.ready


# ---------------------------------------------------------------- the house


@dataclass
class House:
    """A running front door with one listener for each kind of door."""

    front: FrontDoor
    ports: dict[Door, int]
    shelf: Shelf
    bench: Bench
    inquiry: Inquiry
    policy: PlainPolicy
    clock: FixedClock
    counters: Counters = None  # type: ignore[assignment]
    folder: Path = Path()
    naps: list[float] = field(default_factory=list)
    is_behind_balancer: bool = False

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)

    @property
    def port(self) -> int:
        return self.ports[Door.MX]

    async def is_left(self) -> None:
        """Wait until nobody is connected any more."""
        async with asyncio.timeout(PATIENCE):
            while self.front.connections:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def open_house(
    *,
    limits: dict[str, object] | None = None,
    policy: PlainPolicy | None = None,
    inquiry: Inquiry | None = None,
    tls: ssl.SSLContext | None = None,
    scan_patience: float = 30.0,
    edit: Callable[[Ports], Ports] = lambda ports: ports,
    shelf: Shelf | None = None,
    trusted: tuple[str, ...] = (),
    folder: Path | None = None,
    processes: int = 1,
    listen: dict[str, object] | None = None,
    asking: Contexts = nobody_asks,
) -> AsyncIterator[House]:
    """A front door on free loopback ports. What is in `House` may be changed while it runs."""
    shelf, bench, clock = shelf or Shelf(), Bench(), FixedClock(NOW)
    inquiry, people = inquiry or Inquiry(), Directory()
    doors = (Door.MX, Door.SUBMISSION, Door.SUBMISSIONS) if tls else (Door.MX,)
    listeners = [Listener(door, socket.create_server(("127.0.0.1", 0))) for door in doors]
    opened = House(
        front=None,  # type: ignore[arg-type]
        ports={listener.door: listener.socket.getsockname()[1] for listener in listeners},
        shelf=shelf,
        bench=bench,
        inquiry=inquiry,
        policy=policy or PlainPolicy(),
        clock=clock,
        is_behind_balancer="proxy_networks" in (listen or {}),
    )
    own_folder = tempfile.TemporaryDirectory(prefix="postern-counters-")
    opened.folder = folder or Path(own_folder.name)
    counters = opened.counters = Counters.open(opened.folder, clock=clock, processes=processes)
    ports = Ports(
        custody=shelf,
        judge=bench,
        validation=people,
        authentication=people,
        inquiry=inquiry,
        current_policy=lambda: opened.policy,
        counters=counters,
        clock=clock,
    )
    settings = Settings(
        hostname="mx.example.net",
        domain="example.net",
        trusted=list(trusted),
        limits=Limits.model_validate(limits or {}),
        listen=Listen.model_validate(listen or {}),
    )
    opened.front = FrontDoor(
        listeners,
        ports=edit(ports),
        settings=settings,
        tls_context=tls,
        scan_patience=scan_patience,
        sleep=opened.sleep,
        asking=asking,
    )
    await opened.front.start()
    try:
        yield opened
    finally:
        await opened.front.drain(0.2)
        await counters.close()
        own_folder.cleanup()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for loopback, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.example.net")])
    today = datetime.fromtimestamp(time.time(), UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    certificate_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def client_context() -> ssl.SSLContext:
    """A client that takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without the authorities, which take long to load
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
