"""Out of the quarantine: release after a second malware scan, and delete. Each with a name and a reason, each
idempotent.

The second scan asks today's signatures and rules, for mail may have been held before anybody knew the malware in it.
What it finds stays held; a lure is for people to judge. When it cannot tell, mail that was held for another reason is
released and the record says that nobody scanned it; mail held as malware stays. No network and no checks in here: the
scan is passed in.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from gateway.facts.content import Findings, MailClass, MalwareFact, MalwareResult
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Skipped, known_or_none
from gateway.mail.message import Octets
from gateway.quarantine import review, weighing
from gateway.quarantine.feedback import Feedback
from gateway.quarantine.rights import Act, Actor, Danger, danger_of, refusal
from gateway.queue.custody import Custody
from gateway.queue.deeds import Deed
from gateway.queue.records import HeldItem
from gateway.queue.spool import OctetsGone
from gateway.queue.states import State

MAX_REASON: Final = 500
"""Characters of a reason that are kept."""


class Rescan(Protocol):
    """Look for malware in octets, now, as at the door: by the malware engine and by our own rules. Never raises."""

    def __call__(self, octets: Octets) -> Awaitable[Findings]: ...


class Ending(StrEnum):
    """How an act ended. `GONE` is no failure: somebody was faster, or it was done twice."""

    DONE = "done"
    GONE = "gone"
    REFUSED = "refused"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one item, and a sentence about it for the person who acted."""

    recipient_id: int
    ending: Ending
    text: str


async def release(
    custody: Custody,
    rescan: Rescan,
    *,
    actor: Actor,
    recipient_id: int,
    reason: str,
    feedback: Feedback | None = None,
) -> Result:
    """Give one recipient's copy back to delivery, unless rights or the second scan forbid it: that is on record too.
    `feedback` hears that somebody did."""
    item = await review.item(custody, actor, recipient_id)
    if item is None:
        return _absent(recipient_id)
    result = await _release(custody, rescan, item, actor=actor, reason=reason, feedback=feedback)
    if result.ending is Ending.REFUSED:
        await custody.note(
            Deed.NOT_RELEASED,
            actor=actor.name,
            recipient=item.recipient,
            message_id=item.message_id,
            detail={"why": result.text, "reason": _bounded(reason)},
        )
    return result


async def _release(
    custody: Custody, rescan: Rescan, item: HeldItem, *, actor: Actor, reason: str, feedback: Feedback | None
) -> Result:
    recipient_id = item.id
    stopped = _stopped(actor, Act.RELEASE, item)
    if stopped is not None:
        return stopped
    if danger_of(item) is Danger.MALWARE and not _bounded(reason):
        return Result(recipient_id, Ending.REFUSED, "Releasing malware needs a reason.")
    try:
        octets = await custody.octets(item.message_id)
    except OctetsGone:
        return Result(recipient_id, Ending.GONE, "Its octets are not kept any more.")
    found = await rescan(octets)
    stays, note = _after_scan(item, found, await evidence_of(custody, item.message_id))
    if stays:
        return Result(recipient_id, Ending.REFUSED, stays)
    words = "; ".join(filter(None, (_bounded(reason), note)))
    if not await custody.release(recipient_id, actor=actor.name, reason=words):
        return Result(recipient_id, Ending.GONE, "It was no longer held.")
    if feedback is not None:
        await feedback.released(item, octets, by=actor.name)
    return Result(recipient_id, Ending.DONE, f"Released, {note}." if note else "Released.")


async def delete(custody: Custody, *, actor: Actor, recipient_id: int, reason: str) -> Result:
    """Drop one recipient's copy for good. The record of it stays."""
    item = await review.item(custody, actor, recipient_id)
    if item is None:
        return _absent(recipient_id)
    stopped = _stopped(actor, Act.DELETE, item)
    if stopped is not None:
        return stopped
    if not await custody.delete(recipient_id, actor=actor.name, reason=_bounded(reason)):
        return Result(recipient_id, Ending.GONE, "It was no longer held.")
    return Result(recipient_id, Ending.DONE, "Deleted.")


async def report(
    custody: Custody, feedback: Feedback, *, actor: Actor, recipient_id: int, label: MailClass, reason: str
) -> Result:
    """Drop one recipient's copy, and say what it is: a lesson for the classifier."""
    item = await review.item(custody, actor, recipient_id)
    if item is None:
        return _absent(recipient_id)
    try:
        octets = await custody.octets(item.message_id)
    except OctetsGone:
        return Result(recipient_id, Ending.GONE, "Its octets are not kept any more.")
    words = f"reported as {label.value}" + (f": {_bounded(reason)}" if _bounded(reason) else "")
    result = await delete(custody, actor=actor, recipient_id=recipient_id, reason=words)
    if result.ending is not Ending.DONE:
        return result
    await feedback.reported(item, octets, label=label, by=actor.name)
    return Result(recipient_id, Ending.DONE, f"Deleted, and reported as {label.value}.")


def _stopped(actor: Actor, act: Act, item: HeldItem) -> Result | None:
    forbidden = refusal(actor, act, item)
    if forbidden is not None:
        return Result(item.id, Ending.REFUSED, forbidden)
    if item.state is not State.HELD:
        return Result(item.id, Ending.GONE, f"It was no longer held: {item.state.value}.")
    return None


async def evidence_of(custody: Custody, message_id: int) -> Evidence | None:
    """What was known of a message when it was judged; None where that cannot be read, and for our own bounces."""
    message = await custody.message(message_id)
    try:
        return Evidence.from_json(message.evidence) if message is not None else None
    except ValueError:
        return None


def _after_scan(item: HeldItem, found: Findings, before: Evidence | None) -> tuple[str, str]:
    """Why it stays held (empty: it may go), and what the record must say beside the person's reason."""
    said = known_or_none(found.malware)
    if said is not None and said.result is MalwareResult.FOUND:
        return f"The second scan found {said.name or 'malware'}: it stays held.", ""
    if rule := _malware_by_rule(item, found, before):
        return f"The second scan found {rule}, by our own rules: it stays held.", ""
    why = weighing.doubt(found)
    match found.malware:
        case Known(MalwareFact(result=MalwareResult.UNSCANNABLE, name=name)):
            note = f"the second scan could not look into it: {name or 'unscannable'}"
        case Known(_) if why:
            note = f"the second scan could not look into all of it: {why}"
        case _ if why:
            note = f"released without a second scan: {why}"
        case Skipped(reason):
            note = f"released without a second scan: {reason}"
        case _:
            return "", ""
    if danger_of(item) is Danger.MALWARE and (why or not _is_for_our_rules(found, before)):
        return f"It was held as malware and {note.removeprefix('released ')}: it stays held.", ""
    return "", note


def _is_for_our_rules(found: Findings, before: Evidence | None) -> bool:
    """Whether our own rules are all there is to ask: the engine is switched off, and did not find it when it was on."""
    said = known_or_none(before.malware) if before is not None else None
    return isinstance(found.malware, Skipped) and (said is None or said.result is not MalwareResult.FOUND)


def _malware_by_rule(item: HeldItem, found: Findings, before: Evidence | None) -> str:
    """A rule of ours that tells of malware; empty for none. What matched at the door and was not held as malware there
    is no reason here."""
    fact = known_or_none(found.yara) if danger_of(item) is Danger.MALWARE else weighing.new_matches(found, before)
    return fact.malware[0] if fact is not None and fact.malware else ""


def _absent(recipient_id: int) -> Result:
    return Result(recipient_id, Ending.ABSENT, "There is no such held message.")


def _bounded(reason: str) -> str:
    return " ".join(reason.split())[:MAX_REASON]
