"""What a person may not see does not exist for them."""

from __future__ import annotations

import time
from dataclasses import replace

from gateway.quarantine import review
from gateway.queue.custody import Custody
from gateway.queue.records import HeldQuery
from tests.console.seed import MALWARE, PARCEL, PHISHING, SPAM, hold
from tests.quarantine.conftest import ADMIN, ALICE, BOB


async def test_a_reader_sees_only_mail_to_themselves(custody: Custody) -> None:
    now = time.time()
    for letter in (PHISHING, MALWARE, PARCEL, replace(SPAM, recipients=("Sales@example.org",))):
        await hold(custody, letter, now=now)
    everything, _ = await review.page(custody, ADMIN, HeldQuery(), after=None, limit=50)
    bobs, _ = await review.page(custody, BOB, HeldQuery(), after=None, limit=50)
    assert len(everything) == 5
    assert sorted(each.recipient.lower() for each in bobs) == [
        "bob@example.org",
        "bob@example.org",
        "sales@example.org",
    ]
    for each in everything:
        seen = await review.item(custody, BOB, each.id)
        assert (seen is not None) == (each.recipient.lower() in BOB.addresses)


async def test_a_search_cannot_widen_what_a_reader_sees(custody: Custody) -> None:
    await hold(custody, PARCEL, now=time.time())
    wide = HeldQuery(recipients=["eve@example.org"], recipient="eve@example.org")
    assert await review.page(custody, ALICE, wide, after=None, limit=50) == ([], None)


async def test_a_reader_without_addresses_sees_nothing(custody: Custody) -> None:
    await hold(custody, PHISHING, now=time.time())
    nobody = replace(BOB, addresses=frozenset())
    assert await review.page(custody, nobody, HeldQuery(), after=None, limit=50) == ([], None)
    assert await review.counts(custody, nobody) == {}


async def test_counts_are_of_what_the_person_sees(custody: Custody) -> None:
    for letter in (PHISHING, MALWARE, PARCEL):
        await hold(custody, letter, now=time.time())
    assert await review.counts(custody, ADMIN) == {"phishing": 2, "malware": 2}
    assert await review.counts(custody, ALICE) == {"malware": 1}


async def test_pages_join_without_a_gap(custody: Custody) -> None:
    for number in range(7):
        await hold(custody, replace(SPAM, subject=f"number {number}"), now=time.time())
    seen: list[str] = []
    cursor: int | None = None
    while True:
        items, cursor = await review.page(custody, ADMIN, HeldQuery(), after=cursor, limit=3)
        seen += [each.listing.subject for each in items]
        if cursor is None:
            break
    assert seen == [f"number {number}" for number in reversed(range(7))]
