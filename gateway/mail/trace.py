"""Trace fields: Received (RFC 5321 section 4.4, RFC 3848, RFC 6531 section 4.3), Authentication-Results (RFC 8601) and
Received-SPF (RFC 7208 section 9.1).

The door to authres, which writes what it is given, line ends included: so every value passes a filter first, and what
comes out is one field of printable ASCII that parses again. Never invents a result, and never reads one.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

import authres
from authres.core import AuthenticationResult, AuthenticationResultProperty

LINE: Final = 78
"""Characters that a line should have at most (RFC 5322 section 2.1.1)."""

MAX_VALUE: Final = 320

_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?\Z")
# What may stand in a value or a comment without any quoting; nothing in it ends a field, a comment or a result.
_UNSAFE_VALUE = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]")
_UNSAFE_REASON = re.compile(r"[^A-Za-z0-9 .,:/=_+*-]")
_UNSAFE_COMMENT = re.compile(r"[^A-Za-z0-9.:_\[\]-]")
_WORD = re.compile(r"[a-z][a-z0-9-]*\Z")


# ------------------------------------------------------------------------------------------------ Received


@dataclass(frozen=True, slots=True)
class Hop:
    """How a message came to us. `tls` is the protocol version or empty, `user` is who authenticated or empty."""

    helo: str
    ip: str
    reverse_name: str = ""
    tls: str = ""
    tls_cipher: str = ""
    user: str = ""
    extended: bool = True
    smtputf8: bool = False
    lmtp: bool = False


def transmission_type(hop: Hop) -> str:
    """The word after `with`: SMTP, ESMTP, ESMTPSA, LMTP, UTF8SMTPS and so on (RFC 3848, RFC 6531 section 4.3)."""
    if not (hop.extended or hop.lmtp):
        return "SMTP"
    name = "LMTP" if hop.lmtp else "SMTP"
    name = f"UTF8{name}" if hop.smtputf8 else name if hop.lmtp else "ESMTP"
    return name + ("S" if hop.tls else "") + ("A" if hop.user else "")


def received_field(hop: Hop, *, by: str, message_id: str, received_at: float, recipient: str = "") -> bytes:
    """One Received field with its CRLF. `received_at` is seconds since the epoch.

    `recipient` is for the `for` clause: give it only where there is one, or others learn who got a copy.
    """
    literal = _address_literal(hop.ip)
    said = hop.helo[:MAX_VALUE]
    known = f"{_comment(hop.reverse_name)} {literal}" if hop.reverse_name else literal
    if _DOMAIN.match(said):
        words = ["from", said, f"({known})"]
    else:
        words = ["from", literal, f"(helo={_comment(said)} {known})"]
    if hop.tls:
        cipher = f" cipher {_comment(hop.tls_cipher)}" if hop.tls_cipher else ""
        words.append(f"(using {_comment(hop.tls)}{cipher})")
    words += ["by", _comment(by), "with", transmission_type(hop), "id", _comment(message_id)]
    if recipient and not _UNSAFE_VALUE.search(recipient) and recipient.count("@") == 1:
        words += ["for", f"<{recipient}>"]
    date = format_datetime(datetime.fromtimestamp(int(received_at), UTC))
    return _fold("Received:", [*_pairs(words), date], last=";")


def _pairs(words: Sequence[str]) -> Iterator[str]:
    """Keep a keyword on the line of its value."""
    keywords = {"from", "by", "with", "id", "for"}
    position = 0
    while position < len(words):
        if words[position] in keywords and position + 1 < len(words):
            yield f"{words[position]} {words[position + 1]}"
            position += 2
        else:
            yield words[position]
            position += 1


def _fold(name: str, pieces: Sequence[str], *, last: str = "") -> bytes:
    """Join pieces to lines; `last` ends the piece before the last one."""
    pieces = [*pieces[:-2], pieces[-2] + last, pieces[-1]] if last else list(pieces)
    lines, line = [], name
    for piece in pieces:
        if len(line) + 1 + len(piece) > LINE and line not in (name, "\t"):
            lines.append(line)
            line = "\t" + piece
        else:
            line = f"{line} {piece}"
    lines.append(line)
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


def _address_literal(ip: str) -> str:
    """RFC 5321 section 4.1.3."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "[0.0.0.0]"
    return f"[IPv6:{address.compressed}]" if address.version == 6 else f"[{address}]"


def _comment(text: str) -> str:
    return _UNSAFE_COMMENT.sub("?", text[:MAX_VALUE]) or "?"


def received_spf_field(
    result: str, *, by: str, identity: str, domain: str, ip: str, helo: str, envelope_from: str
) -> bytes:
    """One Received-SPF field with its CRLF (RFC 7208 section 9.1). `result` is a word of SPF, `identity` is mailfrom or
    helo, `domain` the one that was checked. A value that could be read as something else is left out."""
    if not _WORD.match(result):
        raise ValueError(f"not a result: {result!r}")
    stated = [("client-ip", ip), ("envelope-from", envelope_from), ("helo", helo), ("receiver", by)]
    pairs = [f"{name}={_quoted(value)};" for name, value in stated if value and _is_plain(value)]
    comment = f"({_comment(by)}: {_comment(identity)} {_comment(domain)})"
    return _fold("Received-SPF:", [result, comment, *pairs, f"identity={_comment(identity)}"])


def _is_plain(value: str) -> bool:
    return len(value) <= MAX_VALUE and value.isascii() and value.isprintable() and not set(value) & {'"', "\\"}


def _quoted(value: str) -> str:
    return value if _DOT_ATOM.match(value) else f'"{value}"'


# ------------------------------------------------------------------------------- Authentication-Results


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One result of one method (`resinfo` of RFC 8601 section 2.2).

    `properties` are (ptype, property, value), such as ("smtp", "mailfrom", "example.org").
    """

    method: str
    result: str
    reason: str = ""
    properties: tuple[tuple[str, str, str], ...] = ()


def authentication_results(authserv_id: str, results: Sequence[MethodResult]) -> bytes:
    """One Authentication-Results field with its CRLF; without results it says `none`.

    Values that could be read as something else are left out rather than changed, since a changed domain would be a
    false statement. Raises ValueError if our own `authserv_id`, a method or a result is no word of RFC 8601.
    """
    header = authres.AuthenticationResultsHeader(
        authserv_id=_own_id(authserv_id), results=[_authres_result(each) for each in results]
    )
    _, *stated = str(header).split("; ")
    pieces = [f"{header.authserv_id};"]
    for number, each in enumerate(stated):
        words = list(_words_outside_quotes(each))
        if number < len(stated) - 1:
            words[-1] += ";"
        pieces += words
    return _fold("Authentication-Results:", pieces)


def _own_id(authserv_id: str) -> str:
    if not _DOT_ATOM.match(authserv_id):
        raise ValueError(f"not an authserv-id: {authserv_id!r}")
    return authserv_id


def _authres_result(each: MethodResult) -> AuthenticationResult:
    if not (_WORD.match(each.method) and _WORD.match(each.result)):
        raise ValueError(f"not a method and its result: {each.method!r}, {each.result!r}")
    safe = [
        AuthenticationResultProperty(ptype, name, value)
        for ptype, name, value in each.properties
        if value and len(value) <= MAX_VALUE and not _UNSAFE_VALUE.search(value)
    ]
    # authres reads a quoted value only where nothing follows it.
    safe.sort(key=_is_quoted)
    return AuthenticationResult(
        each.method,
        result=each.result,
        reason=" ".join(_UNSAFE_REASON.sub(" ", each.reason[:MAX_VALUE]).split()) or None,
        properties=safe,
    )


def _is_quoted(each: AuthenticationResultProperty) -> bool:
    return str(each.value.quote_if_needed()).startswith('"')


def _words_outside_quotes(text: str) -> Iterator[str]:
    yield from re.findall(r'(?:"[^"]*"|[^\s"])+', text)
