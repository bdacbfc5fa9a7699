"""Who has to come back before mail is taken (RFC 6647): asked at RCPT where the client's group says so, and after DATA
where a rule does. Both ask one list, so that nobody comes back twice.

Never delays our own networks, whoever one of us wrote to, a sender that is known by any of its pools, or anybody who
could not be written down. At RCPT it never delays the null reverse-path either: bounces and call-backs of other hosts
come with it, and a call-back that is deferred delays mail of ours.
"""

from __future__ import annotations

from typing import Final

from gateway.app.door.correspondents import Correspondents
from gateway.checks.authentication.spf import check_spf
from gateway.checks.dns.answering import Answering
from gateway.counters.counters import Counters
from gateway.counters.pools import visit_before_data, visits_of
from gateway.counters.records import Visit
from gateway.facts.auth import Auth, SpfFact
from gateway.facts.connection import ClientFact, GreylistFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown, known_or_none
from gateway.inbound.ports import Group, PolicyInForce
from gateway.mail.address import Address, ReversePath
from gateway.policy.lists import EntryList
from gateway.policy.policy import Greylisting, Strangers
from gateway.telemetry import GREYLIST_MINUTES, GREYLISTED

OWN: Final = Skipped("our own network")
CORRESPONDENT: Final = Skipped("a known correspondent")


class Greylister:
    """The `Greylist` that the front door is given, and the judge's. `own` are networks that are never delayed."""

    def __init__(self, counters: Counters, resolver: Answering, *, own: EntryList) -> None:
        self._counters = counters
        self._resolver = resolver
        self._correspondents = Correspondents(counters)
        self._own = own

    async def must_come_back(
        self, client: ClientFact, *, reverse_path: ReversePath, recipient: Address, policy: PolicyInForce, group: Group
    ) -> str:
        """At RCPT: why the client must, for the record; empty: it may go on."""
        if group.strangers is Strangers.WELCOME or reverse_path is None or self._own.holds(client.ip, at=0.0):
            return ""
        sender, name = str(reverse_path), str(recipient)
        if await self._correspondents.know_each_other(ours=(name,), theirs=(sender,)):
            GREYLISTED.labels("correspondent").inc()
            return ""
        spf = await self._spf(client, sender)
        if group.strangers is Strangers.HAVE_TO_COME_BACK_UNPROVEN and _is_proven(spf):
            return ""
        visit = visit_before_data(client, spf, reverse_path=sender, recipient=name)
        fact = known_or_none(await self._meet((visit,), policy.greylisting))
        if fact is None or not fact.waiting:
            return ""
        seconds = max(0.0, fact.let_in_at - self._counters.now())
        return f"greylisted: counts as {visit.pool}, is let in after {seconds:.0f} s"

    async def after_data(
        self, evidence: Evidence, recipients: tuple[str, ...], timing: Greylisting
    ) -> Outcome[GreylistFact]:
        """Which of these recipients' copies have to come back. All of them are written down before anybody is told."""
        if self._own.holds(evidence.client.ip, at=0.0):
            return OWN
        if await self._correspondents.know(evidence, recipients):
            GREYLISTED.labels("correspondent").inc()
            return CORRESPONDENT
        return await self._meet(visits_of(evidence, recipients), timing)

    async def _spf(self, client: ClientFact, sender: str) -> Outcome[SpfFact]:
        return await check_spf(self._resolver, ip=client.ip, helo=client.helo, reverse_path=sender)

    async def _meet(self, visits: tuple[Visit, ...], timing: Greylisting) -> Outcome[GreylistFact]:
        outcome = await self._counters.meet(visits, timing)
        if not isinstance(outcome, Known):
            GREYLISTED.labels("unknown").inc()
            return Unknown(getattr(outcome, "why", ""))
        fact = GreylistFact(
            waiting=tuple(visit.recipient for visit, met in zip(visits, outcome.value, strict=True) if not met.passed),
            pool=visits[0].pool,
            let_in_at=max(met.let_in_at for met in outcome.value),
            waited=max((met.waited or 0.0) for met in outcome.value),
        )
        if fact.waited and not fact.waiting:
            GREYLIST_MINUTES.inc(fact.waited / 60.0)
        GREYLISTED.labels("waits" if fact.waiting else "came back" if fact.waited else "known").inc()
        return Known(fact)


def _is_proven(spf: Outcome[SpfFact]) -> bool:
    fact = known_or_none(spf)
    return fact is not None and fact.result is Auth.PASS
