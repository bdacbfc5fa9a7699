"""THE table of SMTP replies. No other file holds a three-digit reply code (a test greps for it).

A reply is a code (RFC 5321 section 4.2), an enhanced status (RFC 3463, RFC 5248, RFC 7372) and a text that is true,
short and gives nothing away: which check spoke, and why, stands in the record under the reference id that the client is
told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}\Z")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. Raises ValueError when the class of the code and the class of the enhanced status differ."""

    code: int
    enhanced: str
    text: str
    closes: bool = False
    """Whether we hang up after it, although its code does not say so."""

    octets: bytes = field(init=False, repr=False, compare=False)
    """As it is sent, with its CRLF."""

    def __post_init__(self) -> None:
        if self.enhanced and not _ENHANCED.match(self.enhanced):
            raise ValueError("not an enhanced status")
        if self.enhanced and self.enhanced[0] != str(self.code)[0]:
            raise ValueError(f"{self.code} cannot carry {self.enhanced}")
        if any(char in self.text for char in "\r\n\0"):
            raise ValueError("a reply is one line")
        object.__setattr__(self, "octets", f"{self}\r\n".encode(errors="replace"))

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}" if self.enhanced else f"{self.code} {self.text}"

    @property
    def is_transient(self) -> bool:
        """4yz: the client should try again."""
        return 400 <= self.code < 500

    @property
    def is_permanent(self) -> bool:
        """5yz: the client should not try again."""
        return self.code >= 500

    @property
    def is_positive(self) -> bool:
        """2yz or 3yz."""
        return self.code < 400

    @property
    def ends_session(self) -> bool:
        """Whether the connection is closed after it (RFC 5321 section 4.2.2, RFC 7504 section 3)."""
        return self.closes or self.code in (221, 421, 521)

    @property
    def is_success(self) -> bool:
        """2yz: done."""
        return 200 <= self.code < 300

    def about(self, reference: str) -> Reply:
        """The same reply with the id under which an administrator finds the story."""
        return replace(self, text=f"{self.text} (ref {reference})")


# Session
SHUTTING_DOWN: Final = Reply(421, "4.3.2", "Service is shutting down, try again later")
TOO_BUSY: Final = Reply(421, "4.3.2", "Too busy now, try again later")
TOO_MANY_CONNECTIONS: Final = Reply(421, "4.7.0", "Too many connections from your network")
CONNECTING_TOO_FAST: Final = Reply(421, "4.7.1", "You connect too often, try again later")
BANNED: Final = Reply(421, "4.7.1", "Your host is shut out for a while, try again later")
IDLE_TOO_LONG: Final = Reply(421, "4.4.2", "Idle for too long")
TOO_MANY_ERRORS: Final = Reply(421, "4.7.0", "Too many errors")
BLOCKED_CLIENT: Final = Reply(554, "5.7.1", "Your host is not allowed to send mail here")
SPOKE_TOO_EARLY: Final = Reply(554, "5.5.0", "You spoke before the greeting")
IMPATIENT: Final = Reply(521, "5.5.0", "You sent commands before the answer to your greeting")
BYE: Final = Reply(221, "2.0.0", "Bye")
OK: Final = Reply(250, "2.0.0", "OK")
FLUSHED: Final = Reply(250, "2.0.0", "Flushed")
HELP: Final = Reply(214, "2.0.0", "See RFC 5321")
CANNOT_VRFY: Final = Reply(252, "2.5.0", "Send some mail, I will try to deliver it")
READY_FOR_TLS: Final = Reply(220, "2.0.0", "Ready to start TLS")
TLS_NOT_AVAILABLE: Final = Reply(454, "4.7.0", "TLS is not available now")
TLS_ACTIVE: Final = Reply(503, "5.5.1", "TLS is already active")
TLS_REQUIRED: Final = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
CERTIFICATE_REQUIRED: Final = Reply(530, "5.7.0", "Must prove who you are with a client certificate in STARTTLS first")

PROXY_NOT_TRUSTED: Final = Reply(521, "5.7.1", "You are not trusted to say who is behind you")
HEALTH_CHECK_ONLY: Final = Reply(550, "5.7.1", "A balancer has no mail of its own")
OUR_OWN_NAME: Final = Reply(550, "5.7.1", "That is our name, not yours")
WRONG_PROTOCOL: Final = Reply(421, "4.7.0", "This is a mail server, goodbye")

# Commands
UNRECOGNISED: Final = Reply(500, "5.5.2", "Command not recognised")
LINE_TOO_LONG: Final = Reply(500, "5.5.2", "Line too long")
NOT_IMPLEMENTED: Final = Reply(502, "5.5.1", "Command not implemented")
BAD_SYNTAX: Final = Reply(501, "5.5.4", "Syntax error in arguments")
BAD_HELO: Final = Reply(501, "5.5.2", "Invalid host name")
BAD_PARAMETER: Final = Reply(555, "5.5.4", "Parameter not recognised or not implemented")
BAD_SEQUENCE: Final = Reply(503, "5.5.1", "Bad sequence of commands")
NEED_HELO: Final = Reply(503, "5.5.1", "Say EHLO first")
NEED_MAIL: Final = Reply(503, "5.5.1", "Need MAIL before this")
NEED_RCPT: Final = Reply(503, "5.5.1", "No valid recipients")
CHUNKS_HAVE_BEGUN: Final = Reply(503, "5.5.1", "DATA and BDAT cannot be mixed")
CHUNK_WITHOUT_SIZE: Final = Reply(521, "5.5.4", "Cannot tell where the chunk ends")
NESTED_MAIL: Final = Reply(503, "5.5.1", "Sender already given")

# AUTH (RFC 4954)
AUTHENTICATED: Final = Reply(235, "2.7.0", "Authentication successful")
AUTH_FAILED: Final = Reply(535, "5.7.8", "Authentication credentials invalid")
AUTH_REQUIRED: Final = Reply(530, "5.7.0", "Authentication required")
AUTH_UNAVAILABLE: Final = Reply(454, "4.7.0", "Temporary authentication failure")
AUTH_MECHANISM: Final = Reply(504, "5.5.4", "Authentication mechanism not supported")
AUTH_SYNTAX: Final = Reply(501, "5.5.2", "Cannot decode the authentication response")
AUTH_TOO_LONG: Final = Reply(500, "5.5.6", "Authentication exchange line is too long")
AUTH_CANCELLED: Final = Reply(501, "5.7.0", "Authentication cancelled")
AUTH_TWICE: Final = Reply(503, "5.5.1", "Already authenticated")
NOT_YOUR_ADDRESS: Final = Reply(553, "5.7.1", "You may not send as this address")

# MAIL and RCPT
TOO_MANY_TRANSACTIONS: Final = Reply(421, "4.5.3", "Enough mail for one session, come again")
SENDER_HAS_NULL_MX: Final = Reply(550, "5.7.27", "The sender's domain takes no mail (null MX)")
SENDER_OK: Final = Reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK: Final = Reply(250, "2.1.5", "Recipient OK")
BAD_SENDER_SYNTAX: Final = Reply(501, "5.1.7", "Bad sender address syntax")
BAD_RECIPIENT_SYNTAX: Final = Reply(501, "5.1.3", "Bad recipient address syntax")
NO_RELAY: Final = Reply(550, "5.7.1", "Relaying denied")
NO_SUCH_USER: Final = Reply(550, "5.1.1", "No such recipient here")
TOO_MANY_UNKNOWN: Final = Reply(550, "5.7.1", "Too many invalid recipients", closes=True)
NO_SUCH_RETURN: Final = Reply(550, "5.1.1", "The return address is not one of ours, or has expired")
NOT_OUR_BOUNCE: Final = Reply(550, "5.7.1", "A bounce of mail that was not sent from here")
CANNOT_VERIFY: Final = Reply(451, "4.4.3", "Recipient cannot be checked now, try again later")
MAILBOX_FULL: Final = Reply(452, "4.2.2", "Mailbox is full")
MAILBOX_FULL_FOR_GOOD: Final = Reply(552, "5.2.2", "Mailbox is full")
TOO_MANY_RECIPIENTS: Final = Reply(452, "4.5.3", "Too many recipients")
TOO_LARGE: Final = Reply(552, "5.3.4", "Message is too large")
NO_SPACE: Final = Reply(452, "4.3.1", "Insufficient system storage")
ERRING_TOO_OFTEN: Final = Reply(451, "4.7.1", "Too many errors of your domain, try again later")
RATE_LIMITED: Final = Reply(451, "4.7.1", "You are sending too fast, try again later")
UTF8_UNDECLARED: Final = Reply(553, "5.6.7", "An internationalised address needs SMTPUTF8")
NO_UTF8: Final = Reply(550, "5.6.7", "Internationalised addresses are not supported for this recipient")
NO_UTF8_HEADER: Final = Reply(550, "5.6.9", "The next hop takes no internationalised header fields")

# DATA
START_MAIL: Final = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
BARE_LINE_END: Final = Reply(521, "5.5.2", "Bare CR or LF received, see RFC 5321 section 2.3.8")
MALFORMED_MESSAGE: Final = Reply(554, "5.6.0", "Message is malformed")
TOO_MANY_HOPS: Final = Reply(554, "5.4.6", "Too many hops, this looks like a loop")
HEADER_TOO_LARGE: Final = Reply(552, "5.3.4", "Message header is too large")
LOCAL_ERROR: Final = Reply(451, "4.3.0", "Local error, try again later")

# Verdicts
ACCEPTED: Final = Reply(250, "2.0.0", "Accepted")
DEFERRED: Final = Reply(451, "4.7.1", "Cannot be judged now, try again later")
GREYLISTED: Final = Reply(451, "4.7.1", "Greylisted, try again in some minutes")
REFUSED_POLICY: Final = Reply(550, "5.7.1", "Refused by policy")
REFUSED_SPAM: Final = Reply(550, "5.7.1", "Refused, this looks like unwanted mail")
REFUSED_MALWARE: Final = Reply(554, "5.7.1", "Refused, the message contains malware")
REFUSED_PHISHING: Final = Reply(550, "5.7.1", "Refused, this looks like a fraud")
REFUSED_SPF: Final = Reply(550, "5.7.23", "SPF validation failed")
REFUSED_DMARC: Final = Reply(550, "5.7.1", "Refused by the DMARC policy of the author's domain")
REFUSED_AUTHOR: Final = Reply(550, "5.7.1", "The From field is missing or ambiguous")

# Delivery: what we say of a next hop that did not speak for itself. Kept in the ledger and told in bounces.
NULL_MX: Final = Reply(556, "5.1.10", "The domain does not accept mail (null MX)")
NO_SUCH_DOMAIN: Final = Reply(550, "5.1.2", "The domain does not exist")
DOMAIN_UNKNOWN_NOW: Final = Reply(451, "4.4.3", "The domain could not be looked up")
BAD_EXCHANGER: Final = Reply(550, "5.4.4", "The domain names no host that could take mail")
MAIL_LOOP: Final = Reply(554, "5.4.6", "Mail for the domain loops back to this host")
NO_ROUTE: Final = Reply(451, "4.4.4", "There is no route now")
UNREACHABLE: Final = Reply(451, "4.4.1", "The host did not answer")
CONNECTION_LOST: Final = Reply(451, "4.4.2", "The connection was lost")
HOST_TIMED_OUT: Final = Reply(451, "4.4.2", "The host was silent for too long")
GARBLED_REPLY: Final = Reply(451, "4.5.0", "The host did not speak the protocol")
NEEDS_EIGHT_BIT: Final = Reply(554, "5.6.3", "The host takes 7-bit mail only, and the message has 8-bit octets")
CORRUPT_OCTETS: Final = Reply(554, "5.6.0", "The stored message cannot be read")

BY_NAME: Final[dict[str, Reply]] = {
    "blocked_client": BLOCKED_CLIENT,
    "policy": REFUSED_POLICY,
    "spam": REFUSED_SPAM,
    "malware": REFUSED_MALWARE,
    "phishing": REFUSED_PHISHING,
    "spf": REFUSED_SPF,
    "dmarc": REFUSED_DMARC,
    "author": REFUSED_AUTHOR,
    "no_relay": NO_RELAY,
    "too_many_connections": TOO_MANY_CONNECTIONS,
    "rate_limited": RATE_LIMITED,
    "deferred": DEFERRED,
    "greylisted": GREYLISTED,
}
"""The names by which a policy may choose a reply (`then: {reject: NAME}`)."""


@lru_cache(256)
def greeting(hostname: str, banner: str = "") -> Reply:
    """The first words of a session; they carry no enhanced status (RFC 2034 section 3). `banner` is empty for the
    usual words after our name."""
    return Reply(220, "", f"{hostname} {banner or 'ESMTP Postern'}")


@lru_cache(256)
def hello(hostname: str, extensions: tuple[str, ...] = ()) -> bytes:
    """The answer to HELO and EHLO as it is sent, one extension a line (RFC 5321 section 4.1.1.1)."""
    *first, last = [hostname, *extensions]
    return ("".join(f"{OK.code}-{line}\r\n" for line in first) + f"{OK.code} {last}\r\n").encode()


def challenge(text: str) -> Reply:
    """A server challenge of AUTH, already in base64 (RFC 4954 section 4)."""
    return Reply(334, "", text)


REPORT_KEPT: Final = Reply(250, "2.0.0", "Read as a report, and kept")
REPORT_NOT_KEPT: Final = Reply(451, "4.3.1", "The report could not be stored")


def accepted_as(reference: str) -> Reply:
    """The 250 that ends DATA: from here on the message is ours (RFC 5321 section 6.1)."""
    return Reply(ACCEPTED.code, ACCEPTED.enhanced, f"Accepted as {reference}")


def chunk_received(size: int) -> Reply:
    """The 250 that ends a chunk which is not the last (RFC 3030 section 2)."""
    return replace(OK, text=f"{size} octets received")


def is_code(code: int) -> bool:
    """Whether a number can be the code of a reply to a command: 2yz to 5yz (RFC 5321 section 4.2.1)."""
    return 200 <= code < 600


def relayed(code: int, enhanced: str, text: str) -> Reply:
    """What a next hop answered, made safe to keep and to repeat: one line, no control characters, at most 500
    characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())[:500]
    consistent = enhanced if _ENHANCED.match(enhanced) and enhanced[0] == str(code)[0] else ""
    return Reply(code, consistent, line)


def all_replies() -> dict[str, Reply]:
    """Every reply of the table under its constant's name, for the generated reference."""
    return {name: value for name, value in globals().items() if isinstance(value, Reply)}
