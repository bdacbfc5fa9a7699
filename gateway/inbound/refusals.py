"""Every refusal is put on record: what was answered to whom at which stage, and why. A record that cannot be made is a
log line, and never changes the answer.
"""

from __future__ import annotations

from gateway.clock import Clock
from gateway.facts.connection import ClientFact
from gateway.inbound.ports import Judged
from gateway.inbound.refused import Refused
from gateway.mail.address import path_text
from gateway.mail.envelope import Envelope
from gateway.mail.replies import Reply
from gateway.policy.verdict import Disposition
from gateway.queue.custody import Custody
from gateway.queue.records import Refusal
from gateway.telemetry import REFUSALS, log

MAX_TEXT = 320
"""Characters kept of what the client said."""


class Refusals:
    """Writes the records."""

    def __init__(self, custody: Custody, clock: Clock) -> None:
        self._custody = custody
        self._clock = clock

    async def before_data(
        self, stage: str, refused: Refused, *, client: ClientFact, reverse_path: str = "", recipient: str = ""
    ) -> None:
        """A refusal at connect, helo, auth, mail or rcpt."""
        await self._record(
            Refusal(
                at=self._clock.now(),
                stage=stage,
                reply=refused.reply,
                reason=refused.reason,
                client_ip=client.ip,
                helo=client.helo[:MAX_TEXT],
                reverse_path=reverse_path[:MAX_TEXT],
                recipient=recipient[:MAX_TEXT],
                rule=refused.rule,
            )
        )

    async def of_message(
        self,
        reply: Reply,
        reason: str,
        *,
        client: ClientFact,
        envelope: Envelope,
        reference: str,
        judged: Judged | None = None,
    ) -> None:
        """A refusal at the end of DATA: one record for each recipient, for each may ask where the message is."""
        evidence = judged.evidence.to_json() if judged else b""
        for recipient in envelope.recipients:
            rule, why = _rule_and_reason(judged, str(recipient.address))
            await self._record(
                Refusal(
                    at=self._clock.now(),
                    stage="data",
                    reply=reply,
                    reason=why or reason,
                    client_ip=client.ip,
                    helo=client.helo[:MAX_TEXT],
                    reverse_path=path_text(envelope.reverse_path),
                    recipient=str(recipient.address),
                    rule=rule,
                    reference=reference,
                    evidence=evidence,
                )
            )
            evidence = b""  # once for each reference is enough

    async def _record(self, refusal: Refusal) -> None:
        REFUSALS.labels(refusal.stage).inc()
        try:
            await self._custody.record_refusal(refusal)
        except Exception:  # noqa: BLE001 - the answer to the client stands, the log has the story
            log().exception("cannot record a refusal", stage=refusal.stage, reply=str(refusal.reply))


def _rule_and_reason(judged: Judged | None, recipient: str) -> tuple[str, str]:
    """The rule and the reasons of the verdict that made this recipient's copy be refused, as far as there is one."""
    if judged is None:
        return "", ""
    settlement = judged.settlement
    own = dict(settlement.verdicts).get(recipient)
    if own is None or own.disposition is not settlement.disposition:
        # One recipient's doubt defers all (`verdict.merge`): the others' records name that verdict.
        own = next(
            (verdict for _, verdict in settlement.verdicts if verdict.disposition is settlement.disposition), own
        )
    if own is None or own.disposition in (Disposition.DELIVER, Disposition.QUARANTINE):
        return "", ""
    return own.rule.id if own.rule else "", "; ".join(reason.text for reason in own.reasons)
