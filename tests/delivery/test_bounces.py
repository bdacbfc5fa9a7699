"""When the sender is told, line by line of RFC 3461 section 5.2; and what is never answered."""

from __future__ import annotations

import email
from dataclasses import replace

import pytest

from gateway.delivery.bounces import due_notice, write_bounce
from gateway.delivery.handover import Takeover
from gateway.delivery.routes import Routes
from gateway.mail import replies
from gateway.mail.address import Address
from gateway.mail.dsn import Action
from gateway.mail.envelope import Recipient
from gateway.mail.replies import Reply
from gateway.queue.records import Attempt, Claim
from gateway.queue.states import State

HOUR = 3600.0
CLAIM = Claim(
    recipient_id=1,
    message_id=2,
    recipient=Recipient(Address("bob", "remote.example")),
    destination="mx:remote.example",
    attempt=1,
    lease_until=0.0,
    reverse_path=Address("alice", "example.org"),
    received_at=1_800_000_000.0,
    size=10,
    smtputf8=False,
    eight_bit=False,
    ret="",
    envid="",
    may_bounce=True,
)
NO = Reply(550, "5.1.1", "who?")
LATER = Reply(451, "4.7.1", "later")
FAILED = Attempt(State.FAILED, CLAIM.received_at + 1, NO, remote="mail.remote.example[192.0.2.1]:25")
EXPIRED = Attempt(State.EXPIRED, CLAIM.received_at + 5 * 24 * HOUR, LATER)
DELAYED = Attempt(State.DEFERRED, CLAIM.received_at + 3.6 * HOUR, LATER, due=CLAIM.received_at + 4.6 * HOUR)
EARLY = Attempt(State.DEFERRED, CLAIM.received_at + 1, LATER, due=CLAIM.received_at + 61)
LATE = Attempt(State.DEFERRED, CLAIM.received_at + 4.6 * HOUR, LATER, due=CLAIM.received_at + 5.6 * HOUR)
DELIVERED = Attempt(State.DELIVERED, CLAIM.received_at + 1, Reply(250, "2.0.0", "ok"))
CORRUPT = Attempt(State.CORRUPT, CLAIM.received_at + 1, NO)


@pytest.mark.parametrize(
    ("attempt", "notify", "takeover", "expected"),
    [
        (FAILED, "", Takeover.NOBODY, Action.FAILED),
        (FAILED, "", Takeover.NEXT_HOP, Action.FAILED),
        (FAILED, "FAILURE", Takeover.NOBODY, Action.FAILED),
        (FAILED, "SUCCESS", Takeover.NOBODY, None),
        (FAILED, "NEVER", Takeover.NOBODY, None),
        (EXPIRED, "", Takeover.NOBODY, Action.FAILED),
        (EXPIRED, "DELAY", Takeover.NOBODY, None),
        (DELAYED, "", Takeover.NOBODY, Action.DELAYED),
        (DELAYED, "DELAY FAILURE", Takeover.NOBODY, Action.DELAYED),
        (DELAYED, "FAILURE", Takeover.NOBODY, None),
        (EARLY, "", Takeover.NOBODY, None),
        (LATE, "", Takeover.NOBODY, None),
        (DELIVERED, "", Takeover.NOBODY, None),
        (DELIVERED, "SUCCESS", Takeover.NOBODY, Action.RELAYED),
        (DELIVERED, "SUCCESS", Takeover.MAILBOX, Action.DELIVERED),
        (DELIVERED, "SUCCESS", Takeover.NEXT_HOP, None),
        (DELIVERED, "NEVER", Takeover.NOBODY, None),
        (CORRUPT, "", Takeover.NOBODY, None),
    ],
)
def test_what_the_sender_is_told(attempt: Attempt, notify: str, takeover: Takeover, expected: Action | None) -> None:
    claim = replace(CLAIM, recipient=replace(CLAIM.recipient, notify=frozenset(notify.split())))
    assert due_notice(claim, attempt, takeover) is expected
    assert due_notice(replace(claim, reverse_path=None), attempt, takeover) is None
    assert due_notice(replace(claim, may_bounce=False), attempt, takeover) is None


@pytest.mark.parametrize(
    ("action", "attempt", "status"),
    [
        (Action.FAILED, FAILED, "5.1.1"),
        (Action.FAILED, replace(FAILED, reply=Reply(550, "", "no")), "5.0.0"),
        (Action.FAILED, EXPIRED, "4.4.7"),
        (Action.DELAYED, DELAYED, "4.7.1"),
        (Action.RELAYED, DELIVERED, "2.0.0"),
    ],
)
def test_the_notice_is_addressed_to_the_reverse_path(action: Action, attempt: Attempt, status: str) -> None:
    bounce = write_bounce(
        action,
        CLAIM,
        attempt,
        octets=b"Subject: x\r\n\r\nbody\r\n",
        reporter="mx.example.org",
        routes=Routes(domains={"example.org": "mailbox"}),
        lifetime=5 * 24 * HOUR,
    )
    assert bounce.to == CLAIM.reverse_path
    assert bounce.destination == "mailbox"
    report = email.message_from_bytes(bounce.octets)
    assert report["To"] == "<alice@example.org>"
    assert f"Status: {status}\r\n".encode() in bounce.octets
    assert (b"Will-Retry-Until" in bounce.octets) is (action is Action.DELAYED)


def test_a_stranger_is_answered_by_way_of_his_exchangers() -> None:
    bounce = write_bounce(
        Action.FAILED, CLAIM, FAILED, octets=b"", reporter="mx.example.org", routes=Routes(), lifetime=1.0
    )
    assert bounce.destination == "mx:example.org"


@pytest.mark.parametrize(
    ("remote", "reply", "named"),
    [
        ("mail.remote.example[192.0.2.1]:25", NO, "mail.remote.example"),
        ("mail.remote.example:25", NO, "mail.remote.example"),
        ("192.0.2.1:25", NO, "[192.0.2.1]"),
        ("[2001:db8::1]:25", NO, "[2001:db8::1]"),
        ("lmtp+unix:/run/lmtp", NO, None),
        ("", NO, None),
        ("mail.remote.example:25", replies.TOO_LARGE, None),
    ],
)
def test_the_host_is_named_only_for_words_of_its_own(remote: str, reply: Reply, named: str | None) -> None:
    bounce = write_bounce(
        Action.FAILED,
        CLAIM,
        Attempt(State.FAILED, 0.0, reply, remote=remote),
        octets=b"",
        reporter="mx.example.org",
        routes=Routes(),
        lifetime=1.0,
    )
    lines = bounce.octets.decode().split("\r\n")
    found = [line.removeprefix("Remote-MTA: dns; ") for line in lines if line.startswith("Remote-MTA")]
    assert found == ([] if named is None else [named])
