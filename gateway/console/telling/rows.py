"""A held message as one row of a list: the same words for the page and for the live feed. Pure.

Every text a stranger wrote has been through `words.visible`: bounded, and with invisible characters spelt out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.console.telling.words import domain_of, visible
from gateway.mail.address import Address, BadAddress
from gateway.queue.identifiers import text_of
from gateway.queue.records import HeldItem

MAX_SCORE_SHOWN: Final = 25.0
"""The score that fills the bar."""
BAR: Final = 44


@dataclass(frozen=True, slots=True)
class Kind:
    """How a class of held mail is shown: word and shape always go together, colour comes on top."""

    word: str
    icon: str
    tone: str


KINDS: Final[dict[str, Kind]] = {
    "phishing": Kind("Phishing", "diamond", "hold"),
    "spam": Kind("Spam", "dot", "bad"),
    "bulk": Kind("Bulk", "ring", ""),
    "malware": Kind("Malware", "cross", "bad"),
    "virus": Kind("Malware", "cross", "bad"),
    "unscannable": Kind("Unscannable", "triangle", "warn"),
    "policy": Kind("Policy", "square", "info"),
    "stripped": Kind("Stripped", "square", "info"),
}


def kind_named(word: str) -> Kind:
    """How the quarantine or class of that name is shown; one that the operator named keeps its own name."""
    return KINDS.get(word) or Kind(visible(word, 24).capitalize() or "Held", "ring", "")


def kind_of(item: HeldItem) -> Kind:
    """How this item is shown: as its class, or as its quarantine where the class says less."""
    verdict_class = item.judgement.verdict_class
    if item.quarantine in ("unscannable", "stripped") or verdict_class not in KINDS:
        return kind_named(item.quarantine or verdict_class)
    return KINDS[verdict_class]


@dataclass(frozen=True, slots=True)
class Row:
    """What a row shows. `id` is as people write it (queue.identifiers). Times are seconds since the
    epoch; `via` is the reverse-path where its domain is not the author's; `fill` is the width of the score's bar."""

    id: str
    message: str
    name: str
    address: str
    via: str
    subject: str
    excerpt: str
    attachments: int
    recipient: str
    kind: Kind
    reason: str
    score: str
    fill: float
    received_at: float
    expires_at: float | None


def row_of(item: HeldItem) -> Row:
    """The row for an item."""
    listing = item.listing
    address = visible(_folded(listing.author_address), 120)
    differs = item.reverse_path and domain_of(item.reverse_path) != domain_of(listing.author_address)
    score = listing.score
    return Row(
        id=text_of(item.id),
        message=text_of(item.message_id),
        name=visible(listing.author_name, 80) or address or "No author",
        address=address if listing.author_name else "",
        via=visible(_folded(item.reverse_path), 120) if differs else "",
        subject=visible(listing.subject, 200) or "No subject",
        excerpt=visible(listing.excerpt, 120),
        attachments=listing.attachments,
        recipient=visible(item.recipient, 120),
        kind=kind_of(item),
        reason=reason_of(item),
        score="" if score is None else f"{score:.1f}",
        fill=0.0 if score is None else round(BAR * min(max(score / MAX_SCORE_SHOWN, 0.04), 1.0), 1),
        received_at=item.received_at,
        expires_at=item.expires_at,
    )


def reason_of(item: HeldItem) -> str:
    """The strongest reason in words."""
    judgement = item.judgement
    if judgement.reasons:
        return visible(judgement.reasons[0][1] or judgement.reasons[0][0], 160)
    return f"rule {visible(judgement.rule, 60)}" if judgement.rule else "no reason recorded"


def _folded(address: str) -> str:
    """The domain in lower case, the rest as written."""
    try:
        return str(Address.parse(address)) if address else ""
    except BadAddress:
        return address
