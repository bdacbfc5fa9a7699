"""Judgement for the front door: scan, ask the greylist where the policy wants it, decide, stamp, in this order, with
the policy in force when the message ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.app.alerts import Alerts
from gateway.app.door.correspondents import Correspondents
from gateway.checks.authentication.dkim import LARGE
from gateway.counters.counters import Counters
from gateway.counters.pools import visits_of
from gateway.facts.connection import ClientFact, GreylistFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.inbound.ports import Judged
from gateway.mail.envelope import Direction, Envelope
from gateway.mail.message import Message
from gateway.pipeline.scan import Scanner
from gateway.pipeline.stamp import Stamper
from gateway.policy.decide import decide_all, who_would_wait
from gateway.policy.lists import EntryList
from gateway.policy.policy import Policy
from gateway.policy.verdict import Disposition, Keeping
from gateway.queue.identifiers import text_of
from gateway.telemetry import GREYLIST_MINUTES, GREYLISTED

OWN: Final = Skipped("our own network")
CORRESPONDENT: Final = Skipped("a known correspondent")


class Judging:
    """The `Judge` that the front door is given. `own` are networks that are never greylisted."""

    def __init__(
        self,
        scanner: Scanner,
        stamper: Stamper,
        current_policy: Callable[[], Policy],
        *,
        counters: Counters,
        own: EntryList,
    ) -> None:
        self._scanner = scanner
        self._stamper = stamper
        self._current_policy = current_policy
        self._counters = counters
        self._correspondents = Correspondents(counters)
        self._own = own
        self._alerts = Alerts(counters)

    async def __call__(
        self, message: Message, *, envelope: Envelope, client: ClientFact, received_at: float, message_id: int
    ) -> Judged:
        """What is known of the message and what becomes of it."""
        evidence = await self._scanner.scan(message, envelope, client, received_at=received_at)
        policy = self._current_policy()
        if waiting := who_would_wait(evidence, policy):
            evidence = replace(evidence, greylist=await self._greylist(evidence, waiting, policy))
        settlement = decide_all(evidence, policy)
        if any(verdict.keeping is Keeping.PARKED for _, verdict in settlement.verdicts):
            reference = text_of(message_id)
            words = f"message {reference} broke its examination again and again: it waits for a person"
            await self._alerts.raise_one(f"parked {reference}", words)
        if envelope.direction is Direction.OUTBOUND and settlement.disposition is Disposition.DELIVER:
            await self._correspondents.wrote(evidence)
        stamp = partial(self._stamper.stamp, message, envelope, evidence, settlement, reference=text_of(message_id))
        # Signing hashes the body: a large one would keep all other sessions waiting.
        stamps = await asyncio.to_thread(stamp) if message.size > LARGE else stamp()
        return Judged(
            evidence=evidence,
            settlement=settlement,
            prefix=stamps.prefix,
            cuts=stamps.cuts,
            own_fields=stamps.own,
            policy_version=policy.version,
            retention=policy.retention,
        )

    async def _greylist(self, evidence: Evidence, recipients: tuple[str, ...], policy: Policy) -> Outcome[GreylistFact]:
        """Which of these recipients' copies have to come back. All of them are written down before anybody is told."""
        if self._own.holds(evidence.client.ip, at=0.0):
            return OWN
        if await self._correspondents.know(evidence, recipients):
            GREYLISTED.labels("correspondent").inc()
            return CORRESPONDENT
        visits = visits_of(evidence, recipients)
        outcome = await self._counters.meet(visits, policy.greylisting)
        if not isinstance(outcome, Known):
            GREYLISTED.labels("unknown").inc()
            return Unknown(outcome.why)
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
