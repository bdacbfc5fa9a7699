"""Out of the quarantine: release after a second malware scan, and delete. Each with a name and a reason, each
idempotent.

The second scan asks today's signatures, for mail may have been held before anybody knew the malware in it. What it
finds stays held. When it cannot tell, mail that was held for another reason is released and the record says that
nobody scanned it; mail held as malware stays. No network and no checks in here: the scan is passed in.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from gateway.facts.content import MailClass, MalwareFact, MalwareResult
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.mail.message import Octets
from gateway.quarantine import review
from gateway.quarantine.feedback import Feedback
from gateway.quarantine.rights import Act, Actor, Danger, danger_of, refusal
from gateway.queue.custody import Custody
from gateway.queue.records import Deed, HeldItem
from gateway.queue.spool import OctetsGone
from gateway.queue.states import State

MAX_REASON: Final = 500
"""Characters of a reason that are kept."""


class Rescan(Protocol):
    """Ask the malware engine about octets, now. Never raises."""

    def __call__(self, octets: Octets) -> Awaitable[Outcome[MalwareFact]]: ...


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
    stays, note = _after_scan(item, found)
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


def _after_scan(item: HeldItem, found: Outcome[MalwareFact]) -> tuple[str, str]:
    """Why it stays held (empty: it may go), and what the record must say beside the person's reason."""
    match found:
        case Known(MalwareFact(result=MalwareResult.FOUND, name=name)):
            return f"The second scan found {name or 'malware'}: it stays held.", ""
        case Known(MalwareFact(result=MalwareResult.UNSCANNABLE, name=name)):
            note = f"the second scan could not look into it: {name or 'unscannable'}"
        case Known(_):
            return "", ""
        case Unknown(why) | Skipped(why):
            note = f"released without a second scan: {why}"
    if danger_of(item) is Danger.MALWARE:
        return f"It was held as malware and {note.removeprefix('released ')}: it stays held.", ""
    return "", note


def _absent(recipient_id: int) -> Result:
    return Result(recipient_id, Ending.ABSENT, "There is no such held message.")


def _bounded(reason: str) -> str:
    return " ".join(reason.split())[:MAX_REASON]
