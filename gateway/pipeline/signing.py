"""DKIM signatures of our own (RFC 6376 section 5): the fields that are put before an outgoing message after every other
change, one for each key, relaxed/relaxed, with the names below.

Pure: octets and keys go in, fields come out. Never signs for a domain that the submitter did not prove to be his.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.checks.authentication import canonical
from gateway.checks.authentication.canonical import Form
from gateway.checks.dns.domains import host_domain, is_within
from gateway.mail import headers
from gateway.mail.envelope import Envelope
from gateway.mail.message import Message
from gateway.pipeline.signing_key import SigningKey

OVERSIGNED: Final = (
    b"from", b"reply-to", b"to", b"cc", b"subject", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
"""Signed once more than they stand: nobody can add one, or one where there is none, and keep the signature whole
(RFC 6376 sections 5.4.2 and 8.15). These are what readers see, and what makes a body mean something."""

OVERSIGNED_IF_THERE: Final = (b"date", b"message-id")
"""The same, but only where there is one: a relay may lawfully add what is missing (RFC 6409 section 8)."""

SIGNED: Final = (
    b"sender", b"resent-from", b"resent-sender", b"resent-to", b"resent-cc", b"resent-date", b"resent-message-id",
    b"list-id", b"list-help", b"list-unsubscribe", b"list-unsubscribe-post", b"list-subscribe", b"list-post",
    b"list-owner", b"list-archive", b"auto-submitted",
)  # fmt: skip
"""Signed as often as they stand. Mailing lists and resenders add their own, which is no forgery."""

MAX_INSTANCES: Final = 16
"""Fields of one name that are signed, from the bottom up."""

LINE: Final = 76
_BASE64_LINE: Final = 72

KeysFor = Callable[[str], Sequence[SigningKey]]
"""The keys that sign for a domain: its own, or else those of the nearest domain above it; empty where there are
none."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs what submitters send, and what we write ourselves, with whatever keys are there at the moment."""

    keys_for: KeysFor

    def fields_for(self, message: Message, envelope: Envelope, *, user: str, prefix: bytes, signed_at: float) -> bytes:
        """The signatures for a submitted message that is delivered with `prefix` on top, or nothing.

        `user` is who signed in. The author must be of the domain of the reverse-path or of the user, which the front
        door has compared: else one domain's user could have us vouch for another domain that we serve.
        """
        author = author_domain(message)
        if author is None:
            return b""
        proven = {envelope.reverse_path.domain if envelope.reverse_path else "", user.rpartition("@")[2].lower()}
        if author not in {host_domain(each) for each in proven if each}:
            return b""
        return self._fields(message, author, prefix=prefix, signed_at=signed_at)

    def sign_own(self, octets: bytes, *, signed_at: float) -> bytes:
        """A message that this house wrote, signed if there is a key for its author's domain."""
        message = Message.from_wire(octets)
        author = author_domain(message)
        return octets if author is None else self._fields(message, author, prefix=b"", signed_at=signed_at) + octets

    def _fields(self, message: Message, author: str, *, prefix: bytes, signed_at: float) -> bytes:
        keys = [key for key in self.keys_for(author) if is_within(author, key.domain)]
        return signature_fields(message, keys, prefix=prefix, signed_at=signed_at) if keys else b""


def author_domain(message: Message) -> str | None:
    """The domain of the one author; None where there are several From fields, domains or none."""
    values = message.values(b"from")
    domains = {host_domain(author.domain) for value in values for author in headers.authors(value)}
    return next(iter(domains)) if len(values) == 1 and len(domains) == 1 else None


def signature_fields(message: Message, keys: Iterable[SigningKey], *, prefix: bytes, signed_at: float) -> bytes:
    """One DKIM-Signature field with its CRLF for each key, over the message as it is with `prefix` on top.

    `signed_at` is seconds since the epoch. The body is hashed once.
    """
    above = Message.from_wire(prefix + b"\r\n")
    fields = [(each.key, each.value) for part in (above, message) for each in part.fields]
    names = covered_names(fields)
    signed = list(covered_fields(fields, names))
    body = canonical.body_hash(message.octets, message.body_offset, Form.RELAXED).digest
    return b"".join(_field(key, names, signed, body=body, signed_at=signed_at) for key in keys)


def covered_names(fields: Sequence[tuple[bytes, bytes]], *, also: tuple[bytes, ...] = ()) -> tuple[bytes, ...]:
    """The value of h= for these fields, (name in lower case, value) each; `also` are signed as often as they stand."""
    counts: dict[bytes, int] = {}
    for name, _ in fields:
        counts[name] = min(counts.get(name, 0) + 1, MAX_INSTANCES)
    names: list[bytes] = []
    for name in OVERSIGNED:
        names += [name] * (counts.get(name, 0) + 1)
    for name in OVERSIGNED_IF_THERE:
        names += [name] * (counts[name] + 1 if name in counts else 0)
    for name in (*SIGNED, *also):
        names += [name] * counts.get(name, 0)
    return tuple(names)


def covered_fields(fields: Sequence[tuple[bytes, bytes]], names: Sequence[bytes]) -> Iterable[bytes]:
    """The fields in canonical form in the order of h=, each name from the bottom up (RFC 6376 section 5.4.2)."""
    stacks: dict[bytes, list[bytes]] = {name: [] for name in names}
    for name, value in fields:
        if name in stacks:
            stacks[name].append(value)
    for name in names:
        if stacks[name]:
            yield canonical.header_field(name, stacks[name].pop(), b"", Form.RELAXED)


def _field(key: SigningKey, names: Sequence[bytes], signed: Sequence[bytes], *, body: bytes, signed_at: float) -> bytes:
    value = b" " + b"\r\n\t".join(
        [
            f"v=1; a={key.algorithm}; c=relaxed/relaxed;".encode("ascii"),
            f"d={key.domain}; s={key.selector}; t={int(signed_at)};".encode("ascii"),
            *folded_names(names),
            b"bh=" + base64.b64encode(body) + b";",
            b"b=",
        ]
    )
    own = canonical.header_field(b"dkim-signature", value, b"", Form.RELAXED)
    digest = hashlib.sha256(b"\r\n".join([*signed, own])).digest()
    encoded = base64.b64encode(key.sign(digest))
    pieces = [encoded[start : start + _BASE64_LINE] for start in range(0, len(encoded), _BASE64_LINE)]
    return b"DKIM-Signature:" + value + b"\r\n\t ".join(pieces) + b"\r\n"


def folded_names(names: Sequence[bytes]) -> list[bytes]:
    """h= on lines of a bearable length; white space may stand around its colons."""
    lines = [b"h="]
    for number, name in enumerate(names):
        piece = name + (b":" if number < len(names) - 1 else b";")
        if len(lines[-1]) + len(piece) > LINE:
            lines.append(b" ")
        lines[-1] += piece
    return lines
