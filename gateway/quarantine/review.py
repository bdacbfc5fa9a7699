"""Looking at held mail: every list, item and number, cut down to what the person may see.

For a `USER` only mail to their own addresses exists; another person's item is as absent as one that never was.
Never changes anything.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.quarantine.rights import Actor, Role
from gateway.queue.custody import Custody
from gateway.queue.records import HeldItem, HeldQuery


def sees(actor: Actor, recipient: str) -> bool:
    """Whether mail to this recipient exists for this person."""
    return actor.role is not Role.USER or recipient.lower() in actor.addresses


def narrowed(actor: Actor, query: HeldQuery) -> HeldQuery:
    """The query with the person's own bound put in; nothing in the query can widen it."""
    return query if actor.role is not Role.USER else replace(query, recipients=actor.addresses)


async def page(
    custody: Custody, actor: Actor, query: HeldQuery, *, after: int | None, limit: int
) -> tuple[list[HeldItem], int | None]:
    """One page, newest first, and the cursor of the next page or None where this is the last."""
    items = await custody.held(narrowed(actor, query), after=after, limit=limit + 1)
    return items[:limit], items[limit - 1].id if len(items) > limit else None


async def item(custody: Custody, actor: Actor, recipient_id: int) -> HeldItem | None:
    """One item, also when it has been released or deleted since; None where it does not exist for this person."""
    found = await custody.held_item(recipient_id)
    return found if found is not None and sees(actor, found.recipient) else None


async def counts(custody: Custody, actor: Actor) -> dict[str, int]:
    """How many messages are held for this person to see, by quarantine."""
    return await custody.held_counts(recipients=actor.addresses if actor.role is Role.USER else None)
