"""The envelope: who a message is from and to as SMTP said it (RFC 5321 section 2.3.1), as opposed to what its header
says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gateway.mail.address import Address, ReversePath


class Direction(Enum):
    """Which way a message goes through the gateway."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Body(Enum):
    """The BODY parameter of MAIL (RFC 6152, RFC 3030)."""

    SEVEN_BIT = "7BIT"
    EIGHT_BIT_MIME = "8BITMIME"


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO with its DSN parameters (RFC 3461 sections 4.1 and 4.2).

    `notify` holds words of NEVER, SUCCESS, FAILURE, DELAY; empty means that none were given. `original` is ORCPT as
    given.
    """

    address: Address
    notify: frozenset[str] = frozenset()
    original: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What MAIL and RCPT said in one transaction. `size` is what MAIL declared, in octets, or None."""

    reverse_path: ReversePath
    recipients: tuple[Recipient, ...]
    direction: Direction = Direction.INBOUND
    body: Body = Body.SEVEN_BIT
    smtputf8: bool = False
    size: int | None = None
    ret: str = ""
    envid: str = ""
    extensions: dict[str, str] = field(default_factory=dict, hash=False, compare=False)
