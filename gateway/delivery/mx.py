"""Mail exchangers of a domain: RFC 5321 section 5.1 (order, address fall-back, our own name in the list), RFC 7505
(null MX).

DNS and randomness are passed in. Never opens a connection, never raises for what DNS says: a refusal is a `Reply` whose
class tells temporary from permanent.
"""

from __future__ import annotations

import ipaddress
import random
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from gateway.mail import replies
from gateway.mail.replies import Reply

MAX_EXCHANGERS: Final = 20
"""Names taken from one answer: a hostile zone may list hundreds."""

MAX_ADDRESSES: Final = 4
"""Addresses taken of one exchanger."""


class DnsAnswer(Protocol):
    """What a look-up gave: `status` is ok, nodata, nxdomain, timeout or servfail; `records` in presentation form."""

    @property
    def status(self) -> str: ...

    @property
    def records(self) -> tuple[str, ...]: ...


Query = Callable[[str, str], Awaitable[DnsAnswer]]
"""`await query(name, type)`: never raises."""


async def find_exchangers(
    query: Query, domain: str, *, own_name: str, randomness: random.Random
) -> tuple[str, ...] | Reply:
    """Host names to try, best first; hosts of equal preference in random order. An address literal is its own host."""
    if domain.startswith("["):
        return (domain.strip("[]").removeprefix("ipv6:"),)
    name = ascii_domain(domain)
    answer = await query(name, "MX")
    if answer.status == "nxdomain":
        return replies.NO_SUCH_DOMAIN
    if answer.status == "nodata":
        return (name,)  # the domain itself is the exchanger: RFC 5321 section 5.1, implicit MX
    if answer.status != "ok":
        return replies.DOMAIN_UNKNOWN_NOW
    ranked = [pair for pair in map(_read_mx, answer.records[:MAX_EXCHANGERS]) if pair]
    if not ranked:
        return replies.BAD_EXCHANGER
    if all(host == "" for _, host in ranked):
        return replies.NULL_MX
    return _order(ranked, own_name=own_name, randomness=randomness)


async def find_addresses(query: Query, host: str, *, is_usable: Callable[[str], bool]) -> tuple[str, ...] | Reply:
    """Addresses of an exchanger, IPv6 before IPv4; those that `is_usable` refuses are left out."""
    if _is_address(host):
        return (host,) if is_usable(host) else replies.MAIL_LOOP
    found: list[str] = []
    asked = [await query(host, "AAAA"), await query(host, "A")]
    for answer in asked:
        if answer.status == "ok":
            found += [each for each in answer.records[:MAX_ADDRESSES] if _is_address(each)]
    usable = tuple(each for each in found if is_usable(each))
    if usable:
        return usable
    if found:
        return replies.MAIL_LOOP
    if any(answer.status in ("timeout", "servfail") for answer in asked):
        return replies.DOMAIN_UNKNOWN_NOW
    return replies.BAD_EXCHANGER


def is_elsewhere(address: str) -> bool:
    """Whether mail sent to this address leaves the machine. A stranger's zone may point at 127.0.0.1 and make us talk
    to ourselves."""
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return not (parsed.is_loopback or parsed.is_unspecified or parsed.is_multicast or parsed.is_link_local)


def ascii_domain(domain: str) -> str:
    """The form that DNS knows (RFC 5891 section 4.4). Labels are taken as valid U-labels; nothing is mapped, so that no
    domain becomes another one, as the older rules did to the German sharp s."""
    return ".".join(label if label.isascii() else _a_label(label) for label in domain.split("."))


def _a_label(label: str) -> str:
    return "xn--" + unicodedata.normalize("NFC", label).encode("punycode").decode("ascii")


def _read_mx(record: str) -> tuple[int, str] | None:
    preference, _, host = record.partition(" ")
    if not (preference.isascii() and preference.isdigit()):
        return None
    return int(preference), host.strip().rstrip(".").lower()


def _order(ranked: list[tuple[int, str]], *, own_name: str, randomness: random.Random) -> tuple[str, ...] | Reply:
    ours = own_name.rstrip(".").lower()
    own_rank = min((preference for preference, host in ranked if host == ours), default=None)
    if own_rank is not None:
        # Only hosts nearer to the mailbox than we are may have it, or two exchangers play ball with it.
        ranked = [pair for pair in ranked if pair[0] < own_rank]
        if not ranked:
            return replies.MAIL_LOOP
    ranked = [pair for pair in ranked if pair[1]]
    randomness.shuffle(ranked)
    ranked.sort(key=lambda pair: pair[0])
    return tuple(dict.fromkeys(host for _, host in ranked))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
