"""Held mail for tests: put into a real custody as the front door would, with facts as the checks would record them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.facts.auth import ArcFact, Auth, DkimFact, DkimSignatureFact, DmarcFact, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact, DnsblFact
from gateway.facts.content import (
    AuthorFact,
    ContentFact,
    LinkFact,
    MailClass,
    MalwareFact,
    MalwareResult,
    PartFact,
    Signal,
    SpamFact,
)
from gateway.facts.evidence import Evidence, MessageFact, Timing
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail.address import Address
from gateway.mail.envelope import Envelope, Recipient
from gateway.queue.changed import Changed
from gateway.queue.custody import Custody
from gateway.queue.records import Acceptance, HeldItem, HeldQuery, Judgement, Listing, NewRecipient
from gateway.queue.states import State

HTML = (
    "<p>Dear colleague,</p><p>please process the attached order <b>today</b>."
    ' <a href="http://evil.example/pay">Pay here</a></p>'
)


@dataclass(frozen=True)
class Letter:
    """A message to hold. `age` is in seconds before now; `keeps` how long it is held."""

    subject: str = "Urgent transfer"
    author_name: str = "CEO Name"
    author_address: str = "ceo@examp1e.com"
    reverse_path: str = "bounce@mailer.example"
    recipients: tuple[str, ...] = ("bob@example.org",)
    verdict_class: str = "phishing"
    quarantine: str = "phishing"
    lost: Mapping[str, object] = field(default_factory=dict)
    rule: str = "lookalike-hold"
    reasons: tuple[tuple[str, str], ...] = (("LOOKALIKE_DOMAIN", "looks like example.com"),)
    text: str = "Dear colleague,\n\nplease process the attached order today.\n\nPay here: http://evil.example/pay\n"
    html: str | None = HTML
    score: float | None = 14.2
    file_name: str = ""
    malware: Outcome[MalwareFact] = field(
        default_factory=lambda: Known(MalwareFact(MalwareResult.CLEAN, engine="clamav", signatures="daily 27461"))
    )
    links: tuple[LinkFact, ...] = (LinkFact("http://evil.example/pay", "Pay here", "evil.example"),)
    signals: tuple[Signal, ...] = (
        Signal("link.text_differs", 3.1, "Pay here ⟶ evil.example"),
        Signal("word.urgent", 1.7, "Urgent transfer"),
        Signal("auth.no_dkim", 0.9),
        Signal("list.known_recipient", -0.6, "3 earlier messages"),
    )
    client_ip: str = "192.0.2.14"
    helo: str = "out14.mailer.example"
    age: float = 600.0
    keeps: float | None = 29 * 86400.0
    extra_header: str = ""


def octets_of(letter: Letter) -> bytes:
    """The message as it would have come over the wire."""
    head = (
        f"From: {letter.author_name} <{letter.author_address}>\n"
        f"To: {letter.recipients[0]}\nSubject: {letter.subject}\n"
        f"Message-ID: <1@mailer.example>\nMIME-Version: 1.0\n{letter.extra_header}"
    )
    body = f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{letter.text}\n"
    if letter.html is not None or letter.file_name:
        parts = [body]
        if letter.html is not None:
            parts.append(f"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{letter.html}\n")
        if letter.file_name:
            parts.append(
                "Content-Type: application/octet-stream\nContent-Disposition: attachment;"
                f' filename="{letter.file_name}"\n\noctets\n'
            )
        joined = "--=_b\n" + "--=_b\n".join(parts) + "--=_b--\n"
        body = f'Content-Type: multipart/mixed; boundary="=_b"\n\n{joined}'
    text = (head + body).replace("\r\n", "\n").replace("\r", " ").replace("\0", "")
    return text.replace("\n", "\r\n").encode("utf-8", "surrogatepass")


def evidence_of(letter: Letter, now: float) -> Evidence:
    """What the checks would have recorded."""
    author = AuthorFact(letter.author_name, letter.author_address, letter.author_address.rpartition("@")[2])
    parts = [
        PartFact("1", "", "multipart/mixed", "multipart/mixed", 2212, "a" * 64),
        PartFact("1.1", "", "text/plain", "text/plain", len(letter.text), "b" * 64),
        PartFact("1.2", "", "text/html", "text/html", len(letter.html or ""), "c" * 64),
    ]
    if letter.file_name:
        parts.append(PartFact("1.3", letter.file_name, "application/pdf", "application/vnd.ms-office", 48213, "d" * 64))
    score = letter.score or 0.0
    return Evidence(
        received_at=now - letter.age,
        direction="inbound",
        client=ClientFact(
            letter.client_ip,
            helo=letter.helo,
            reverse_name=Known("out14.mailer.example"),
            tls="TLSv1.3",
            dnsbl=Known(DnsblFact(0.0)),
        ),
        reverse_path=letter.reverse_path,
        recipients=letter.recipients,
        message=MessageFact(2212, "<1@mailer.example>", letter.subject, (author,), 1),
        spf=Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "mailer.example")),
        dkim=Known(DkimFact((DkimSignatureFact(Auth.FAIL, "examp1e.com", "s1", "rsa-sha256", reason="body changed"),))),
        arc=Known(ArcFact(Auth.NONE)),
        dmarc=Known(DmarcFact(Auth.FAIL, "examp1e.com", policy="none", record_domain="examp1e.com")),
        content=Known(
            ContentFact(tuple(parts), letter.links, letter.text[:200], ("header.date.missing",), (), ("en",))
        ),
        spam=Known(
            SpamFact(
                MailClass.PHISHING if letter.verdict_class == "phishing" else MailClass.SPAM,
                {"ham": 0.01, "spam": 0.09, "phishing": 0.9},
                score,
                letter.signals,
                "m17",
            )
        ),
        malware=letter.malware,
        timings=(Timing("anatomy", 31.2), Timing("clamav", 12.4), Timing("dmarc", 9.1), Timing("spf", 4.0)),
    )


async def hold(custody: Custody, letter: Letter, *, now: float) -> list[HeldItem]:
    """Accept a message into quarantine, for each of its recipients; the items as lists show them."""
    received_at = now - letter.age
    incoming = custody.incoming()
    incoming.write(octets_of(letter))
    judgement = Judgement("quarantine", letter.verdict_class, letter.rule, "policies/default.yaml", 57, letter.reasons)
    recipients = tuple(Recipient(Address.parse(each)) for each in letter.recipients)
    acceptance = Acceptance(
        received_at=received_at,
        envelope=Envelope(Address.parse(letter.reverse_path) if letter.reverse_path else None, recipients),
        client=ClientFact(letter.client_ip, helo=letter.helo),
        prefix=b"Received: by mx.example.org\r\n",
        cuts=(),
        evidence=evidence_of(letter, now).to_json(),
        policy_version="3f2a9c41",
        listing=Listing(
            letter.author_name,
            letter.author_address,
            letter.subject,
            " ".join(letter.text.split())[:200],
            "<1@mailer.example>",
            1 if letter.file_name else 0,
            letter.score,
        ),
        recipients=tuple(
            NewRecipient(
                each,
                State.HELD,
                "mailbox",
                judgement,
                letter.quarantine,
                None if letter.keeps is None else received_at + letter.keeps,
            )
            for each in recipients
        ),
    )
    going = tuple(replace(each, state=State.QUEUED, quarantine="") for each in acceptance.recipients)
    changed = Changed(custody.new_id(), replace(acceptance, recipients=going), b"Subject: less\r\n\r\n", letter.lost)
    message_id = await custody.accept(acceptance, incoming, changed=[changed] if letter.lost else [])
    items = await custody.held(HeldQuery(), after=None, limit=1000)
    return [item for item in reversed(items) if item.message_id == message_id]


PHISHING = Letter()
BULK = Letter(
    subject="50 % only today",
    author_name="Shop News",
    author_address="news@shop.example",
    reverse_path="news@shop.example",
    verdict_class="bulk",
    quarantine="spam",
    rule="bulk-hold",
    reasons=(("BULK_UNWANTED", "not opened for 6 months"),),
    text="Your voucher is waiting inside. Only today.",
    score=4.1,
    age=4000.0,
    keeps=7 * 86400.0,
)
UNSCANNABLE = Letter(
    subject="Scan_2026.zip",
    author_name="Anna Adams",
    author_address="a@b.example",
    reverse_path="a@b.example",
    recipients=("alice@example.org",),
    verdict_class="policy",
    quarantine="unscannable",
    rule="unscannable-hold",
    reasons=(("ARCHIVE_ENCRYPTED", "encrypted archive"),),
    text="See attached scan",
    html=None,
    score=None,
    file_name="Scan_2026.zip",
    malware=Unknown("clamd unreachable"),
    age=9000.0,
    keeps=14 * 86400.0,
)
MALWARE = Letter(
    subject="Invoice 20261121",
    author_name="Billing",
    author_address="billing@invoices.example",
    reverse_path="x7@sendmail.example",
    recipients=("alice@example.org", "bob@example.org"),
    verdict_class="malware",
    quarantine="malware",
    rule="malware-hold",
    reasons=(("MALWARE", "Win.Test.EICAR_HDB-1"),),
    text="Please find the invoice attached.",
    score=22.0,
    file_name="faktura\u202efdp.exe",
    malware=Known(MalwareFact(MalwareResult.FOUND, "Win.Test.EICAR_HDB-1", "clamav", "1.3", "daily 27461")),
    age=12000.0,
    keeps=90 * 86400.0,
)
PARCEL = replace(
    PHISHING,
    subject="Parcel waiting for you",
    author_name="Курьер",
    author_address="track@deliverу.example",
    reverse_path="track@deliver.example",
    recipients=("eve@example.org",),
    reasons=(("MIXED_SCRIPT", "mixed scripts in the domain"),),
    text="Pay 1,99 to release the parcel.",
    score=12.7,
    age=86400.0 + 2000.0,
)
SPAM = replace(
    BULK,
    subject="Re: your order",
    author_name="Pharm",
    author_address="best@pills.example",
    reverse_path="best@pills.example",
    verdict_class="spam",
    rule="spam-hold",
    reasons=(("SPAM_SCORE", "the classifier is sure"),),
    text="Cheap and fast, no questions.",
    score=11.3,
    age=86400.0 + 9000.0,
)
POLICY = replace(
    BULK,
    subject="Contract, please sign",
    author_name="Partner & Co",
    author_address="a@partner.example",
    reverse_path="a@partner.example",
    recipients=("alice@example.org",),
    verdict_class="policy",
    quarantine="policy",
    rule="macro-hold",
    reasons=(("MACRO", "a document with macros"),),
    text="The contract is attached, please return it signed.",
    score=-2.4,
    file_name="contract.docm",
    age=2 * 86400.0,
)
STRIPPED = replace(
    POLICY,
    subject="A game",
    quarantine="stripped",
    rule="no-programs",
    reasons=(("NO_PROGRAMS", "Programs are not delivered"), ("PARTS_REMOVED", "Taken out: game.exe")),
    lost={"parts": [{"path": "2", "name": "game.exe", "size": 77}], "delivered": {"size": 900}},
)

EVERYTHING: Sequence[Letter] = (POLICY, SPAM, PARCEL, MALWARE, UNSCANNABLE, BULK, PHISHING)
"""One of each kind, the oldest first."""
