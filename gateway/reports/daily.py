"""DMARC aggregate reports, once a day: counts yesterday's mail, asks who may be told, and puts one message for each
addressee into our own queue, slowly, so that no other mail waits for it.

Sends nothing unsigned: reports must pass DMARC themselves (RFC 9990, "Email").
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Final

from gateway.checks.authentication.public_suffixes import PublicSuffixes
from gateway.checks.dns.answering import Answering
from gateway.clock import Clock, pause
from gateway.facts.connection import ClientFact
from gateway.facts.evidence import Evidence
from gateway.mail.address import Address
from gateway.mail.envelope import Direction, Envelope, Recipient
from gateway.queue.custody import Custody
from gateway.queue.records import Acceptance, JudgedMail, Judgement, Listing, NewRecipient
from gateway.queue.states import State
from gateway.reports import letter
from gateway.reports.aggregate import Discovery, Period, Report, Reporter
from gateway.reports.destinations import destinations
from gateway.reports.journal import Journal
from gateway.reports.tally import DomainTally, Tally
from gateway.telemetry import log

PAGE: Final = 200
"""Messages read from the ledger at a time."""

PACE: Final = 1.0
"""Seconds between two reports."""

MAX_REPORTS: Final = 5000
"""Domains that are reported to about one day."""

REST: Final = 600.0
"""Seconds between two looks whether a day is over."""

DELAY: Final = 600
"""Seconds after midnight at which the earliest installation begins. Each begins at a time of its own within the hour
after it, since consumers get the reports of all the world at night."""

SPREAD: Final = 3600


class DailyReports:
    """One for each installation. `sign` puts our signature on a message, or gives it back as it is; `destination_of`
    says under which key couriers claim mail to an address; `suffixes` gives the public suffix list of an operator who
    judges by one."""

    def __init__(
        self,
        custody: Custody,
        resolver: Answering,
        journal: Journal,
        clock: Clock,
        *,
        reporter: Reporter,
        sign: Callable[[bytes], bytes],
        destination_of: Callable[[Address], str],
        suffixes: Callable[[], PublicSuffixes | None] = lambda: None,
        pace: float = PACE,
    ) -> None:
        self._custody = custody
        self._resolver = resolver
        self._journal = journal
        self._clock = clock
        self._reporter = reporter
        self._author = Address.parse(reporter.email)
        self._sign = sign
        self._destination_of = destination_of
        self._suffixes = suffixes
        self._pace = pace

    async def run(self, stop: asyncio.Event) -> None:
        """Report each day when it is over, until told to stop. A run that fails is logged, and goes on where it was."""
        while not stop.is_set():
            try:
                await self.round(stop)
            except Exception as error:  # noqa: BLE001 - logged, and tried again: mail must flow without reports
                log().exception("reports_failed", error=repr(error))
            await pause(REST, until=stop)

    async def round(self, stop: asyncio.Event) -> int:
        """Send what is due now; answers how many messages that were."""
        now = self._clock.now()
        today = Period.of(now)
        period = today.before
        offset = DELAY + zlib.crc32(self._reporter.receiver.encode()) % SPREAD
        if now < today.begin + offset or self._journal.is_done(period):
            return 0
        if self._sign(probe := f"From: {self._reporter.email}\r\n\r\n".encode()) == probe:
            log().error("reports_unsigned", alert=True, domain=self._author.domain, mend="postern dkim keygen")
            return 0
        tally = await self._count(period, stop)
        if stop.is_set():
            return 0
        number = 0
        already = self._journal.sent(period)
        for domain in sorted(tally.domains)[:MAX_REPORTS]:
            if stop.is_set():
                return number
            if domain not in already:
                number += await self._send(self._report(domain, period, tally.domains[domain]))
                self._journal.note_sent(period, domain)
                await pause(self._pace, until=stop)
        if len(tally.domains) > MAX_REPORTS:
            log().warning("reports_left_out", number=len(tally.domains) - MAX_REPORTS)
        self._journal.note_done(period)
        log().info("reports_sent", domains=len(tally.domains), messages=number)
        return number

    async def _count(self, period: Period, stop: asyncio.Event) -> Tally:
        """Everything of the day, unless told to stop."""
        tally, after = Tally(), 0
        while not stop.is_set():
            page = await self._custody.judged_between(begin=period.begin, end=period.end + 1, after=after, limit=PAGE)
            if not page:
                break
            await asyncio.to_thread(_add_all, tally, page)
            after = page[-1].id
        return tally

    def _report(self, domain: str, period: Period, tally: DomainTally) -> Report:
        discovery = Discovery.TREE_WALK if self._suffixes() is None else Discovery.SUFFIX_LIST
        return Report(self._reporter, domain, period, tally, discovery)

    async def _send(self, report: Report) -> int:
        addresses = await destinations(
            self._resolver, report.domain, report.tally.record.report_uris, suffixes=self._suffixes()
        )
        for address in addresses:
            now = self._clock.now()
            await self._entrust(self._sign(letter.write(report, to=address, written_at=now)), address, at=now)
        return len(addresses)

    async def _entrust(self, octets: bytes, to: Address, *, at: float) -> None:
        """Nobody waits for news of a report: no notification is asked for, and none of ours is made."""
        recipient = Recipient(to, notify=frozenset({"NEVER"}))
        incoming = self._custody.incoming()
        try:
            incoming.write(octets)
            await self._custody.accept(
                Acceptance(
                    received_at=at,
                    envelope=Envelope(self._author, (recipient,), direction=Direction.OUTBOUND),
                    client=ClientFact(ip=""),
                    prefix=b"",
                    cuts=(),
                    evidence=b"{}",
                    policy_version="",
                    listing=Listing(
                        author_name=self._reporter.organization,
                        author_address=self._reporter.email,
                        subject="DMARC aggregate report",
                        attachments=1,
                    ),
                    recipients=(NewRecipient(recipient, State.QUEUED, self._destination_of(to), Judgement("deliver")),),
                    may_bounce=False,
                ),
                incoming,
            )
        finally:
            incoming.discard()


def _add_all(tally: Tally, page: list[JudgedMail]) -> None:
    for each in page:
        try:
            evidence = Evidence.from_json(each.evidence)
        except ValueError as error:
            log().warning("evidence_unreadable", id=each.id, error=str(error))
            continue
        tally.add(evidence, each.dispositions, codes=each.codes)
