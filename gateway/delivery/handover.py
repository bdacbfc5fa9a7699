"""The words of handing a message over: what goes (`Parcel`), how it ended for one recipient (`Handover`). Plain
records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gateway.mail.address import ReversePath
from gateway.mail.envelope import Recipient
from gateway.mail.replies import Reply


@dataclass(frozen=True, slots=True)
class Parcel:
    """One transaction to make: the octets to send, from whom, to whom, and what the sender asked for (RFC 3461, RFC
    6531)."""

    reverse_path: ReversePath
    recipients: tuple[Recipient, ...]
    octets: bytes
    smtputf8: bool = False
    eight_bit: bool = False
    ret: str = ""
    envid: str = ""


class Ending(Enum):
    """How one recipient's part ended. UNREACHABLE is a deferral that says something of the destination: nobody there
    would talk to us, so that other mail for it need not try now."""

    DELIVERED = "delivered"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


class Takeover(Enum):
    """Who answers to the sender for a message that was delivered (RFC 3461 sections 5.2.1 to 5.2.3)."""

    NEXT_HOP = "next hop"  # it announced DSN and was told what the sender wants
    MAILBOX = "mailbox"  # this was the final delivery
    NOBODY = "nobody"  # the next hop knows no DSN: we say `relayed`


@dataclass(frozen=True, slots=True)
class Handover:
    """How one recipient's part ended. `reply` is the next hop's own, made safe, or one of ours; `remote` names the
    next hop that spoke, empty when none did; `tls` is the TLS version or empty."""

    ending: Ending
    reply: Reply
    remote: str = ""
    tls: str = ""
    takeover: Takeover = Takeover.NOBODY
