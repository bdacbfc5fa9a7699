"""Judgement for the front door: scan, ask the greylist where the policy wants it, decide, take parts out, stamp, in
this order, with the policy in force when the message ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.app.alerts import Alerts
from gateway.app.door.acquaintances import Acquaintances
from gateway.app.door.correspondents import Correspondents
from gateway.app.door.greylisting import Greylister
from gateway.app.door.stripping import Stripping
from gateway.checks.authentication.verification import LARGE
from gateway.counters.counters import Counters
from gateway.facts.connection import ClientFact
from gateway.inbound.ports import InItsPlace, Judged
from gateway.mail.envelope import Direction, Envelope
from gateway.mail.message import Message
from gateway.pipeline.scan import Scanner
from gateway.pipeline.stamp import Stamper
from gateway.policy.decide import decide_all, who_would_wait
from gateway.policy.policy import Policy
from gateway.policy.verdict import Disposition, Keeping
from gateway.queue.identifiers import text_of

_KEPT: Final = frozenset({Disposition.DELIVER, Disposition.QUARANTINE})


class Judging:
    """The `Judge` that the front door is given."""

    def __init__(
        self,
        scanner: Scanner,
        stamper: Stamper,
        current_policy: Callable[[], Policy],
        *,
        counters: Counters,
        greylister: Greylister,
        acquaintances: Acquaintances,
        stripping: Stripping,
    ) -> None:
        self._scanner = scanner
        self._stamper = stamper
        self._current_policy = current_policy
        self._greylister = greylister
        self._stripping = stripping
        self._correspondents = Correspondents(counters)
        self._acquaintances = acquaintances
        self._alerts = Alerts(counters)

    async def __call__(
        self, message: Message, *, envelope: Envelope, client: ClientFact, received_at: float, message_id: int
    ) -> Judged:
        """What is known of the message and what becomes of it."""
        evidence = await self._scanner.scan(message, envelope, client, received_at=received_at)
        if envelope.direction is Direction.INBOUND:
            evidence = replace(
                evidence,
                correspondents=await self._correspondents.among(evidence),
                answers=await self._correspondents.awaited_by(message, evidence),
            )
        policy = self._current_policy()
        if waiting := who_would_wait(evidence, policy):
            said = await self._greylister.after_data(evidence, waiting, policy.greylisting)
            evidence = replace(evidence, greylist=said)
        settlement = decide_all(evidence, policy)
        in_its_place: tuple[InItsPlace, ...] = ()
        if settlement.disposition in _KEPT and any(verdict.stripping for _, verdict in settlement.verdicts):
            settlement, in_its_place = await asyncio.to_thread(
                self._stripping.take_out, message, envelope, evidence, settlement, reference=text_of(message_id)
            )
        if any(verdict.keeping is Keeping.PARKED for _, verdict in settlement.verdicts):
            reference = text_of(message_id)
            words = f"message {reference} broke its examination again and again: it waits for a person"
            await self._alerts.raise_one(f"parked {reference}", words)
        if envelope.direction is Direction.OUTBOUND and settlement.disposition is Disposition.DELIVER:
            await self._correspondents.wrote(evidence)
        await self._acquaintances.met(evidence, settlement)
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
            in_its_place=in_its_place,
        )
