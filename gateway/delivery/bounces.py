"""Whether the sender is told, and what: RFC 3461 section 5.2 for when, `mail/dsn.py` for how. Pure.

Never tells the null reverse-path anything (RFC 5321 section 4.5.5), and nobody about a message that was accepted on the
condition that it must not bounce: spam and malware have forged senders.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.delivery.handover import Takeover
from gateway.delivery.routes import Routes
from gateway.delivery.schedule import is_warning_due
from gateway.mail import replies
from gateway.mail.dsn import Action, Notification, Returned, render
from gateway.mail.message import Octets
from gateway.queue.identifiers import text_of
from gateway.queue.records import Attempt, Bounce, Claim
from gateway.queue.states import State

DELIVERY_TIME_EXPIRED: Final = "4.4.7"
"""RFC 3463 section 3.5: the last answer was temporary, but there is no time left."""

_OUR_WORDS: Final = frozenset(replies.all_replies().values())
"""Of a host that fell silent we say so ourselves; Remote-MTA would put our words into its mouth (RFC 3464 section
2.3.6)."""

_REMOTE: Final = re.compile(r"(?P<name>[^\[\]:/]+)?(?P<literal>\[[0-9A-Fa-f:.]+\])?:\d+\Z")


def due_notice(claim: Claim, attempt: Attempt, takeover: Takeover) -> Action | None:
    """What the sender is to be told about this attempt, or None."""
    notify = claim.recipient.notify
    if not claim.may_bounce or claim.reverse_path is None or "NEVER" in notify:
        return None
    match attempt.state:
        case State.FAILED | State.EXPIRED if not notify or "FAILURE" in notify:
            return Action.FAILED
        case State.DEFERRED if (not notify or "DELAY" in notify) and _is_warning(claim, attempt):
            return Action.DELAYED
        case State.DELIVERED if "SUCCESS" in notify and takeover is not Takeover.NEXT_HOP:
            return Action.DELIVERED if takeover is Takeover.MAILBOX else Action.RELAYED
        case _:
            return None


def write_bounce(
    action: Action,
    claim: Claim,
    attempt: Attempt,
    *,
    octets: Octets,
    reporter: str,
    routes: Routes,
    lifetime: float,
) -> Bounce:
    """The notice as a message of its own, on its way to the reverse-path."""
    assert claim.reverse_path is not None, "the null reverse-path is never written to"
    notification = Notification(
        action=action,
        reporter=reporter,
        to=claim.reverse_path,
        recipient=claim.recipient.address,
        reply=attempt.reply,
        status=_status(attempt),
        reference=text_of(claim.message_id),
        written_at=attempt.at,
        arrived_at=claim.received_at,
        octets=octets,
        remote="" if attempt.reply in _OUR_WORDS else _mta_name(attempt.remote),
        original=claim.recipient.original,
        envid=claim.envid,
        returned=Returned.FULL if claim.ret.upper() == "FULL" else Returned.HEADER,
        retry_until=claim.received_at + lifetime if action is Action.DELAYED else None,
    )
    return Bounce(
        octets=render(notification),
        to=claim.reverse_path,
        destination=routes.destination_of(claim.reverse_path),
        at=attempt.at,
    )


def _mta_name(remote: str) -> str:
    """The host as RFC 3464 section 2.3.5 names it, a name or an address literal; empty for a UNIX socket."""
    match = _REMOTE.match(remote)
    if match is None:
        return ""
    name, literal = match["name"], match["literal"]
    if not name:
        return literal or ""
    return f"[{name}]" if name.replace(".", "").isdigit() else name


def _is_warning(claim: Claim, attempt: Attempt) -> bool:
    return attempt.due is not None and is_warning_due(received_at=claim.received_at, now=attempt.at, due=attempt.due)


def _status(attempt: Attempt) -> str:
    if attempt.state is State.EXPIRED:
        return DELIVERY_TIME_EXPIRED
    digit = {State.DELIVERED: "2", State.DEFERRED: "4"}.get(attempt.state, "5")
    enhanced = attempt.reply.enhanced
    return enhanced if enhanced.startswith(digit) else f"{digit}.0.0"
