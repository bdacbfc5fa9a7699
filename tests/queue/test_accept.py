from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from gateway.mail.address import Address
from gateway.mail.envelope import Recipient
from gateway.queue.changed import Changed
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.ledger.accepting import BEGINNINGS
from gateway.queue.ledger.lock import FileLock
from gateway.queue.records import Judgement, Listing, NewRecipient
from gateway.queue.states import State
from tests.queue.samples import LARGE, OCTETS, accept, acceptance, kinds_of, recipient, state_of


@pytest.mark.parametrize("octets", [OCTETS, LARGE, b""], ids=["row", "spool", "empty"])
async def test_what_was_accepted_is_there(custody: Custody, octets: bytes) -> None:
    id = await accept(custody, octets=octets)
    record = await custody.message(id)
    assert record is not None
    assert record.size == len(octets)
    assert record.evidence == b'{"spf":"pass"}'
    assert record.listing == acceptance().listing
    assert record.client == acceptance().client
    assert record.envelope == acceptance().envelope
    assert record.octets_kept
    assert (await custody.octets(id))[:] == octets


async def test_the_id_that_was_given_at_the_door_is_the_messages(custody: Custody) -> None:
    id = custody.new_id()
    incoming = custody.incoming()
    incoming.write(OCTETS)
    assert await custody.accept(acceptance(), incoming, message_id=id) == id


async def test_small_octets_make_no_file_and_large_ones_one(custody: Custody) -> None:
    await accept(custody)
    assert not list(custody.spool.folder.iterdir())
    await accept(custody, octets=LARGE)
    assert len(list(custody.spool.folder.iterdir())) == 1


async def test_nothing_is_kept_of_a_message_that_everybody_dropped(custody: Custody) -> None:
    id = await accept(custody, acceptance(recipient(state=State.DROPPED)))
    record = await custody.message(id)
    assert record is not None and not record.octets_kept
    assert await kinds_of(custody, id) == ["accepted", "deleted"]


async def test_recipients_begin_where_the_judgement_put_them(custody: Custody) -> None:
    states = [State.QUEUED, State.HELD, State.DROPPED, State.UNSCANNED]
    given = [recipient(f"u{number}@example.org", state) for number, state in enumerate(states)]
    assert await state_of(custody, await accept(custody, acceptance(*given))) == states


@pytest.mark.parametrize("state", sorted(set(State) - BEGINNINGS))
async def test_no_recipient_begins_in_another_state(custody: Custody, state: State) -> None:
    with pytest.raises(ValueError, match="begins"):
        await accept(custody, acceptance(recipient(state=state)))


async def test_a_message_needs_a_recipient(custody: Custody) -> None:
    incoming = custody.incoming()
    with pytest.raises(ValueError, match="at least one recipient"):
        await custody.accept(replace(acceptance(), recipients=()), incoming)


async def test_a_failed_acceptance_leaves_the_others_of_its_batch_alone(custody: Custody) -> None:
    twice = custody.new_id()
    incoming = [custody.incoming() for _ in range(4)]
    ids = [custody.new_id(), twice, twice, custody.new_id()]
    outcomes = await asyncio.gather(
        *(custody.accept(acceptance(), each, message_id=id) for each, id in zip(incoming, ids, strict=True)),
        return_exceptions=True,
    )
    assert [isinstance(each, int) for each in outcomes] == [True, True, False, True]
    assert len(await custody.queue_items()) == 3


async def test_an_address_that_cannot_be_stored_is_refused_not_changed(custody: Custody) -> None:
    to = Recipient(Address("a\udc80b", "example.org"))
    with pytest.raises(UnicodeEncodeError):
        await accept(custody, acceptance(NewRecipient(to, State.QUEUED, "mailbox", Judgement("deliver"))))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(alphabet=st.characters(exclude_categories=()), max_size=40), score=st.floats(allow_nan=False))
async def test_any_words_of_a_message_can_be_stored(custody: Custody, words: str, score: float) -> None:
    listing = Listing(words, words, words, words, words, 1, score)
    id = await accept(custody, acceptance(recipient(state=State.HELD), listing=listing))
    record = await custody.message(id)
    assert record is not None and record.listing.score == score


async def test_a_refused_spool_file_is_a_failed_acceptance(custody: Custody) -> None:
    incoming = custody.incoming()
    incoming.write(LARGE)
    for path in custody.spool.folder.iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        await custody.accept(acceptance(), incoming)
    incoming.discard()
    assert await custody.queue_items() == []


async def test_a_cancelled_acceptance_is_whole_or_absent_and_its_file_is_not_collected(custody: Custody) -> None:
    incoming = custody.incoming()
    incoming.write(LARGE)
    id = custody.new_id()
    with FileLock(custody.folder / "ledger.lock"):
        waiting = asyncio.ensure_future(custody.accept(acceptance(), incoming, message_id=id))
        while custody.writer.health.oldest is None:
            await asyncio.sleep(0.001)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        incoming.discard()  # as the session does when it ends
        assert not list(custody.spool.collect(is_owed=lambda _: False))
    await accept(custody)  # a later commit, so the earlier one is done
    assert (await custody.octets(id))[:] == LARGE
    assert len(await custody.queue_items()) == 2


@pytest.mark.parametrize(("came", "goes_on"), [(OCTETS, LARGE), (LARGE, OCTETS), (LARGE, LARGE)])
async def test_a_message_in_two_forms_is_told_in_both_stories(custody: Custody, came: bytes, goes_on: bytes) -> None:
    incoming = custody.incoming()
    incoming.write(came)
    held = acceptance(recipient(state=State.HELD, quarantine="stripped"))
    changed = Changed(custody.new_id(), acceptance(), goes_on, {"rule": "no-programs"})
    id = await custody.accept(held, incoming, changed=[changed])
    assert (await custody.octets(id))[:] == came
    assert (await custody.octets(changed.message_id))[:] == goes_on
    assert await kinds_of(custody, id) == ["accepted", "held", "stripped"]
    assert await kinds_of(custody, changed.message_id) == ["accepted", "stripped"]
    for one, other in ((id, changed.message_id), (changed.message_id, id)):
        (told,) = [each for each in await custody.events(one) if each.kind == "stripped"]
        assert told.detail == {"rule": "no-programs", "other": text_of(other)}


async def test_a_message_is_taken_in_both_forms_or_in_none(custody: Custody) -> None:
    incoming = custody.incoming()
    incoming.write(LARGE)
    nobody = Changed(custody.new_id(), replace(acceptance(), recipients=()), LARGE)
    with pytest.raises(ValueError, match="at least one recipient"):
        await custody.accept(acceptance(), incoming, changed=[nobody])
    taken = await accept(custody)
    twice = Changed(taken, acceptance(), LARGE)
    with pytest.raises(IntegrityError):
        await custody.accept(acceptance(), incoming, message_id=(id := custody.new_id()), changed=[twice])
    assert await custody.message(id) is None
