from __future__ import annotations

import dataclasses
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.facts.auth import Auth, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact
from gateway.facts.content import MailClass, SpamFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Unknown
from gateway.mail.address import Address
from gateway.mail.envelope import Direction, Envelope, Recipient
from gateway.mail.message import Message
from gateway.mail.replies import BY_NAME
from gateway.pipeline.signing import Signer
from gateway.pipeline.stamp import Stamper, reply_to_data
from gateway.policy.verdict import Disposition, Settlement, Verdict, VerdictClass, merge
from tests.pipeline.conftest import NOON

STAMPER = Stamper(hostname="mx.example.org", signer=Signer(lambda domain: ()))
OURS = b"Authentication-Results: mx.example.org; spf=pass\r\n"


def evidence_of(client: ClientFact, envelope: Envelope, **facts: object) -> Evidence:
    return Evidence(
        received_at=NOON, direction="inbound", client=client, reverse_path="", recipients=(),
        message=MessageFact(size=1), **facts,
    )  # type: ignore[arg-type]  # fmt: skip


def settled(*, headers: tuple[tuple[str, str], ...] = (), recipients: int = 1) -> Settlement:
    verdict = Verdict(Disposition.DELIVER, VerdictClass.CLEAN, None, add_headers=headers)
    return merge([(f"r{number}@example.org", verdict) for number in range(recipients)])


def fields_of(prefix: bytes) -> dict[str, str]:
    """Each field once, unfolded. The prefix is whole lines, so that it can stand before any message."""
    assert prefix.endswith(b"\r\n")
    assert b"\r\n\r\n" not in prefix
    lines = re.sub(r"\r\n[ \t]+", " ", prefix.decode("ascii")).split("\r\n")[:-1]
    names = [line.partition(": ")[0] for line in lines]
    assert len(set(names)) == len(names)
    return dict(line.split(": ", 1) for line in lines)


def test_the_fields_of_an_incoming_message(message: Message, envelope: Envelope, client: ClientFact) -> None:
    evidence = evidence_of(
        client, envelope,
        spf=Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "friend.example")),
        spam=Known(SpamFact(MailClass.HAM, {"ham": 1.0}, -4.0)),
        malware=Unknown("clamd unreachable"),
    )  # fmt: skip
    stamps = STAMPER.stamp(message, envelope, evidence, settled(headers=(("X-Rule", "yes"),)), reference="0ABC")
    fields = fields_of(stamps.prefix)
    assert list(fields) == [
        "Received", "Authentication-Results", "X-Postern-Score", "X-Postern-Checked-Without", "X-Rule",
    ]  # fmt: skip
    assert "id 0ABC for <alice@example.org>" in fields["Received"]
    assert fields["Authentication-Results"] == "mx.example.org; spf=pass smtp.mailfrom=friend.example"
    assert fields["X-Postern-Score"] == "-4.00 (ham)"
    assert fields["X-Postern-Checked-Without"] == "malware"
    assert stamps.cuts == ()


def test_received_spf_is_written_only_where_it_is_wanted(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    evidence = evidence_of(client, envelope, spf=Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "friend.example")))
    asked = Stamper(hostname="mx.example.org", signer=Signer(lambda domain: ()), received_spf=True)
    for stamper, wanted in ((STAMPER, False), (asked, True)):
        fields = fields_of(stamper.stamp(message, envelope, evidence, settled(), reference="0ABC").prefix)
        assert ("Received-SPF" in fields) == wanted
    assert fields["Received-SPF"].startswith("pass (mx.example.org: mailfrom friend.example)")
    doubtful = evidence_of(client, envelope, spf=Unknown("late"))
    assert b"Received-SPF" not in asked.stamp(message, envelope, doubtful, settled(), reference="0ABC").prefix


def test_no_recipient_learns_of_another(message: Message, envelope: Envelope, client: ClientFact) -> None:
    two = dataclasses.replace(envelope, recipients=(*envelope.recipients, Recipient(Address.parse("bob@example.org"))))
    stamps = STAMPER.stamp(message, two, evidence_of(client, two), settled(recipients=2), reference="0ABC")
    assert b"@example.org>" not in stamps.prefix


def test_what_a_rule_says_of_one_copy_stands_in_that_copy_alone(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    shared, strict = ("X-Shared", "yes"), ("X-Strict", "yes")
    verdicts = [
        (f"{name}@example.org", Verdict(Disposition.DELIVER, VerdictClass.CLEAN, None, add_headers=headers))
        for name, headers in (("alice", (shared, strict)), ("bob", (shared,)), ("carol", (shared,)))
    ]
    stamps = STAMPER.stamp(message, envelope, evidence_of(client, envelope), merge(verdicts), reference="0ABC")
    assert "X-Shared" in fields_of(stamps.prefix)
    assert b"Strict" not in stamps.prefix
    assert stamps.own == {"alice@example.org": b"X-Strict: yes\r\n"}


def test_outgoing_mail_carries_no_statement_about_its_sender(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    out = dataclasses.replace(envelope, direction=Direction.OUTBOUND)
    stamps = STAMPER.stamp(message, out, evidence_of(client, out), settled(), reference="0ABC")
    assert "Authentication-Results" not in fields_of(stamps.prefix)


def test_what_claims_to_be_ours_is_cut_and_nothing_else(envelope: Envelope, client: ClientFact) -> None:
    theirs = b"Authentication-Results: mx.friend.example; spf=pass\r\n"
    octets = OURS + theirs + b"From: a@b.example\r\n" + OURS + b"\r\n" + OURS
    message = Message.from_wire(octets)
    stamps = STAMPER.stamp(message, envelope, evidence_of(client, envelope), settled(), reference="0ABC")
    cut = b"".join(octets[start:end] for start, end in stamps.cuts)
    assert cut == OURS + OURS
    assert stamps.cuts[0] == (0, len(OURS))


@given(name=st.just("X-Rule"), value=st.text(max_size=400))
def test_a_value_cannot_break_out_of_its_field(name: str, value: str) -> None:
    client, envelope = ClientFact(ip="192.0.2.9", helo="x"), Envelope(None, (Recipient(Address.parse("a@b.example")),))
    message = Message.from_wire(b"From: a@b.example\r\n\r\n")
    stamps = STAMPER.stamp(
        message, envelope, evidence_of(client, envelope), settled(headers=((name, value),)), reference="0ABC"
    )
    fields = fields_of(stamps.prefix)
    assert list(fields) == ["Received", "Authentication-Results", "X-Rule"]
    assert len(fields["X-Rule"]) <= 200


@given(helo=st.text(max_size=300), ip=st.text(max_size=50), user=st.text(max_size=50))
def test_no_client_can_write_into_our_received_field(helo: str, ip: str, user: str) -> None:
    client, envelope = (
        ClientFact(ip=ip, helo=helo, user=user),
        Envelope(None, (Recipient(Address.parse("a@b.example")),)),
    )
    message = Message.from_wire(b"From: a@b.example\r\n\r\n")
    stamps = STAMPER.stamp(message, envelope, evidence_of(client, envelope), settled(), reference="0ABC")
    assert list(fields_of(stamps.prefix)) == ["Received", "Authentication-Results"]


@pytest.mark.parametrize(
    ("disposition", "name", "code"),
    [
        (Disposition.DELIVER, "", 250), (Disposition.QUARANTINE, "", 250), (Disposition.REJECT, "malware", 554),
        (Disposition.REJECT, "no such reply", 550), (Disposition.DEFER, "no such reply", 451),
    ],
)  # fmt: skip
def test_the_reply_names_the_message_and_never_the_quarantine(disposition: Disposition, name: str, code: int) -> None:
    verdict = Verdict(disposition, VerdictClass.CLEAN, None)
    reply = reply_to_data(Settlement(disposition, name, (("a@b.example", verdict),)), "0ABC")
    assert reply.code == code
    assert "0ABC" in str(reply)
    assert "quarantine" not in str(reply).lower()
    assert name not in BY_NAME or str(BY_NAME[name]).split("(")[0].strip() in str(reply)
