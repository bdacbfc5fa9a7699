"""Reports that arrive as mail, read on their way to the mailbox that our DMARC records name (rua): kept if their sender
proved who he is and the report is about a domain of ours. Everything else is mail like any other.

Bounded in octets, elements and number at a time; a message that breaks the reader is delivered all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from gateway.checks.dns.domains import host_domain, is_within
from gateway.mail.message import BadMessage, Message
from gateway.mail.results import own_results
from gateway.reports.archive import Archive
from gateway.reports.received import parse
from gateway.reports.unpacking import BadReport, xml_of
from gateway.telemetry import log

_PROOFS: Final = frozenset({("dmarc", "pass"), ("dkim", "pass")})


class ReportReader:
    """Reads one report at a time. `is_ours` says whether we receive mail for a domain, named as `host_domain` does."""

    def __init__(self, archive: Archive, *, authserv_id: str, is_ours: Callable[[str], bool]) -> None:
        self._archive = archive
        self._authserv_id = authserv_id
        self._is_ours = is_ours
        self._alone = asyncio.Lock()

    async def read(self, octets: bytes) -> bool:
        """Whether the message, with our own fields on top, was a report that is kept now. Raises OSError where it
        cannot be kept."""
        async with self._alone:
            return await asyncio.to_thread(self._read, octets)

    def _read(self, octets: bytes) -> bool:
        try:
            stated = own_results(Message.from_wire(octets), self._authserv_id)
            if not _PROOFS & {(each.method, each.result) for each in stated}:
                raise BadReport("its sender did not prove who he is")
            report = parse(xml_of(octets))
        except (BadReport, BadMessage) as error:
            log().warning("report_not_read", why=str(error))
            return False
        if not self._is_ours(host_domain(report.domain) or ""):
            log().warning("report_not_ours", domain=report.domain[:100])
            return False
        name = self._archive.keep(report)
        log().info("report_kept", id=name, domain=report.domain, organization=report.organization[:100])
        return True


def within_any(domains: Callable[[], frozenset[str]]) -> Callable[[str], bool]:
    """`is_ours` for a set of domains that may change: each with all below it."""
    return lambda domain: any(is_within(domain, each) for each in domains())
