"""Where mail goes on: routes as an operator writes them, destination keys as the ledger keeps them, and the endpoints
that both mean. Pure: resolves no name, opens nothing.

A route is `mailbox`, `lmtp://HOST:PORT`, `lmtp+unix:PATH`, `smtp://HOST:PORT[,HOST:PORT]` or `mx`. A destination key
is a route in its one canonical spelling, where `mx` has become `mx:DOMAIN`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from gateway.mail.address import MAX_DOMAIN, Address

SMTP_PORT: Final = 25
LMTP_PORT: Final = 24
MAX_HOPS: Final = 8
"""Hosts that one route may name: each of them may cost a connect timeout in one attempt."""

_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)(?::(?P<port>\d{1,5}))?\Z")
_DOMAIN = re.compile(r"[^\s,/@:\x00-\x1f\x7f]+\Z")
_LITERAL = re.compile(r"\[[^\s,/@\[\]\x00-\x1f\x7f]+\]\Z")


class BadRoute(ValueError):
    """The text is no route. The message says what is wrong and how a route is written."""


class Language(Enum):
    """What a next hop speaks."""

    SMTP = "smtp"
    LMTP = "lmtp"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One door of one next hop. `path` is set for a UNIX socket, then `host` and `port` mean nothing.

    `name` is the host's name where `host` is an address that was found for it; people read it, and TLS asks for it.
    """

    language: Language
    host: str = ""
    port: int = 0
    path: str = ""
    name: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"{self.language.value}+unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.name}[{self.host}]:{self.port}" if self.name else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ToMailbox:
    """Into the store that the gateway ships."""


@dataclass(frozen=True, slots=True)
class ToHops:
    """To hosts that the operator named; the first that answers takes it."""

    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class ToExchangers:
    """To the mail exchangers that DNS names for a domain (RFC 5321 section 5)."""

    domain: str


Route = ToMailbox | ToHops | ToExchangers


def parse_route(text: str, *, domain: str = "") -> Route:
    """Read a route or a destination key. `domain` is what a bare `mx` stands for. Raises `BadRoute`."""
    text = text.strip()
    if text == "mailbox":
        return ToMailbox()
    if text == "mx" or text.startswith("mx:"):
        return ToExchangers(_exchange_domain(text[3:] or domain))
    if text.startswith("lmtp+unix:"):
        return ToHops((Endpoint(Language.LMTP, path=_socket_path(text.removeprefix("lmtp+unix:"))),))
    scheme, separator, hosts = text.partition("://")
    if not separator or scheme not in ("smtp", "lmtp"):
        raise BadRoute(
            f"{text!r} is no route: write mailbox, lmtp://HOST:PORT, lmtp+unix:PATH, smtp://HOST:PORT[,HOST:PORT] or mx"
        )
    named = hosts.removesuffix("/").split(",")
    if len(named) > MAX_HOPS:
        raise BadRoute(f"a route names at most {MAX_HOPS} hosts")
    if scheme == "lmtp" and len(named) > 1:
        raise BadRoute("an lmtp route names one host")
    return ToHops(tuple(_endpoint(Language(scheme), each.strip()) for each in named))


def destination_key(route: Route) -> str:
    """The one spelling under which couriers claim what goes there; `parse_route` reads it back."""
    match route:
        case ToMailbox():
            return "mailbox"
        case ToExchangers(domain):
            return f"mx:{domain}"
        case ToHops(endpoints) if endpoints[0].path:
            return str(endpoints[0])
        case ToHops(endpoints):
            return f"{endpoints[0].language.value}://{','.join(str(each) for each in endpoints)}"


@dataclass(frozen=True, slots=True)
class Routes:
    """The routing table: our own domains and addresses with their routes as written; all others go to their exchangers.

    `mailbox` is the door of the shipped store, or None where none runs. Raises `BadRoute`.
    """

    mailbox: Endpoint | None = None
    domains: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, written in self.domains.items():
            parse_route(written, domain=name.rpartition("@")[2])

    def destination_of(self, address: Address) -> str:
        """The destination key for mail to this address."""
        written = self.domains.get(address.key) or self.domains.get(address.domain, "mx")
        return destination_key(parse_route(written, domain=address.domain))


def _exchange_domain(domain: str) -> str:
    domain = domain.strip().removesuffix(".").lower()
    if not domain:
        raise BadRoute("an mx route needs a domain")
    if len(domain) > MAX_DOMAIN or not (_DOMAIN.match(domain) or _LITERAL.match(domain)):
        raise BadRoute("an mx route needs a domain name or an address literal")
    return domain


def _socket_path(path: str) -> str:
    if not path.startswith("/") or "\0" in path or len(path.encode()) > 107:
        raise BadRoute("lmtp+unix needs an absolute path of at most 107 octets")
    return path


def _endpoint(language: Language, text: str) -> Endpoint:
    match = _HOST.match(text)
    if not match:
        raise BadRoute(f"{text!r} is no HOST:PORT")
    port = int(match["port"]) if match["port"] else (SMTP_PORT if language is Language.SMTP else LMTP_PORT)
    if not 0 < port < 65536:
        raise BadRoute(f"{text!r}: a port is 1 to 65535")
    return Endpoint(language, host=match["host"].strip("[]").lower(), port=port)
