"""A bounce as a deposit: a message of our own with the null reverse-path (RFC 5321 section 4.5.5), to one recipient.

Never decides whether a bounce may be sent; the null reverse-path is why none can answer it.
"""

from __future__ import annotations

from gateway.facts.connection import ClientFact
from gateway.mail.envelope import Body, Direction, Envelope, Recipient
from gateway.queue.ledger.accepting import Deposit
from gateway.queue.records import Acceptance, Bounce, Judgement, Listing, NewRecipient
from gateway.queue.states import State


def deposit(bounce: Bounce, *, message_id: int, recipient_id: int) -> Deposit:
    """The bounce, ready to be stored with the end of the attempt that caused it.

    Its octets stand in a row whatever their size: a spool file could not be durable in the same transaction.
    """
    recipient = Recipient(bounce.to)
    acceptance = Acceptance(
        received_at=bounce.at,
        envelope=Envelope(
            reverse_path=None,
            recipients=(recipient,),
            direction=Direction.OUTBOUND,
            body=Body.SEVEN_BIT if bounce.octets.isascii() else Body.EIGHT_BIT_MIME,
            smtputf8=not bounce.to.is_ascii,
        ),
        client=ClientFact(ip=""),
        prefix=b"",
        cuts=(),
        evidence=b"{}",
        policy_version="",
        listing=Listing(subject="Delivery status notification", author_name="Mail delivery"),
        recipients=(NewRecipient(recipient, State.QUEUED, bounce.destination, Judgement("deliver")),),
        may_bounce=False,
    )
    return Deposit(
        message_id=message_id,
        recipient_ids=(recipient_id,),
        acceptance=acceptance,
        size=len(bounce.octets),
        octets=bounce.octets,
        at=bounce.at,
    )
