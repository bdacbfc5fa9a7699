"""Our own people send: they prove who they are, write as themselves only, and their mail goes where it should."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest

from tests.delivery.sink import Sink
from tests.e2e.gateway import PASSWORD, PATIENCE, Gateway, eventually
from tests.e2e.letters import arrives, deliver, fields, found, inbox, letter, trusting
from tests.e2e.surroundings import Surroundings

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

ALICE = "alice@example.org"
BOB = "bob@example.org"


@pytest.fixture
def implicit(gateway: Gateway) -> Iterator[smtplib.SMTP]:
    """A session at the door with implicit TLS, signed in as alice."""
    with smtplib.SMTP_SSL("127.0.0.1", gateway.ports["submissions"], context=trusting(), timeout=PATIENCE) as client:
        client.login(ALICE, PASSWORD)
        yield client


def test_a_password_is_only_taken_under_tls(gateway: Gateway) -> None:
    with smtplib.SMTP("127.0.0.1", gateway.ports["submission"], timeout=PATIENCE) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.docmd("MAIL FROM:<alice@example.org>")[0] == 530
        client.starttls(context=trusting())
        client.ehlo()
        assert client.has_extn("auth")
        assert client.login(ALICE, PASSWORD)[0] == 235


def test_a_wrong_password_is_refused(gateway: Gateway) -> None:
    with (
        smtplib.SMTP_SSL("127.0.0.1", gateway.ports["submissions"], context=trusting(), timeout=PATIENCE) as client,
        pytest.raises(smtplib.SMTPAuthenticationError) as refused,
    ):
        client.login(ALICE, PASSWORD + "!")
    assert refused.value.smtp_code == 535


@pytest.mark.parametrize("door", ["submission", "submissions"])
def test_mail_to_another_mailbox_arrives_without_leaving_the_house(gateway: Gateway, door: str) -> None:
    subject, octets = letter(author=f"Alice <{ALICE}>")
    if door == "submissions":
        client: smtplib.SMTP = smtplib.SMTP_SSL("127.0.0.1", gateway.ports[door], context=trusting(), timeout=PATIENCE)
    else:
        client = smtplib.SMTP("127.0.0.1", gateway.ports[door], timeout=PATIENCE)
        client.starttls(context=trusting())
    with client:
        client.login(ALICE, PASSWORD)
        client.sendmail(ALICE, [BOB], octets)
    stored = arrives(gateway, subject, BOB)
    (ours,) = [each for each in fields(stored, "Received") if " by mx.example.org with ESMTP" in each]
    assert " with ESMTPSA " in ours
    assert fields(stored, "Authentication-Results") == []


def test_nobody_writes_as_somebody_else(implicit: smtplib.SMTP) -> None:
    code, text = implicit.docmd(f"MAIL FROM:<{BOB}>")
    assert (code, text[:5]) == (553, b"5.7.1")
    assert implicit.docmd(f"MAIL FROM:<{ALICE}>")[0] == 250


def test_the_mx_lets_nobody_sign_in(gateway: Gateway) -> None:
    with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE) as client:
        client.starttls(context=trusting())
        client.ehlo()
        assert not client.has_extn("auth")


def test_mail_to_a_foreign_domain_waits_for_its_exchangers(gateway: Gateway, implicit: smtplib.SMTP) -> None:
    _, octets = letter(author=f"Alice <{ALICE}>")
    friend = "friend@unreachable.example"
    implicit.sendmail(ALICE, [friend], octets)
    row = eventually(lambda: gateway.json("track", "--rcpt", friend))[0]
    (recipient,) = gateway.json("queue", "show", row["reference"])["recipients"]
    assert recipient["destination"] == "mx:unreachable.example"
    assert recipient["state"] in ("queued", "deferred")
    (waiting,) = eventually(
        lambda: [
            each
            for each in gateway.json("queue", "list")["items"]
            if (each["recipient"], each["state"]) == (friend, "deferred")
        ]
    )
    assert waiting["last_reply"][:1] == "4"
    assert "1 deleted" in gateway.command("queue", "delete", row["reference"]).stdout
    (recipient,) = gateway.json("queue", "show", row["reference"])["recipients"]
    assert recipient["state"] == "dropped"


@pytest.mark.parametrize(
    ("friend", "why"),
    [("friend@no-such-domain.example", b"5.1.2"), ("friend@refusing.example", b"550 5.1.1 we know no friend")],
    ids=["no such domain", "the host refuses"],
)
def test_a_bounce_comes_back_into_the_mailbox(
    gateway: Gateway, refusing: Sink, implicit: smtplib.SMTP, friend: str, why: bytes
) -> None:
    subject, octets = letter(author=f"Alice <{ALICE}>")
    implicit.sendmail(ALICE, [friend], octets)
    with inbox(gateway, ALICE) as client:
        (bounce,) = eventually(lambda: found(client, subject, key="TEXT"))
    assert fields(bounce, "Return-Path") == ["<>"]
    assert fields(bounce, "Content-Type")[0].startswith("multipart/report; report-type=delivery-status")
    assert why in bounce
    assert refusing.taken == []


@pytest.fixture(scope="module")
def refusing(gateway: Gateway, around: Surroundings) -> Sink:
    """The host of refusing.example, which knows nobody."""
    sink = around.sink(script={"RCPT": "550 5.1.1 we know no friend"})
    added = gateway.command("domain", "add", "refusing.example", "--route", sink.route, "--validate", "none")
    assert added.returncode == 0, added.stderr
    eventually(lambda: deliver(gateway, letter()[1], sender="", to="x@refusing.example").stage == "data")
    return sink


OFFER = """Dear friend,

buy cheap pills now! Our pharmacy has viagra and more at the best price of the web, without any prescription.
Click here and order today, this offer is limited: https://pills.example/order

100% satisfaction guaranteed, free shipping, casino bonus for the first hundred winners.
"""


def test_who_answers_what_one_sent_is_let_in_and_nobody_else(gateway: Gateway, implicit: smtplib.SMTP) -> None:
    friend = "pen-friend@unreachable.example"
    _, sent = letter(author=f"Alice <{ALICE}>")
    (identifier,) = fields(sent, "Message-ID")
    implicit.sendmail(ALICE, [friend], sent)
    gateway.command("queue", "delete", eventually(lambda: gateway.json("track", "--rcpt", friend))[0]["reference"])

    def said(author: str, *extra: str, to: str = ALICE) -> str:
        _, octets = letter(OFFER, author=f"Friend <{author}>", extra=extra)
        answer = deliver(gateway, octets, sender=author, to=to)
        assert answer.code == 250, answer
        (row,) = [each for each in gateway.json("track", "--rcpt", to) if each["reference"] == answer.id]
        rule: str = row["rule"]
        return rule

    answers = f"In-Reply-To: {identifier}"
    assert said(friend, answers) == "reply"
    assert said(friend, f"References: <older@example.net> {identifier}") == "reply"
    assert said(friend) == "spam-hold"
    assert said("mallory@unreachable.example", answers) == "spam-hold"
    assert said(friend, answers, to=BOB) == "spam-hold"
