"""Who connected, and what is known about that host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.facts.outcome import NOT_ASKED, Outcome


@dataclass(frozen=True, slots=True)
class DnsblFact:
    """DNS block lists that named the client: the sum of their weights, and (zone, answer) for each.

    `unusable` are the lists that could not be counted, as (zone, why): silent, refusing us, or answering nonsense.
    `good` is what lists of good clients alone say, as a positive number; `score` has it taken off already.
    """

    score: float
    listings: tuple[tuple[str, str], ...] = ()
    unusable: tuple[tuple[str, str], ...] = ()
    good: float = 0.0


@dataclass(frozen=True, slots=True)
class NetworkFact:
    """The autonomous system that announces the client's address (RFC 4271) and whose it is; number 0 and an empty name
    where the map has nobody."""

    asn: int = 0
    organisation: str = ""


class SenderDomain(StrEnum):
    """What the DNS says of the domain of a reverse-path: whether an answer to the sender could be delivered."""

    TAKES_MAIL = "takes-mail"
    NULL_MX = "null-mx"  # it says that it takes none (RFC 7505)
    NO_HOST = "no-host"  # it exists, with neither MX nor address (RFC 5321 section 5.1)
    NO_SUCH_DOMAIN = "no-such-domain"


@dataclass(frozen=True, slots=True)
class PastFact:
    """What the client did in the last hour, before this connection: at all processes of this machine."""

    connections: int = 0
    messages: int = 0
    errors: int = 0
    unknown_recipients: int = 0


@dataclass(frozen=True, slots=True)
class GreylistFact:
    """Whom the greylist was asked about. `waiting` are the recipients for whom the sender has to come back, in lower
    case; `let_in_at` is when (seconds since the epoch); `waited` are the seconds that passing just now has cost;
    `pool` is whom the sender counts as."""

    waiting: tuple[str, ...] = ()
    pool: str = ""
    let_in_at: float = 0.0
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class CertificateFact:
    """The certificate by which a client proved who it is (RFC 8446 section 4.4.2). `fingerprint` is its SHA-256 in
    small hexadecimal digits; `names` are the names that it holds, in lower case; `authorities` is the file with which
    it was verified. All are empty where none was verified."""

    fingerprint: str = ""
    names: tuple[str, ...] = ()
    authorities: str = ""


@dataclass(frozen=True, slots=True)
class ClientFact:
    """The host that connected. `ip` is textual; `reverse_name` is its PTR name if that resolves back, else empty.

    `tls` is the protocol version ("TLSv1.3") or empty; `user` is who authenticated, or empty.
    `sender_domain` is asked at each MAIL, about its domain. `door` is the kind of listener ("mx"); `country` is a code
    of ISO 3166-1, empty where the map has none.
    """

    ip: str
    port: int = 0
    helo: str = ""
    reverse_name: Outcome[str] = NOT_ASKED
    tls: str = ""
    tls_cipher: str = ""
    user: str = ""
    dnsbl: Outcome[DnsblFact] = NOT_ASKED
    esmtp: bool = True
    past: Outcome[PastFact] = NOT_ASKED
    sender_domain: Outcome[SenderDomain] = NOT_ASKED
    door: str = ""
    network: Outcome[NetworkFact] = NOT_ASKED
    country: Outcome[str] = NOT_ASKED
    certificate: CertificateFact = CertificateFact()
