"""Notifications, read back by the standard library's parser, which stands for the sender's mail program."""

from __future__ import annotations

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.address import Address
from gateway.mail.dsn import MAX_RETURNED, Action, Notification, Returned, render
from gateway.mail.message import Message
from gateway.mail.replies import Reply, relayed

ORIGINAL = (
    b"Received: from a by b\r\nMessage-ID: <one@example.org>\r\nFrom: alice@example.org\r\nSubject: Hello\r\n"
    b"\r\nThe body.\r\n.dotted\r\n"
)
FAILED = Notification(
    action=Action.FAILED,
    reporter="mx.example.org",
    to=Address("alice", "example.org"),
    recipient=Address("Bob.B", "remote.example"),
    reply=Reply(550, "5.1.1", "no such user"),
    status="5.1.1",
    reference="0ABCDEFGHJKMN",
    written_at=1_800_000_000.5,
    arrived_at=1_799_999_000.0,
    octets=ORIGINAL,
    remote="mail.remote.example[192.0.2.1]:25",
)


def parts(octets: bytes) -> tuple[EmailMessage, str, dict[str, str], EmailMessage]:
    """The report, its words, its per-recipient fields with the per-message ones, and its third part."""
    Message.from_wire(octets)
    report = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(report, EmailMessage)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert not report.defects
    words, status, content = report.iter_parts()
    assert status.get_content_type() == "message/delivery-status"
    per_message, per_recipient = status.get_payload()
    fields = {name: str(value) for block in (per_message, per_recipient) for name, value in block.items()}
    return report, words.get_content(), fields, content


def test_a_failure_says_all_that_is_known() -> None:
    report, words, fields, content = parts(render(FAILED))
    assert report["To"] == "alice@example.org"
    assert report["Auto-Submitted"] == "auto-replied"
    assert report["In-Reply-To"] == "<one@example.org>"
    assert report["Date"] == "Fri, 15 Jan 2027 08:00:00 +0000"
    assert fields == {
        "Reporting-MTA": "dns; mx.example.org",
        "Arrival-Date": "Fri, 15 Jan 2027 07:43:20 +0000",
        "Final-Recipient": "rfc822; Bob.B@remote.example",
        "Action": "failed",
        "Status": "5.1.1",
        "Remote-MTA": "dns; mail.remote.example[192.0.2.1]:25",
        "Diagnostic-Code": "smtp; 550 5.1.1 no such user",
        "Last-Attempt-Date": "Fri, 15 Jan 2027 08:00:00 +0000",
    }
    assert "Bob.B@remote.example" in words and "550 5.1.1 no such user" in words and "0ABCDEFGHJKMN" in words
    assert content.get_content_type() == "text/rfc822-headers"
    assert "Subject: Hello" in content.get_content() and "The body" not in content.get_content()


def test_what_the_sender_asked_for_comes_back_decoded() -> None:
    notification = replace(FAILED, envid="QQ+2B314", original="rfc822;Bob+2BB@remote.example")
    _, _, fields, _ = parts(render(notification))
    assert fields["Original-Envelope-Id"] == "QQ+314"
    assert fields["Original-Recipient"] == "rfc822; Bob+B@remote.example"


def test_the_whole_message_comes_back_on_request_but_only_for_failures() -> None:
    octets = render(replace(FAILED, returned=Returned.FULL))
    assert parts(octets)[3].get_content_type() == "message/rfc822"
    assert ORIGINAL in octets
    delayed = replace(FAILED, action=Action.DELAYED, returned=Returned.FULL, retry_until=1_800_400_000.0)
    _, words, fields, content = parts(render(delayed))
    assert content.get_content_type() == "text/rfc822-headers"
    assert fields["Will-Retry-Until"] == "Tue, 19 Jan 2027 23:06:40 +0000"
    assert "Tue, 19 Jan 2027" in words
    large = replace(FAILED, returned=Returned.FULL, octets=ORIGINAL + b"x\r\n" * MAX_RETURNED)
    assert parts(render(large))[3].get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize("action", [Action.DELIVERED, Action.RELAYED])
def test_success(action: Action) -> None:
    notification = replace(FAILED, action=action, reply=Reply(250, "2.0.0", "ok"), status="2.0.0")
    _, words, fields, _ = parts(render(notification))
    assert fields["Action"] == action.value
    assert fields["Status"] == "2.0.0"
    assert "Bob.B@remote.example" in words


def test_addresses_beyond_ascii_travel_in_seven_bits() -> None:
    notification = replace(FAILED, recipient=Address("jörg", "bücher.example"), original="utf-8;j\\x{F6}rg@x.example")
    octets = render(notification)
    assert octets.isascii()
    _, words, fields, _ = parts(octets)
    assert fields["Final-Recipient"] == "utf-8; j\\x{F6}rg@b\\x{FC}cher.example"
    assert fields["Original-Recipient"] == "utf-8; j\\x{F6}rg@x.example"
    assert "jörg@bücher.example" in words


@pytest.mark.parametrize(
    ("subject", "returned", "kind"),
    [
        ("Grüße".encode(), Returned.HEADER, "message/global-headers"),
        ("Grüße".encode(), Returned.FULL, "message/global"),
        (b"Gr\xfc\xdfe", Returned.FULL, "text/rfc822-headers"),
    ],
)
def test_a_header_beyond_ascii_travels_in_seven_bits(subject: bytes, returned: Returned, kind: str) -> None:
    notification = replace(FAILED, octets=ORIGINAL.replace(b"Hello", subject), returned=returned)
    octets = render(notification)
    assert octets.isascii()
    assert parts(octets)[3].get_content_type() == kind


def test_an_eight_bit_body_is_declared() -> None:
    notification = replace(FAILED, octets=ORIGINAL + "Grüße\r\n".encode(), returned=Returned.FULL)
    assert parts(render(notification))[3]["Content-Transfer-Encoding"] == "8bit"


def test_a_message_cannot_hold_the_boundary_of_its_own_report() -> None:
    first = render(replace(FAILED, returned=Returned.FULL))
    boundary = email.message_from_bytes(first).get_boundary()
    assert boundary is not None
    hostile = ORIGINAL + b"\r\n--" + boundary.encode() + b"--\r\n"
    octets = render(replace(FAILED, octets=hostile, returned=Returned.FULL))
    assert email.message_from_bytes(octets).get_boundary() != boundary
    parts(octets)


HOSTILE = st.text(st.characters(codec="utf-8"), max_size=80)


@settings(max_examples=150)
@given(
    action=st.sampled_from(Action),
    words=HOSTILE,
    envid=HOSTILE,
    original=HOSTILE,
    remote=HOSTILE,
    local=HOSTILE,
    status=HOSTILE,
    octets=st.binary(max_size=300),
    returned=st.sampled_from(Returned),
)
def test_hostile_text_never_makes_a_second_field_or_part(
    action: Action, words: str, envid: str, original: str, remote: str, local: str, status: str, octets: bytes,
    returned: Returned,
) -> None:  # fmt: skip
    notification = replace(
        FAILED,
        action=action,
        reply=relayed(550, "", words),
        envid=envid,
        original=original,
        remote=remote,
        recipient=Address(local, "remote.example"),
        status=status,
        octets=b"X: y\r\n\r\n" + octets.replace(b"\r", b"").replace(b"\n", b"\r\n").replace(b"\0", b""),
        returned=returned,
    )
    report, _, fields, _ = parts(render(notification))
    assert sorted(report.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    )
    known = {
        "Original-Envelope-Id", "Reporting-MTA", "Arrival-Date", "Original-Recipient", "Final-Recipient", "Action",
        "Status", "Remote-MTA", "Diagnostic-Code", "Last-Attempt-Date",
    }  # fmt: skip
    assert set(fields) <= known
    assert fields["Action"] == action.value
