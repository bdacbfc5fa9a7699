"""What people do with held mail, once: the pages and the API both call these functions and nothing else.

Each is cut down to what the person may see; what they may not see is absent (`Problem` 404, the same for everybody).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.console.office import Office
from gateway.console.problems import Problem
from gateway.console.telling.search import Search, read
from gateway.facts.content import MailClass
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.facts.preview import Preview
from gateway.quarantine import release as verbs
from gateway.quarantine import review
from gateway.quarantine.release import Result
from gateway.quarantine.rights import Act, Actor
from gateway.queue.identifiers import BadIdentifier, parse_id, text_of
from gateway.queue.records import Event, HeldItem, MessageRecord
from gateway.queue.spool import OctetsGone
from gateway.telemetry import log

PAGE = 50
MAX_BULK = 500


@dataclass(frozen=True, slots=True)
class HeldPage:
    """One page of a list: newest first; `cursor` leads to the next page, empty on the last. `counts` are by quarantine
    and over all that the person may see, not only what matches. `sequence` is where live news go on from here."""

    search: Search
    items: tuple[HeldItem, ...]
    cursor: str
    counts: dict[str, int]
    sequence: int


@dataclass(frozen=True, slots=True)
class OpenItem:
    """One item with its message's record, its facts (None with `unreadable` where they cannot be read) and its
    story, which is cut to the person's own copies."""

    item: HeldItem
    message: MessageRecord
    evidence: Evidence | None
    events: tuple[Event, ...]

    @property
    def settled(self) -> Event | None:
        """Who released or deleted this copy last, if anybody did."""
        mine = (each for each in reversed(self.events) if each.recipient.lower() == self.item.recipient.lower())
        return next((each for each in mine if each.kind in ("released", "deleted")), None)


async def find(office: Office, actor: Actor, *, text: str, cursor: str, limit: int = PAGE) -> HeldPage:
    """Search held mail. A cursor that is none begins at the newest."""
    # Taken first: what is held while we read comes again as news rather than never.
    sequence = office.newsroom.head
    search = read(text, now=office.ports.clock.now())
    after = _number(cursor) if cursor else None
    items, following = await review.page(office.ports.custody, actor, search.query, after=after, limit=limit)
    counts = await review.counts(office.ports.custody, actor)
    return HeldPage(search, tuple(items), "" if following is None else text_of(following), counts, sequence)


async def item(office: Office, actor: Actor, name: str) -> HeldItem:
    """The item of that name."""
    found = await review.item(office.ports.custody, actor, _number(name))
    if found is None:
        raise Problem(404)
    return found


async def opened(office: Office, actor: Actor, name: str) -> OpenItem:
    """The item with everything recorded about it."""
    found = await item(office, actor, name)
    message = await office.ports.custody.message(found.message_id)
    if message is None:
        raise Problem(404)
    events = await office.ports.custody.events(found.message_id)
    own = tuple(each for each in events if not each.recipient or review.sees(actor, each.recipient))
    evidence = _evidence(message)
    if evidence is not None:
        evidence = _as_seen_by(actor, evidence)
    return OpenItem(found, message, evidence, own)


def _as_seen_by(actor: Actor, evidence: Evidence) -> Evidence:
    """Without other people: who else was written to is not for a reader to know, as they may have been blind copies,
    nor who else said what of such mail."""

    def seen(names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each for each in names if review.sees(actor, each))

    reported = evidence.reported
    if isinstance(reported, Known):
        fact = reported.value
        reported = Known(
            replace(
                fact,
                by=seen(fact.by),
                sender_wanted_by=seen(fact.sender_wanted_by),
                sender_unwanted_by=seen(fact.sender_unwanted_by),
            )
        )
    return replace(
        evidence,
        recipients=seen(evidence.recipients),
        correspondents=seen(evidence.correspondents),
        answers=seen(evidence.answers),
        reported=reported,
    )


async def preview(office: Office, found: HeldItem) -> Outcome[Preview]:
    """The message made safe to look at, by the anatomist."""
    try:
        octets = await office.ports.custody.octets(found.message_id)
    except OctetsGone:
        return Unknown("its octets are not kept any more")
    return await office.ports.preview(octets)


async def act(office: Office, actor: Actor, act: Act, names: list[str], *, reason: str) -> list[Result]:
    """Release, delete or report as spam, one after the other; each has a result of its own."""
    if not 0 < len(names) <= MAX_BULK:
        raise Problem(422, f"Name 1 to {MAX_BULK} messages.")
    custody, rescan, feedback = office.ports.custody, office.ports.rescan, office.ports.feedback
    results = []
    for recipient_id in dict.fromkeys(_number(name) for name in names):
        if act is Act.RELEASE:
            done = verbs.release(
                custody, rescan, actor=actor, recipient_id=recipient_id, reason=reason, feedback=feedback
            )
        elif act is Act.REPORT and feedback is not None:
            done = verbs.report(
                custody, feedback, actor=actor, recipient_id=recipient_id, label=MailClass.SPAM, reason=reason
            )
        else:
            done = verbs.delete(custody, actor=actor, recipient_id=recipient_id, reason=reason)
        result = await done
        log().info(
            "act on held mail", act=act.value, actor=actor.name, item=text_of(recipient_id), ending=result.ending
        )
        results.append(result)
    return results


def _number(name: str) -> int:
    try:
        return parse_id(name)
    except BadIdentifier:
        raise Problem(404) from None


def _evidence(message: MessageRecord) -> Evidence | None:
    try:
        return Evidence.from_json(message.evidence)
    except ValueError as error:
        log().warning("recorded facts cannot be read", message=text_of(message.id), error=type(error).__name__)
        return None
