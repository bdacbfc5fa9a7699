"""Delivery status notifications, written: multipart/report (RFC 6522) with message/delivery-status (RFC 3464), for one
recipient, in 7 bits wherever the standards allow (RFC 6533). Pure: time and identifiers are passed in.

Everything in it is hostile text: addresses, the remote host's words, the returned message. Never decides whether a
notification may be sent; never reads one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum
from typing import Final

from gateway.mail.address import Address
from gateway.mail.message import MAX_HEADER, Octets
from gateway.mail.replies import Reply

MAX_RETURNED: Final = 1024 * 1024
"""Octets up to which a whole message is returned to who asked for it (RET=FULL); of a larger one the header is."""

_MESSAGE_ID = re.compile(
    rb"^Message-ID:[ \t]*(<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_NOT_QCHAR = re.compile(r"[^\x21-\x2a\x2c-\x3c\x3e-\x5b\x5d-\x7e]")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\Z")


class Action(Enum):
    """What became of the recipient (RFC 3464 section 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


class Returned(Enum):
    """How much of the message comes back (RFC 3461 section 4.3)."""

    FULL = "full"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Notification:
    """What one notification says. Times are seconds since the epoch.

    `reporter` is our host name, `to` the reverse-path, `reference` the id under which we know the message, `original`
    ORCPT as given (xtext), `envid` likewise. `remote` names the next hop whose words `reply` are, empty when they are
    ours. `octets` is the message spoken of; `retry_until` is set for DELAYED only.
    """

    action: Action
    reporter: str
    to: Address
    recipient: Address
    reply: Reply
    status: str
    reference: str
    written_at: float
    arrived_at: float
    octets: Octets
    remote: str = ""
    original: str = ""
    envid: str = ""
    returned: Returned = Returned.HEADER
    retry_until: float | None = None


def render(notification: Notification) -> bytes:
    """The notification as a message, ready for DATA. The same notification gives the same octets."""
    header = _returned_header(notification.octets)
    parts = [_explanation(notification), _status(notification), _content(notification, header)]
    boundary = _boundary(notification, parts)
    delimiter = b"\r\n--" + boundary.encode()
    body = b"".join(delimiter + b"\r\n" + part for part in parts)
    preamble = b"This is a delivery status notification in MIME format.\r\n"
    return _header(notification, header, boundary) + preamble + body + delimiter + b"--\r\n"


def _header(notification: Notification, original: bytes, boundary: str) -> bytes:
    lines = [
        f"From: Mail Delivery System <postmaster@{_plain(notification.reporter)}>",
        f"To: <{_clean(str(notification.to))}>",
        f"Subject: {_SUBJECT[notification.action]}",
        f"Date: {_date(notification.written_at)}",
        f"Message-ID: <{_plain(notification.reference)}.{notification.action.value}.{boundary[-12:]}"
        f"@{_plain(notification.reporter)}>",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status;\r\n boundary="{boundary}"',
    ]
    if match := _MESSAGE_ID.search(original):
        about = match[1].decode("ascii")
        lines += [f"In-Reply-To: {about}", f"References: {about}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


_SUBJECT: Final = {
    Action.FAILED: "Your message could not be delivered",
    Action.DELAYED: "Your message is delayed",
    Action.DELIVERED: "Your message was delivered",
    Action.RELAYED: "Your message was passed on",
}

_WORDS: Final = {
    Action.FAILED: "Your message could not be delivered to\r\n\r\n    {recipient}\r\n\r\n"
    "No further attempt will be made.",
    Action.DELAYED: "Your message has not been delivered yet to\r\n\r\n    {recipient}\r\n\r\n"
    "You need not send it again: further attempts will be made until\r\n{until}.",
    Action.DELIVERED: "Your message was delivered to\r\n\r\n    {recipient}\r\n\r\nas you asked to be told.",
    Action.RELAYED: "Your message was passed on for\r\n\r\n    {recipient}\r\n\r\n"
    "to a host that sends no notice of delivery. You will hear no more unless it fails.",
}


def _explanation(notification: Notification) -> bytes:
    until = "" if notification.retry_until is None else _date(notification.retry_until)
    words = _WORDS[notification.action].format(recipient=_clean(str(notification.recipient)), until=until)
    if notification.action in (Action.FAILED, Action.DELAYED):
        speaker = f"The host {_clean(notification.remote)} said" if notification.remote else "The reason"
        words += f"\r\n\r\n{speaker}:\r\n\r\n    {_clean(str(notification.reply))}"
    words += (
        f"\r\n\r\nThe postmaster of {_plain(notification.reporter)} knows the message as {notification.reference}.\r\n"
    )
    if words.isascii():
        return b"Content-Type: text/plain; charset=us-ascii\r\n\r\n" + words.encode("ascii")
    encoded = binascii.b2a_qp(words.replace("\r\n", "\n").encode(), istext=True).replace(b"\n", b"\r\n")
    head = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head + encoded


def _status(notification: Notification) -> bytes:
    lines = []
    if notification.envid:
        lines.append(f"Original-Envelope-Id: {_plain(_unxtext(notification.envid))}")
    lines += [
        f"Reporting-MTA: dns; {_plain(notification.reporter)}",
        f"Arrival-Date: {_date(notification.arrived_at)}",
        "",
    ]
    if notification.original:
        lines.append(f"Original-Recipient: {_original_recipient(notification.original)}")
    lines += [
        f"Final-Recipient: {_typed_address(str(notification.recipient))}",
        f"Action: {notification.action.value}",
        f"Status: {notification.status if _STATUS.match(notification.status) else _status_of(notification.reply)}",
    ]
    if notification.remote:
        lines.append(f"Remote-MTA: dns; {_plain(notification.remote)}")
    lines += [
        f"Diagnostic-Code: smtp; {_plain(str(notification.reply))}",
        f"Last-Attempt-Date: {_date(notification.written_at)}",
    ]
    if notification.action is Action.DELAYED and notification.retry_until is not None:
        lines.append(f"Will-Retry-Until: {_date(notification.retry_until)}")
    return ("Content-Type: message/delivery-status\r\n\r\n" + "\r\n".join(lines) + "\r\n").encode("ascii")


def _content(notification: Notification, header: bytes) -> bytes:
    """The returned message or its header. A header beyond ASCII travels in base64, which RFC 6532 section 3.7 allows
    for message/global, so that no host on the way back needs SMTPUTF8."""
    octets = notification.octets
    is_full = (
        notification.returned is Returned.FULL
        and notification.action is Action.FAILED
        and len(octets) <= MAX_RETURNED
        and len(header) < MAX_HEADER
    )
    if header.isascii() and is_full:
        whole = octets[:]
        encoding = b"" if whole.isascii() else b"Content-Transfer-Encoding: 8bit\r\n"
        return b"Content-Type: message/rfc822\r\n" + encoding + b"\r\n" + whole
    if header.isascii():
        return b"Content-Type: text/rfc822-headers\r\n\r\n" + header
    if not _is_utf8(header):
        readable = header.decode("ascii", "replace").replace("\N{REPLACEMENT CHARACTER}", "?").encode("ascii")
        return b"Content-Type: text/rfc822-headers\r\n\r\n" + readable
    kind, content = (b"message/global", octets[:]) if is_full else (b"message/global-headers", header)
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded


def _returned_header(octets: Octets) -> bytes:
    """The header without the empty line, cut at a line end when it is too long to be one."""
    end = octets.find(b"\r\n\r\n", 0, MAX_HEADER)
    if end != -1:
        return octets[: end + 2]
    begin = octets[:MAX_HEADER]
    return begin[: begin.rfind(b"\r\n") + 2] if b"\r\n" in begin else b""


def _boundary(notification: Notification, parts: list[bytes]) -> str:
    """A boundary that the parts cannot contain: it is a digest of them."""
    digest = hashlib.sha256(notification.reference.encode())
    for part in parts:
        digest.update(part)
    return f"=_{digest.hexdigest()[:40]}"


def _original_recipient(original: str) -> str:
    kind, separator, address = original.partition(";")
    if not separator:
        return f"unknown; {_plain(_unxtext(original))}"
    if kind.strip().lower() == "utf-8":
        return f"utf-8; {_plain(address)}"
    return f"{_plain(kind.strip())}; {_plain(_unxtext(address))}"


def _typed_address(address: str) -> str:
    """RFC 3464 section 2.3.2; beyond ASCII the 7-bit form of RFC 6533 section 3 (utf-8-addr-xtext)."""
    if address.isascii():
        return f"rfc822; {_plain(address)}"
    return "utf-8; " + _NOT_QCHAR.sub(lambda match: f"\\x{{{ord(match[0]):X}}}", _clean(address))


def _status_of(reply: Reply) -> str:
    return reply.enhanced or f"{str(reply.code)[0]}.0.0"


def _unxtext(text: str) -> str:
    """RFC 3461 section 4."""
    return _XTEXT.sub(lambda match: chr(int(match[1], 16)), text)


def _clean(text: str) -> str:
    """One line, no control characters."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _plain(text: str) -> str:
    """The same, in ASCII."""
    return _clean(text).encode("ascii", "replace").decode("ascii")


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(at), UTC))
