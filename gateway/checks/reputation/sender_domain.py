"""Whether the domain of a reverse-path could take an answer: its MX, and where there is none its addresses (RFC 5321
section 5.1, RFC 7505 section 3). Tries no connection."""

from __future__ import annotations

from gateway.checks.dns.answering import Answering, Lookup
from gateway.checks.dns.answers import Status
from gateway.facts.connection import SenderDomain
from gateway.facts.outcome import Known, Outcome, Unknown


async def check_sender_domain(resolver: Answering, domain: str) -> Outcome[SenderDomain]:
    """`Unknown` when the DNS failed."""

    def run(lookup: Lookup) -> Outcome[SenderDomain]:
        mx = lookup(domain, "MX")
        if mx.failed:
            return Unknown("DNS failed for the domain of the sender")
        if mx.status is Status.NXDOMAIN:
            return Known(SenderDomain.NO_SUCH_DOMAIN)
        if mx.records:
            return Known(SenderDomain.NULL_MX if _is_null(mx.records) else SenderDomain.TAKES_MAIL)
        addresses = lookup.all(((domain, "A"), (domain, "AAAA")))
        if any(answer.records for answer in addresses):
            return Known(SenderDomain.TAKES_MAIL)
        if any(answer.failed for answer in addresses):
            return Unknown("DNS failed for the domain of the sender")
        return Known(SenderDomain.NO_HOST)

    solution = await resolver.solve(run, deadline=resolver.deadline(), budget=3)
    return solution if isinstance(solution, Unknown) else solution.value


def _is_null(records: tuple[str, ...]) -> bool:
    """A single MX that names the root. Its preference should be 0; nobody means anything else by another one."""
    return len(records) == 1 and records[0].partition(" ")[2].strip(".") == ""
