from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from gateway.clock import FixedClock
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.ledger import searching
from gateway.queue.records import HeldQuery, Listing, TrackQuery
from gateway.queue.states import State
from tests.queue.samples import NOW, accept, acceptance, attempt, recipient, refusal


async def hold(
    custody: Custody,
    subject: str = "Hello",
    *,
    to: str = "bob@example.org",
    quarantine: str = "spam",
    score: float | None = 1.5,
    sender: str = "ann@shop.example",
    reasons: tuple[tuple[str, str], ...] = (),
    rule: str = "",
) -> int:
    """One held message; answers the recipient's id."""
    listing = Listing("Ann Ärger", "ann@shop.example", subject, "", f"<{subject}@shop.example>", 0, score)
    given = recipient(to, State.HELD, quarantine=quarantine, reasons=reasons, rule=rule)
    id = await accept(custody, acceptance(given, listing=listing, sender=sender))
    record = await custody.message(id)
    assert record is not None
    return record.recipients[0].id


async def found(custody: Custody, **query: Any) -> list[int]:
    """The ids of held recipients that meet a query."""
    return [item.id for item in await custody.held(HeldQuery(**query), after=None, limit=100)]


async def test_pages_follow_each_other_without_gap_or_repetition(custody: Custody, clock: FixedClock) -> None:
    ids = []
    for number in range(7):
        ids.append(await hold(custody, f"Number {number}"))
        clock.advance(number % 2)
    seen: list[int] = []
    after = None
    while page := await custody.held(HeldQuery(), after=after, limit=3):
        seen += [item.id for item in page]
        after = seen[-1]
    assert seen == sorted(ids, reverse=True)


async def test_terms_are_found_anywhere_in_any_case_and_all_of_them(custody: Custody) -> None:
    invoice = await hold(custody, "Your INVOICE for November")
    other = await hold(custody, "Meeting", to="accounts@example.org", sender="boss@firm.example")
    assert await found(custody, terms=("nvoic",)) == [invoice]
    assert await found(custody, terms=("november", "invoice")) == [invoice]
    assert await found(custody, terms=("november", "meeting")) == []
    assert await found(custody, terms=("ACCOUNTS@",)) == [other]
    assert await found(custody, terms=("boss@firm",)) == [other]
    assert await found(custody, terms=("ärger",)) == [other, invoice]
    assert await found(custody, terms=("fo",)) == [invoice]  # too short for the index


@pytest.mark.parametrize("term", ['"', "a OR b", 'x" OR "y', "NEAR(", "subject:", "*", "%", "__", "' --", "-bob", "{}"])
async def test_no_term_is_a_command(custody: Custody, term: str) -> None:
    await hold(custody, "Plain")
    odd = await hold(custody, f"say {term} now")
    assert await found(custody, terms=(f"say {term}",)) == [odd]
    assert odd in await found(custody, terms=(term,))


async def test_a_viewer_sees_only_the_recipients_that_are_hers(custody: Custody) -> None:
    bob = await hold(custody, to="Bob@example.org")
    eve = await hold(custody, to="eve@example.org")
    other = await hold(custody, to="eve@other.example")
    assert await found(custody, recipients=["bob@example.org"]) == [bob]
    assert await found(custody, recipients=["BOB@example.org", "eve@other.example"]) == [other, bob]
    assert await found(custody, recipients=["@example.org"]) == [eve, bob]
    assert await found(custody, recipients=["@%"]) == []
    assert await found(custody, recipients=[]) == []
    assert await custody.held_counts(recipients=[]) == {}
    assert await custody.held_counts(recipients=["@other.example"]) == {"spam": 1}


async def test_each_field_of_a_query_restricts(custody: Custody, clock: FixedClock) -> None:
    one = await hold(
        custody, quarantine="phishing", score=14.2, rule="lookalike", reasons=(("LOOKALIKE", "looks like us"),)
    )
    clock.advance(60)
    other = await hold(custody, to="pay@example.org", sender="x@y.example", score=None, reasons=(("LOOK", ""),))
    for query in (
        {"quarantines": frozenset({"phishing", "malware"})},
        {"score_from": 10.0},
        {"score_from": 14.2, "score_to": 14.2},
        {"rule": "lookalike"},
        {"reason": "LOOKALIKE"},
        {"until": NOW + 60},
        {"recipient": "bob@example.org"},
        {"sender": "<Ann@Shop.example>"},
        {"sender": "*@shop.example"},
    ):
        assert await found(custody, **query) == [one], query
    for query in (
        {"quarantines": frozenset({"spam"})},
        {"reason": "LOOK"},
        {"since": NOW + 60},
        {"recipient": "p*@example.org"},
    ):
        assert await found(custody, **query) == [other], query
    for query in ({"score_to": 1.0}, {"sender": "%"}, {"sender": "_nn@shop.example*"}, {"state": State.DROPPED}):
        assert await found(custody, **query) == [], query


async def test_what_was_released_is_found_as_released_with_its_words(custody: Custody) -> None:
    id = await hold(custody, "Invoice")
    await accept(custody)  # never held: no business of quarantine
    await custody.release(id, actor="ana", reason="")
    assert await found(custody, terms=("invoice",)) == []
    assert await found(custody, terms=("invoice",), state=State.QUEUED) == [id]
    assert await found(custody, state=State.QUEUED) == [id]
    item = await custody.held_item(id)
    assert item is not None and item.state is State.QUEUED


async def test_an_item_shows_what_a_list_needs(custody: Custody) -> None:
    id = await hold(custody, "Hi", quarantine="bulk", reasons=(("BULK", "a newsletter"),), rule="bulk-hold")
    (item,) = await custody.held(HeldQuery(), after=None, limit=1)
    assert item == await custody.held_item(id)
    assert (item.recipient, item.reverse_path, item.client_ip) == ("bob@example.org", "ann@shop.example", "192.0.2.7")
    assert item.judgement.reasons == (("BULK", "a newsletter"),)
    assert (item.judgement.rule, item.listing.subject, item.quarantine) == ("bulk-hold", "Hi", "bulk")


async def test_track_finds_messages_and_refusals_together_newest_first(custody: Custody, clock: FixedClock) -> None:
    id = await accept(custody)
    clock.advance(1)
    await custody.record_refusal(refusal(recipient="bob@example.org"))
    clock.advance(1)
    later = await accept(custody)
    rows = await custody.track(TrackQuery(recipient="Bob@Example.org"), limit=10)
    assert [(row.outcome, row.message_id) for row in rows] == [("queued", later), ("refused", None), ("queued", id)]
    assert rows[1].reply == "550 5.1.1 No such user"
    assert (rows[1].stage, rows[1].reason, rows[1].client_ip) == ("rcpt", "unknown recipient", "198.51.100.9")
    assert await custody.track(TrackQuery(recipient="Bob@Example.org"), limit=10, after=rows[1].id) == rows[2:]
    assert await custody.track(TrackQuery(), limit=1) == rows[:1]


async def test_track_finds_by_each_kind_of_id(custody: Custody) -> None:
    id = await accept(custody)
    await custody.record_refusal(refusal(reference="REF1"))
    await accept(custody, acceptance(listing=Listing(message_id="<other@x>")))
    (refused,) = await custody.track(TrackQuery(message_id="REF1"), limit=10)
    assert refused.outcome == "refused"
    assert await custody.track(TrackQuery(message_id=text_of(refused.id)), limit=10) == [refused]
    for spelling in (text_of(id), text_of(id).lower(), "<1@shop.example>", "1@shop.example"):
        (row,) = await custody.track(TrackQuery(message_id=spelling), limit=10)
        assert row.message_id == id


async def test_track_restricts_by_sender_time_text_and_viewer(custody: Custody, clock: FixedClock) -> None:
    first = await accept(custody)
    clock.advance(60)
    await custody.record_refusal(refusal())
    second = await accept(  # durable after the refusal before it, so both are there now
        custody, acceptance(recipient("eve@example.org"), sender="", listing=Listing(subject="50 % off"))
    )

    async def messages(**query: Any) -> list[int | None]:
        return [row.message_id for row in await custody.track(TrackQuery(**query), limit=10)]

    assert await messages(sender="ann@shop.example") == [first]
    assert await messages(sender="*@SHOP.example") == [first]
    assert await messages(since=NOW + 60) == [second, None]
    assert await messages(until=NOW + 60) == [first]
    assert await messages(text="50 %") == [second]
    assert await messages(text="HELLO") == [first]
    assert await messages(text="unknown recip") == [None]
    assert await messages(recipients=["zoe@example.org", "eve@example.org"]) == [second, None]
    assert await messages(recipients=[]) == []


async def test_track_tells_how_far_a_message_came(custody: Custody) -> None:
    await accept(custody)
    (claim,) = await custody.claim("courier", lease=60)
    await custody.finish(claim, attempt(State.DEFERRED, due=NOW + 300))
    (row,) = await custody.track(TrackQuery(), limit=10)
    assert (row.outcome, row.attempt, row.due, row.reply) == ("deferred", 1, NOW + 300, "451 4.2.0 Mailbox busy")


async def test_a_look_for_text_reads_only_the_newest(custody: Custody, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "READ_THROUGH", 3)
    ids = [await accept(custody) for _ in range(6)]
    rows = await custody.track(TrackQuery(text="hello"), limit=10)
    assert [row.message_id for row in rows] == ids[:2:-1][:4] or [row.message_id for row in rows] == ids[:1:-1][:4]
    more = await custody.track(TrackQuery(text="hello"), limit=10, after=rows[-1].id)
    assert [row.message_id for row in more] == [id for id in reversed(ids) if id not in {r.message_id for r in rows}]


async def test_no_list_sorts_or_reads_through_all_mail(custody: Custody) -> None:
    said: list[tuple[str, Any]] = []

    def listen(_c: object, _cursor: object, statement: str, parameters: Any, _context: object, _many: bool) -> None:
        said.append((statement, parameters))

    await hold(custody)
    event.listen(custody.readers.engine, "before_cursor_execute", listen)
    for query in (
        {},
        {"quarantines": frozenset({"spam"})},
        {"recipients": ["bob@example.org"]},
        {"terms": ("hello",)},
        {"terms": ("hello", "ann"), "quarantines": frozenset({"spam"})},
        {"state": State.DROPPED},
    ):
        await found(custody, **query)
    for tracked in (
        TrackQuery(recipient="bob@example.org"),
        TrackQuery(sender="ann@shop.example"),
        TrackQuery(message_id="<1@shop.example>"),
    ):
        await custody.track(tracked, limit=10)
    await custody.queue_items(destination="mailbox")
    await custody.queue_items()
    questions = [each for each in said if each[0].startswith("SELECT")]
    assert len(questions) == 6 + 2 * 3 + 4
    with custody.readers.engine.connect() as connection:
        for question, parameters in questions:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", parameters)
            steps = [row.detail for row in plan]
            assert not any(step in ("SCAN recipient", "SCAN message", "SCAN refusal") for step in steps), (
                question,
                steps,
            )
            few = "message.sender = ?" in question or "header_id IN" in question or "refusal" in question
            assert few or not any("ORDER BY" in step for step in steps), (question, steps)
