"""The door to dnspython: one question to one nameserver, over UDP and, where the answer was cut, over TCP (RFC 1035
section 4.2, RFC 6891, RFC 7766).

A reply with a wrong id, from a wrong address or to another question is passed over as if it had not come. Never
chooses a nameserver, never caches.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import dns.asyncbackend
import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.resolver

from gateway.checks.dns.answers import BROKEN, Answer, Question, Status
from gateway.checks.dns.domains import dns_name

# Larger datagrams are cut to pieces on the way and lost (DNS flag day 2020).
EDNS_PAYLOAD: Final = 1232

# What one answer may hold. Real ones stay far below; more is a way to make us work.
MAX_RECORDS: Final = 256
MAX_ANSWER: Final = 32 * 1024

DNS_PORT: Final = 53

_NAMES: Final = frozenset({dns.rdatatype.PTR, dns.rdatatype.CNAME, dns.rdatatype.NS})
_TEXTS: Final = frozenset({dns.rdatatype.TXT, dns.rdatatype.SPF})


class Unreachable(Exception):
    """The nameserver gave no usable reply in time. Says nothing about the name that was asked."""


class BadNameserver(ValueError):
    """The text names no nameserver."""


@dataclass(frozen=True, slots=True)
class Nameserver:
    """Where a nameserver listens. `address` is an IP address in text."""

    address: str
    port: int = DNS_PORT

    @classmethod
    def parse(cls, text: str) -> Nameserver:
        """Read `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`. Raises `BadNameserver`."""
        text = text.strip()
        host, port = text, str(DNS_PORT)
        if text.startswith("["):
            host, bracket, rest = text[1:].partition("]")
            if not bracket or (rest and not rest.startswith(":")):
                raise BadNameserver(f"not an address of a nameserver: {text}")
            port = rest[1:] or port
        elif text.count(":") == 1:
            host, _, port = text.partition(":")
        try:
            ipaddress.ip_address(host.partition("%")[0])
            number = int(port)
        except ValueError:
            raise BadNameserver(f"not an address of a nameserver: {text}") from None
        if not 0 < number <= 65535:
            raise BadNameserver(f"not a port: {text}")
        return cls(host, number)

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def system_nameservers() -> tuple[Nameserver, ...]:
    """Those of /etc/resolv.conf; none if it cannot be read."""
    try:
        configured = dns.resolver.Resolver()
    except dns.exception.DNSException:
        return ()
    return tuple(Nameserver(str(each), configured.port) for each in configured.nameservers)


async def ask(nameserver: Nameserver, asked: Question, *, timeout: float) -> Answer:
    """One question, one answer within `timeout` seconds, TCP included. Raises `Unreachable`."""
    try:
        query = dns.message.make_query(_wire_name(asked.name), asked.type, use_edns=0, payload=EDNS_PAYLOAD)
    except dns.exception.DNSException:
        return BROKEN
    # RFC 6840 section 5.7: asks for the AD bit without asking for the signatures.
    query.flags |= dns.flags.AD
    try:
        async with asyncio.timeout(timeout):
            response = await _exchange(nameserver, query)
    except (TimeoutError, OSError, EOFError, dns.exception.DNSException) as error:
        raise Unreachable(f"{nameserver}: {type(error).__name__}") from error
    return _answer(response)


async def is_alive(nameserver: Nameserver, *, timeout: float) -> bool:
    """Whether it answers anything at all: the nameservers of the root, which no sender of mail can make slow."""
    try:
        await ask(nameserver, Question(".", "NS"), timeout=timeout)
    except Unreachable:
        return False
    return True


async def _exchange(nameserver: Nameserver, query: dns.message.Message) -> dns.message.Message:
    backend = dns.asyncbackend.get_backend("asyncio")
    family = socket.AF_INET6 if ":" in nameserver.address else socket.AF_INET
    where = (nameserver.address, nameserver.port)
    # Connected, so that the kernel drops what others send and tells us when nobody listens.
    async with await backend.make_socket(family, socket.SOCK_DGRAM, 0, None, where) as udp:  # type: ignore[no-untyped-call]
        try:
            return await dns.asyncquery.udp(
                query,
                nameserver.address,
                port=nameserver.port,
                sock=udp,
                ignore_unexpected=True,
                ignore_errors=True,
                raise_on_truncation=True,
            )
        except dns.message.Truncated:
            pass
    return await dns.asyncquery.tcp(query, nameserver.address, port=nameserver.port)


def _wire_name(name: str) -> dns.name.Name:
    # Not dns.name.from_text: that would give a backslash in a hostile name its meaning in zone files.
    labels = () if name == "." else tuple(label.encode("ascii") for label in name.split("."))
    return dns.name.Name((*labels, b""))


def _answer(response: dns.message.Message) -> Answer:
    rcode = response.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not isinstance(response, dns.message.QueryMessage):
        return BROKEN
    try:
        chain = response.resolve_chaining()
    except dns.exception.DNSException:
        return BROKEN
    authenticated = bool(response.flags & dns.flags.AD)
    if chain.answer is None:
        status = Status.NXDOMAIN if rcode == dns.rcode.NXDOMAIN else Status.NODATA
        return Answer(status, ttl=chain.minimum_ttl, authenticated=authenticated)
    if len(chain.answer) > MAX_RECORDS:
        return BROKEN
    records = _presented(list(chain.answer))
    if sum(map(len, records)) > MAX_ANSWER:
        return BROKEN
    return Answer(Status.OK, records, chain.minimum_ttl, authenticated)


def _presented(rdatas: Sequence[dns.rdata.Rdata]) -> tuple[str, ...]:
    return tuple(_presented_one(each) for each in rdatas)


def _presented_one(rdata: dns.rdata.Rdata) -> str:
    if rdata.rdtype in _TEXTS:
        return b"".join(rdata.strings).decode("latin-1")  # type: ignore[attr-defined]
    if rdata.rdtype == dns.rdatatype.MX:
        return f"{rdata.preference} {_presented_name(rdata.exchange)}"  # type: ignore[attr-defined]
    if rdata.rdtype in _NAMES:
        return _presented_name(rdata.target)  # type: ignore[attr-defined]
    return rdata.to_text()


def _presented_name(name: dns.name.Name) -> str:
    text = name.to_text()
    return dns_name(text) or text
