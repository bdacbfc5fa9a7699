"""The shapes of the API, as OpenAPI shows them. Texts that strangers wrote are given as recorded: escape them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from gateway.console.held import HeldPage, OpenItem
from gateway.console.telling.words import machine_time
from gateway.counters.records import Ban, Waiting
from gateway.facts.evidence import to_plain
from gateway.quarantine.release import MAX_REASON, Ending, Result
from gateway.quarantine.rights import Role
from gateway.queue.identifiers import text_of
from gateway.queue.records import Event, HeldItem


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignIn(_Shape):
    """Who signs in: a staff name, or the address of a mailbox."""

    name: str = Field(min_length=1, max_length=320)
    password: str = Field(min_length=1, max_length=1024)


class Me(_Shape):
    """Who is signed in. `csrf_token` goes into X-CSRF-Token with every POST and DELETE."""

    name: str
    role: Role
    addresses: list[str]
    csrf_token: str
    ends_at: str


class Reason(_Shape):
    """Why an act is done."""

    reason: str = Field("", max_length=MAX_REASON)


class Bulk(Reason):
    """Several items, one act."""

    ids: list[str] = Field(min_length=1, max_length=500)


class ActResult(_Shape):
    """What became of one item."""

    id: str
    ending: Ending
    text: str


class HeldSummary(_Shape):
    """A held message for one recipient, as lists show it."""

    id: str
    message_id: str
    received_at: str
    expires_at: str | None
    state: str
    quarantine: str
    verdict_class: str
    rule: str
    reasons: list[dict[str, str]]
    score: float | None
    author_name: str
    author_address: str
    reverse_path: str
    recipient: str
    subject: str
    excerpt: str
    attachments: int
    size: int
    client_ip: str


class HeldList(_Shape):
    """One page, newest first. `next_cursor` is null on the last; `hints` say what of `q` was not understood."""

    items: list[HeldSummary]
    next_cursor: str | None
    counts: dict[str, int]
    hints: list[str]
    sequence: int


class StoryEvent(_Shape):
    """One line of a message's story."""

    sequence: int
    at: str
    message_id: str
    recipient: str
    kind: str
    actor: str
    detail: dict[str, Any]


class HeldDetail(_Shape):
    """An item with its recorded facts: each is {"known": ...}, {"unknown": why} or {"skipped": why}."""

    item: HeldSummary
    rule_file: str
    rule_line: int
    policy_version: str
    facts: dict[str, Any] | None
    unknown: dict[str, str]
    events: list[StoryEvent]


class HeldText(_Shape):
    """The message's text and header, made readable by the anatomist. `unknown` says why there is none."""

    text: str | None
    has_design: bool
    headers: list[tuple[str, str]]
    unknown: str


class HeldParts(_Shape):
    """What the message is made of; null where the anatomy is not known."""

    parts: list[dict[str, Any]] | None
    links: list[dict[str, Any]] | None


class WaitingSender(_Shape):
    """A sender that was asked to come back, for one recipient. `pool` is whom it counts as; `let_in`: it passes at its
    next try, whenever that is."""

    id: int
    pool: str
    sender: str
    recipient: str
    client_ip: str
    helo: str
    first_try: str
    last_try: str
    tries: int
    let_in: bool


class WaitingList(_Shape):
    """Those who have not come back yet, the newest first. `total` counts all that match."""

    items: list[WaitingSender]
    total: int


class LetIn(_Shape):
    """Whom to let in: by id, or all from a sender (address or domain) and to a recipient that match."""

    ids: list[int] = Field([], max_length=500)
    sender: str = Field("", max_length=320)
    recipient: str = Field("", max_length=320)


class NumberDone(_Shape):
    """How many it was done to."""

    number: int


class BanState(_Shape):
    """Who is shut out, until when, and who did it."""

    network: str
    reason: str
    by: str
    since: str
    until: str


class NewBan(_Shape):
    """Whom to shut out: an address or a network (CIDR), for a time like `4h` or `7d`, and why."""

    network: str = Field(min_length=1, max_length=60)
    lasting: str = Field("1d", max_length=20)
    reason: str = Field("", max_length=MAX_REASON)


class ComponentState(_Shape):
    """One thing that the house depends on."""

    name: str
    mood: str
    words: str
    mend: str
    since: str | None


class Overview(_Shape):
    """The numbers of the last `hours`, and what stands now."""

    hours: int
    outcomes: dict[str, int]
    held: dict[str, int]
    waiting: int
    oldest_waiting_since: str | None
    components: list[ComponentState]
    policy_version: str
    sequence: int


def waiting_of(waiting: Waiting) -> WaitingSender:
    """A sender that has to come back, as the API shows it."""
    return WaitingSender(
        id=waiting.id,
        pool=waiting.pool,
        sender=waiting.sender,
        recipient=waiting.recipient,
        client_ip=waiting.client_ip,
        helo=waiting.helo,
        first_try=machine_time(waiting.first),
        last_try=machine_time(waiting.last),
        tries=waiting.tries,
        let_in=bool(waiting.released),
    )


def ban_of(ban: Ban) -> BanState:
    """A ban as the API shows it."""
    return BanState(
        network=ban.network,
        reason=ban.reason,
        by=ban.by,
        since=machine_time(ban.since),
        until=machine_time(ban.until),
    )


def summary_of(item: HeldItem) -> HeldSummary:
    """An item as the API shows it."""
    return HeldSummary(
        id=text_of(item.id),
        message_id=text_of(item.message_id),
        received_at=machine_time(item.received_at),
        expires_at=None if item.expires_at is None else machine_time(item.expires_at),
        state=item.state.value,
        quarantine=item.quarantine,
        verdict_class=item.judgement.verdict_class,
        rule=item.judgement.rule,
        reasons=[{"code": code, "text": text} for code, text in item.judgement.reasons],
        score=item.listing.score,
        author_name=item.listing.author_name,
        author_address=item.listing.author_address,
        reverse_path=item.reverse_path,
        recipient=item.recipient,
        subject=item.listing.subject,
        excerpt=item.listing.excerpt,
        attachments=item.listing.attachments,
        size=item.size,
        client_ip=item.client_ip,
    )


def list_of(page: HeldPage) -> HeldList:
    """A page as the API shows it."""
    return HeldList(
        items=[summary_of(item) for item in page.items],
        next_cursor=page.cursor or None,
        counts=page.counts,
        hints=list(page.search.hints),
        sequence=page.sequence,
    )


def detail_of(opened: OpenItem) -> HeldDetail:
    """An opened item as the API shows it."""
    evidence = opened.evidence
    return HeldDetail(
        item=summary_of(opened.item),
        rule_file=opened.item.judgement.file,
        rule_line=opened.item.judgement.line,
        policy_version=opened.message.policy_version,
        facts=None if evidence is None else to_plain(evidence),
        unknown={} if evidence is None else evidence.unknown(),
        events=[event_of(each) for each in opened.events],
    )


def event_of(event: Event) -> StoryEvent:
    """An event as the API shows it."""
    return StoryEvent(
        sequence=event.sequence,
        at=machine_time(event.at),
        message_id=text_of(event.message_id),
        recipient=event.recipient,
        kind=event.kind,
        actor=event.actor,
        detail=event.detail,
    )


def result_of(result: Result) -> ActResult:
    """A result as the API shows it."""
    return ActResult(id=text_of(result.recipient_id), ending=result.ending, text=result.text)
