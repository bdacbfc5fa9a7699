"""What the DNS may be asked and what it may answer, as plain values. Knows no library and no network.

Records stand in presentation form (RFC 1035 section 5.1) with names in lower case and without the trailing dot. The
strings of a TXT record are joined without a space (RFC 7208 section 3.3, RFC 6376 section 3.6.2.2) and each octet is
one character of Latin-1: `record.encode("latin-1")` gives the octets back.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.checks.dns.domains import dns_name
from gateway.facts.evidence import DnsRecorded


class Status(StrEnum):
    """How an answer ended: NODATA and NXDOMAIN are knowledge (RFC 2308), TIMEOUT and SERVFAIL are the lack of it."""

    OK = "ok"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    TIMEOUT = "timeout"
    SERVFAIL = "servfail"


@dataclass(frozen=True, slots=True)
class Question:
    """One name and one type, in the only spelling that is used: make it with `question`."""

    name: str
    type: str

    def __str__(self) -> str:
        return f"{self.name} {self.type}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question. `ttl` is in seconds; `authenticated` is the AD bit of the nameserver (RFC 4035).

    The bit means what the operator's nameserver is worth: trust it only over a path that you trust.
    """

    status: Status
    records: tuple[str, ...] = ()
    ttl: float = 0.0
    authenticated: bool = False

    @property
    def failed(self) -> bool:
        """Whether nothing is known: what the standards call a temporary error."""
        return self.status is Status.TIMEOUT or self.status is Status.SERVFAIL

    def recorded(self, question: Question) -> DnsRecorded:
        """The answer as it is kept with the evidence."""
        return DnsRecorded(question.name, question.type, self.status.value, self.records)


NO_SUCH_NAME: Final = Answer(Status.NXDOMAIN)
TIMED_OUT: Final = Answer(Status.TIMEOUT)
BROKEN: Final = Answer(Status.SERVFAIL)


def question(name: str, type: str) -> Question | None:
    """The question in its one spelling, or None if the DNS cannot hold such a name, which answers it."""
    spelled = dns_name(name)
    return None if spelled is None else Question(spelled, type.upper())
