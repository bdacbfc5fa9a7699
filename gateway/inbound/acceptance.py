"""From a judgement to what custody is told: a state for each recipient, the words of the listing, whether a bounce may
ever be made (RFC 5321 section 6.1, RFC 3464). Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from gateway.facts.connection import ClientFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import known_or_none
from gateway.inbound.ports import Judged
from gateway.mail.envelope import Envelope, Recipient
from gateway.policy.verdict import Disposition, Keeping, Verdict, VerdictClass
from gateway.queue.changed import Changed
from gateway.queue.records import Acceptance, Judgement, Listing, NewRecipient
from gateway.queue.states import State

DEFAULT_RETENTION: Final = 30 * 86400.0
"""Seconds that a copy is held when the policy does not say."""

_KEPT_AS: Final = {
    Keeping.REVIEW: State.HELD,
    Keeping.RESCAN: State.UNSCANNED,
    Keeping.PARKED: State.CORRUPT,
}

STRIPPED: Final = "stripped"
"""The class under which a message is held as it came, for whom a changed form of it is delivered to."""

NEVER_BOUNCED: Final = frozenset({VerdictClass.SPAM, VerdictClass.PHISHING, VerdictClass.MALWARE})
"""Their senders are forged as a rule: a bounce would hit a stranger."""


def acceptance_of(
    judged: Judged,
    *,
    envelope: Envelope,
    client: ClientFact,
    received_at: float,
    destinations: Mapping[str, str],
) -> Acceptance:
    """Everything the ledger is told of the message as it came. `destinations` is by `Address.key`. Raises LookupError
    when a recipient has no verdict, ValueError when a verdict would not have it accepted."""
    verdicts = {name.lower(): verdict for name, verdict in judged.settlement.verdicts}
    recipients = []
    for recipient in envelope.recipients:
        name = str(recipient.address)
        recipients.append(
            _new_recipient(
                recipient,
                verdicts[name.lower()],
                destination=judged.routes.get(name) or destinations[recipient.address.key],
                fields=judged.own_fields.get(name, b""),
                retention=judged.retention,
                received_at=received_at,
            )
        )
    return Acceptance(
        received_at=received_at,
        envelope=envelope,
        client=client,
        prefix=judged.prefix,
        cuts=judged.cuts,
        evidence=judged.evidence.to_json(),
        policy_version=judged.policy_version,
        listing=listing_of(judged.evidence),
        recipients=tuple(recipients),
        may_bounce=envelope.reverse_path is not None
        and not any(verdict.verdict_class in NEVER_BOUNCED for verdict in verdicts.values()),
    )


def changed_of(judged: Judged, acceptance: Acceptance) -> tuple[Changed, ...]:
    """What custody is told of the changed forms of the message, beside the acceptance of the one that came. Raises
    LookupError when somebody whose copy is held as `STRIPPED` would get none of them."""
    forms = []
    waiting = {str(each.recipient.address) for each in acceptance.recipients if each.quarantine == STRIPPED}
    for form in judged.in_its_place:
        recipients = tuple(
            replace(each, state=State.QUEUED, quarantine="", expires_at=None)
            for each in acceptance.recipients
            if str(each.recipient.address) in form.recipients
        )
        waiting -= {str(each.recipient.address) for each in recipients}
        own = replace(
            acceptance,
            envelope=replace(acceptance.envelope, recipients=tuple(each.recipient for each in recipients)),
            prefix=form.prefix,
            cuts=form.cuts,
            evidence=form.evidence.to_json(),
            listing=listing_of(form.evidence),
            recipients=recipients,
        )
        forms.append(Changed(form.message_id, own, form.octets, form.told))
    if waiting:
        raise LookupError(f"{len(waiting)} recipients would get no form of the message")
    return tuple(forms)


def _new_recipient(
    recipient: Recipient,
    verdict: Verdict,
    *,
    destination: str,
    fields: bytes,
    retention: Mapping[str, float],
    received_at: float,
) -> NewRecipient:
    judgement = judgement_of(verdict)
    match verdict.disposition:
        case Disposition.DELIVER if verdict.stripping is not None:
            ends = received_at + retention.get(STRIPPED, DEFAULT_RETENTION)
            return NewRecipient(
                recipient, State.HELD, destination, judgement, quarantine=STRIPPED, expires_at=ends, fields=fields
            )
        case Disposition.DELIVER:
            return NewRecipient(recipient, State.QUEUED, destination, judgement, fields=fields)
        case Disposition.QUARANTINE | Disposition.REJECT:
            # REJECT stands here only beside recipients who do get the message: it is held, never bounced.
            quarantine = verdict.quarantine or verdict.verdict_class.value
            state = _KEPT_AS[verdict.keeping]
            ends = received_at + retention.get(quarantine, DEFAULT_RETENTION)
            return NewRecipient(
                recipient,
                state,
                destination,
                judgement,
                quarantine=quarantine,
                expires_at=ends if state is State.HELD else None,
                due=received_at + verdict.rescan_after if state is State.UNSCANNED else None,
                fields=fields,
            )
    raise ValueError(f"a message with a verdict {verdict.disposition.word} is not accepted")


def judgement_of(verdict: Verdict) -> Judgement:
    """The verdict as custody records it."""
    rule = verdict.rule
    return Judgement(
        disposition=verdict.disposition.word,
        verdict_class=verdict.verdict_class.value,
        rule=rule.id if rule else "",
        file=rule.file if rule else "",
        line=rule.line if rule else 0,
        reasons=tuple((reason.code, reason.text) for reason in verdict.reasons),
    )


def listing_of(evidence: Evidence) -> Listing:
    """The few words by which people find the message."""
    author = evidence.message.authors[0] if evidence.message.authors else None
    content = known_or_none(evidence.content)
    spam = known_or_none(evidence.spam)
    return Listing(
        author_name=author.name if author else "",
        author_address=author.address if author else "",
        subject=evidence.message.subject,
        excerpt=content.excerpt if content else "",
        message_id=evidence.message.message_id,
        attachments=sum(1 for part in content.parts if part.name and "/" not in part.path) if content else 0,
        score=spam.score if spam else None,
    )
