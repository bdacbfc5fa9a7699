"""Small messages for the tests of custody, and the few moves that most of them begin with."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.facts.connection import ClientFact
from gateway.mail.address import Address
from gateway.mail.envelope import Envelope, Recipient
from gateway.mail.replies import Reply
from gateway.queue.custody import Custody
from gateway.queue.records import Acceptance, Attempt, Judgement, Listing, NewRecipient, Refusal
from gateway.queue.states import State

NOW = 1_795_000_000.0
OCTETS = b"Subject: Hello\r\n\r\nHello Bob\r\n"
LARGE = b"Subject: Large\r\n\r\n" + b"0123456789abcdef" * 8192 + b"\r\n"
DELIVERED = Reply(250, "2.0.0", "Delivered")
BUSY = Reply(451, "4.2.0", "Mailbox busy")
NO_SUCH_USER = Reply(550, "5.1.1", "No such user")


def recipient(
    address: str = "bob@example.org",
    state: State = State.QUEUED,
    *,
    destination: str = "mailbox",
    quarantine: str = "spam",
    rule: str = "",
    reasons: tuple[tuple[str, str], ...] = (),
    expires_at: float | None = None,
    notify: Sequence[str] = (),
) -> NewRecipient:
    """One recipient; `quarantine` counts for held ones only."""
    return NewRecipient(
        recipient=Recipient(Address.parse(address), frozenset(notify), ""),
        state=state,
        destination=destination,
        judgement=Judgement("quarantine" if state is State.HELD else "deliver", rule=rule, reasons=reasons),
        quarantine=quarantine if state is State.HELD else "",
        expires_at=expires_at,
    )


def acceptance(
    *recipients: NewRecipient,
    sender: str = "ann@shop.example",
    listing: Listing | None = None,
    cuts: tuple[tuple[int, int], ...] = (),
    at: float = NOW,
) -> Acceptance:
    """A message from Ann; to Bob unless others are given."""
    given = recipients or (recipient(),)
    return Acceptance(
        received_at=at,
        envelope=Envelope(
            reverse_path=Address.parse(sender) if sender else None,
            recipients=tuple(each.recipient for each in given),
        ),
        client=ClientFact("192.0.2.7", helo="mail.shop.example"),
        prefix=b"Received: by mx.example.org\r\n",
        cuts=cuts,
        evidence=b'{"spf":"pass"}',
        policy_version="v1",
        listing=listing or Listing("Ann", "ann@shop.example", "Hello", "Hello Bob", "<1@shop.example>", 0, 1.5),
        recipients=given,
    )


async def accept(custody: Custody, what: Acceptance | None = None, octets: bytes = OCTETS) -> int:
    """Give a message into custody."""
    incoming = custody.incoming()
    incoming.write(octets)
    incoming.finish()
    return await custody.accept(what or acceptance(), incoming)


def attempt(state: State = State.DELIVERED, *, at: float = NOW, due: float | None = None) -> Attempt:
    """The end of an attempt with a reply that fits its state."""
    replies = {State.DELIVERED: DELIVERED, State.DEFERRED: BUSY}
    return Attempt(state, at, replies.get(state, NO_SUCH_USER), "store.example.org", "TLSv1.3", due)


def refusal(**changes: object) -> Refusal:
    """A refusal at RCPT."""
    said: dict[str, object] = {
        "at": NOW,
        "stage": "rcpt",
        "reply": NO_SUCH_USER,
        "reason": "unknown recipient",
        "client_ip": "198.51.100.9",
        "helo": "spam.example",
        "reverse_path": "x@spam.example",
        "recipient": "zoe@example.org",
        "rule": "recipients",
        "reference": "0ABC",
        "evidence": b'{"rcpt":1}',
    }
    return Refusal(**(said | changes))  # type: ignore[arg-type]


async def state_of(custody: Custody, message_id: int) -> list[State]:
    """The states of a message's recipients, in order."""
    record = await custody.message(message_id)
    assert record is not None
    return [each.state for each in record.recipients]


async def kinds_of(custody: Custody, message_id: int) -> list[str]:
    """What happened to a message, in order."""
    return [each.kind for each in await custody.events(message_id)]
