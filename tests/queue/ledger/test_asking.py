from __future__ import annotations

from gateway.clock import FixedClock
from gateway.facts.connection import ClientFact, DnsblFact
from gateway.facts.outcome import Known, Unknown
from gateway.mail.address import Address
from gateway.mail.envelope import Body, Direction, Envelope, Recipient
from gateway.queue.custody import Custody
from gateway.queue.records import Acceptance, Judgement, Listing, MinuteCount, NewRecipient
from gateway.queue.states import State
from tests.queue.samples import NOW, accept, acceptance, attempt, recipient, refusal


async def test_a_message_comes_back_as_it_was_told(custody: Custody) -> None:
    to = Recipient(Address('o "odd" one', "example.org"), frozenset({"NEVER"}), "rfc822;odd@example.org")
    told = Acceptance(
        received_at=NOW,
        envelope=Envelope(
            reverse_path=None,
            recipients=(to,),
            direction=Direction.OUTBOUND,
            body=Body.EIGHT_BIT_MIME,
            smtputf8=True,
            size=123,
            ret="HDRS",
            envid="QQ314159",
            extensions={"X": "y"},
        ),
        client=ClientFact(
            "2001:db8::1",
            25,
            "helo.example",
            Known("mx.example"),
            "TLSv1.3",
            "AES",
            "ann",
            Known(DnsblFact(2.5, (("zen", "127.0.0.2"),))),
            False,
        ),
        prefix=b"X: \xff\r\n",
        cuts=((1, 3),),
        evidence=b'{"a":"\xc3\xa4"}',
        policy_version="v42",
        listing=Listing("Ann", "ann@shop.example", "Größe", "Text", "<1@x>", 2, None),
        recipients=(
            NewRecipient(
                to,
                State.HELD,
                "mailbox",
                Judgement("quarantine", "phishing", "r", "p.yaml", 7, (("A", "b"),)),
                "phishing",
                NOW + 9,
            ),
        ),
        may_bounce=False,
    )
    record = await custody.message(await accept(custody, told))
    assert record is not None
    assert record.envelope == told.envelope
    assert record.envelope.extensions == {"X": "y"}
    assert (record.client, record.listing, record.evidence) == (told.client, told.listing, told.evidence)
    assert (record.policy_version, record.may_bounce, record.received_at) == ("v42", False, NOW)
    (found,) = record.recipients
    given = told.recipients[0]
    assert (found.recipient, found.state, found.judgement) == (given.recipient, given.state, given.judgement)
    assert (found.quarantine, found.expires_at, found.destination) == ("phishing", NOW + 9, "mailbox")


async def test_a_client_of_whom_something_is_unknown_comes_back_so(custody: Custody) -> None:
    told = acceptance()
    client = ClientFact("192.0.2.1", reverse_name=Unknown("DNS timed out"))
    record = await custody.message(
        await accept(custody, Acceptance(**{name: getattr(told, name) for name in told.__slots__} | {"client": client}))
    )
    assert record is not None and record.client == client


async def test_counts_are_of_events_and_of_what_is_the_case(custody: Custody, clock: FixedClock) -> None:
    await accept(custody)
    clock.advance(3600)
    await accept(custody, acceptance(recipient(state=State.HELD), recipient("b@example.org")))
    await custody.record_refusal(refusal(at=clock.now()))
    first, second = await custody.claim("courier", lease=60)
    await custody.finish(first, attempt(at=clock.now()))
    await custody.finish(second, attempt(State.DEFERRED, at=clock.now(), due=clock.now() + 60))
    now = {"held": 1, "refused": 1, "delivered": 1, "deferred": 1, "waiting": 1, "held_now": 1}
    assert await custody.counts_since(NOW) == now | {"accepted": 2}
    assert await custody.counts_since(NOW + 3600) == now | {"accepted": 1}
    assert await custody.counts_since(NOW + 7200) == {"waiting": 1, "held_now": 1}
    minute = (NOW + 3600) // 60 * 60
    assert await custody.minutes_since(NOW + 3600) == [
        MinuteCount(minute, kind, 1) for kind in ("accepted", "deferred", "delivered", "held", "refused")
    ]


async def test_queue_lists_go_on_by_id(custody: Custody, clock: FixedClock) -> None:
    ids = []
    for number in range(5):
        ids.append(await accept(custody, acceptance(recipient(destination=f"mx:{number % 2}"))))
        clock.advance(1)
    first = await custody.queue_items(limit=3)
    rest = await custody.queue_items(limit=3, after=first[-1].recipient_id)
    assert [item.message_id for item in first + rest] == ids[::-1]
    assert [item.message_id for item in await custody.queue_items(destination="mx:1")] == [ids[3], ids[1]]
    assert await custody.queue_items(states=frozenset({State.HELD})) == []
    (item,) = await custody.queue_items(limit=1)
    assert (item.recipient, item.reverse_path, item.subject) == ("bob@example.org", "ann@shop.example", "Hello")
    assert (item.state, item.attempt, item.received_at) == (State.QUEUED, 0, NOW)


async def test_lists_of_all_live_states_are_in_one_order(custody: Custody) -> None:
    states = (State.QUEUED, State.HELD, State.UNSCANNED)
    ids = [await accept(custody, acceptance(recipient(state=state))) for state in states * 2]
    items = await custody.queue_items(states=frozenset(states))
    assert [item.message_id for item in items] == ids[::-1]


async def test_the_busiest_destination_comes_first(custody: Custody) -> None:
    for name in ("mx:b", "mx:a", "mx:b"):
        await accept(custody, acceptance(recipient(destination=name)))
    assert [(each.name, each.waiting) for each in await custody.queue_summary()] == [("mx:b", 2), ("mx:a", 1)]
