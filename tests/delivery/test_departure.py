"""gateway/delivery/departure.py, by itself and with a courier that hands over to a real port."""

from __future__ import annotations

from dataclasses import replace

from gateway.clock import FixedClock
from gateway.delivery.departure import Departure, Tagging
from gateway.delivery.routes import Routes
from gateway.mail.address import Address
from gateway.mail.batv import Batv
from gateway.mail.srs import Srs
from gateway.queue.custody import Custody
from gateway.queue.states import State
from tests.delivery.deposits import all_in, delivering, put, states, store_at, until
from tests.delivery.sink import Sink, running

NOON = 1_800_000_000.0
OURS = {"us.example", "also-us.example"}
SRS = Srs("us.example", (b"k" * 32,))
TAGGING = Tagging(
    Batv((b"k" * 32,)),
    domains=frozenset({"us.example"}),
    exempt=frozenset({"list-owner@us.example"}),
    untagged_to=frozenset({"lists.example", "majordomo@old.example"}),
)
LEAVES = Departure(lambda address: address.domain in OURS, now=lambda: NOON, srs=lambda: SRS, tagging=lambda: TAGGING)
STRANGER, FRIEND = Address("ann", "stranger.example"), Address("carl", "friend.example")
ALICE, BOB = Address("alice", "us.example"), Address("bob", "also-us.example")


def test_what_strangers_write_is_forwarded_under_an_address_of_ours() -> None:
    assert LEAVES(STRANGER, FRIEND) == SRS.forwarded(STRANGER, now=NOON)


def test_what_stays_in_the_house_keeps_its_path() -> None:
    assert LEAVES(STRANGER, ALICE) == STRANGER
    assert LEAVES(ALICE, BOB) == ALICE


def test_a_bounce_has_no_path_wherever_it_goes() -> None:
    assert LEAVES(None, FRIEND) is None
    assert LEAVES(None, ALICE) is None


def test_our_own_mail_leaves_with_a_tag_where_its_domain_wants_one() -> None:
    assert LEAVES(ALICE, FRIEND) == TAGGING.batv.tagged(ALICE, now=NOON)
    assert LEAVES(BOB, FRIEND) == BOB
    assert LEAVES(Address("List-Owner", "us.example"), FRIEND) == Address("List-Owner", "us.example")
    assert LEAVES(ALICE, Address("discuss", "lists.example")) == ALICE
    assert LEAVES(ALICE, Address("Majordomo", "old.example")) == ALICE
    assert LEAVES(ALICE, Address("ann", "old.example")) != ALICE


def test_switched_off_nothing_changes() -> None:
    plain = replace(LEAVES, srs=lambda: None, tagging=lambda: None)
    assert plain(STRANGER, FRIEND) == STRANGER
    assert plain(ALICE, FRIEND) == ALICE


def test_a_domain_that_takes_no_mail_here_is_not_written_into_any_path() -> None:
    elsewhere = replace(LEAVES, srs=lambda: Srs("gone.example", (b"k" * 32,)))
    assert elsewhere(STRANGER, FRIEND) == STRANGER


async def test_copies_go_under_the_path_that_is_theirs(custody: Custody, clock: FixedClock) -> None:
    """One message for one of ours and for two others, all by one host."""
    async with running(Sink()) as sink, delivering(custody, clock, departing=LEAVES):
        everybody = ("alice@us.example", "carl@friend.example", "dora@friend.example")
        id = await put(custody, clock, sink.route, *everybody, reverse_path=STRANGER)
        await until(lambda: all_in(custody, [id], State.DELIVERED))
    paths = {tuple(sorted(each.recipients)): each.mail.split()[1] for each in sink.taken}
    assert paths == {
        ("alice@us.example",): "FROM:<ann@stranger.example>",
        ("carl@friend.example", "dora@friend.example"): f"FROM:<{SRS.forwarded(STRANGER, now=NOON)}>",
    }


async def test_our_own_bounce_of_what_we_could_not_forward_goes_to_who_wrote_it(
    custody: Custody, clock: FixedClock
) -> None:
    async with running(Sink(script={"RCPT": "550 5.1.1 nobody"})) as sink, running(Sink()) as writer:
        routes = Routes(mailbox=store_at(1), domains={"stranger.example": writer.route})
        async with delivering(custody, clock, routes=routes, departing=LEAVES):
            id = await put(custody, clock, sink.route, "carl@friend.example", reverse_path=STRANGER)
            await until(lambda: bool(writer.taken))
            assert await states(custody, id) == [State.FAILED]
    (bounce,) = writer.taken
    assert (bounce.mail.split()[1], bounce.recipients) == ("FROM:<>", ["ann@stranger.example"])
