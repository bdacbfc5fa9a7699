"""The name of the client: what its address points to, if that points back (RFC 8601 section 2.7.3, iprev; FCrDNS)."""

from __future__ import annotations

from typing import Final

from gateway.checks.answering import Answering, Lookup
from gateway.checks.answers import Status
from gateway.checks.dnsbl import reversed_labels
from gateway.checks.domains import dns_name
from gateway.facts.outcome import Known, Outcome, Unknown

MAX_NAMES: Final = 5
"""Names of one address that are looked at."""


async def verified_name(resolver: Answering, ip: str) -> Outcome[str]:
    """The first PTR name that resolves back to the address; empty if there is none; `Unknown` if the DNS failed."""
    try:
        labels = reversed_labels(ip)
    except ValueError:
        return Unknown("the address of the client is not an IP address")
    is_ipv4 = labels.count(".") == 3
    zone, type = ("in-addr.arpa", "A") if is_ipv4 else ("ip6.arpa", "AAAA")
    own = ".".join(reversed(labels.split("."))) if is_ipv4 else labels

    def run(lookup: Lookup) -> Outcome[str]:
        pointed = lookup(f"{labels}.{zone}", "PTR")
        if pointed.failed:
            return Unknown("DNS failed for the name of the client")
        names = [name for name in pointed.records[:MAX_NAMES] if dns_name(name)]
        answers = lookup.all((name, type) for name in names)
        for name, answer in zip(names, answers, strict=True):
            if answer.status is Status.OK and any(_same(record, own) for record in answer.records):
                return Known(name)
        return Unknown("DNS failed for the name of the client") if any(each.failed for each in answers) else Known("")

    def _same(record: str, own: str) -> bool:
        return record == own if is_ipv4 else reversed_labels(record) == own

    solution = await resolver.solve(run, deadline=resolver.deadline(), budget=1 + MAX_NAMES)
    return solution if isinstance(solution, Unknown) else solution.value
