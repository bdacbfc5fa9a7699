from __future__ import annotations

from gateway.clock import FixedClock
from gateway.facts.connection import ClientFact
from gateway.inbound.refusals import MAX_TEXT, Refusals
from gateway.inbound.refused import Refused
from gateway.mail import replies
from gateway.queue.records import Refusal
from tests.inbound.house import NOW, Shelf


async def test_the_record_of_a_refusal() -> None:
    shelf = Shelf()
    refused = Refused(replies.NO_RELAY, "not ours", "everyone")
    client = ClientFact("192.0.2.1", helo="c.example")
    await Refusals(shelf, FixedClock(NOW)).before_data(
        "rcpt", refused, client=client, reverse_path="a@b.example", recipient="x@y.example"
    )
    assert shelf.refusals == [
        Refusal(
            at=NOW,
            stage="rcpt",
            reply=replies.NO_RELAY,
            reason="not ours",
            client_ip="192.0.2.1",
            helo="c.example",
            reverse_path="a@b.example",
            recipient="x@y.example",
            rule="everyone",
        )
    ]


async def test_what_the_client_said_is_kept_in_bounds() -> None:
    shelf = Shelf()
    client = ClientFact("192.0.2.1", helo="h" * 10_000)
    refused = Refused(replies.BAD_HELO, "odd")
    await Refusals(shelf, FixedClock(NOW)).before_data("helo", refused, client=client, recipient="r" * 10_000)
    assert len(shelf.refusals[0].helo) == len(shelf.refusals[0].recipient) == MAX_TEXT
