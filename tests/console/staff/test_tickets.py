"""A ticket is good once, for one session and one item, for a minute."""

from __future__ import annotations

import pytest

from gateway.clock import FixedClock
from gateway.console.staff.tickets import MAX_TICKETS, SECONDS, Tickets


def test_a_ticket_is_good_once() -> None:
    tickets = Tickets(FixedClock(0))
    ticket = tickets.give("session", 7)
    assert tickets.use(ticket, "session", 7)
    assert not tickets.use(ticket, "session", 7)


@pytest.mark.parametrize(("session", "item"), [("other", 7), ("session", 8)])
def test_a_ticket_shown_wrongly_is_spent(session: str, item: int) -> None:
    tickets = Tickets(FixedClock(0))
    ticket = tickets.give("session", 7)
    assert not tickets.use(ticket, session, item)
    assert not tickets.use(ticket, "session", 7)


def test_a_ticket_ends_after_its_time() -> None:
    clock = FixedClock(0)
    tickets = Tickets(clock)
    ticket = tickets.give("session", 7)
    clock.advance(SECONDS)
    assert not tickets.use(ticket, "session", 7)


def test_the_number_of_tickets_is_bounded() -> None:
    tickets = Tickets(FixedClock(0))
    first = tickets.give("session", 7)
    for _ in range(MAX_TICKETS):
        tickets.give("session", 7)
    assert not tickets.use(first, "session", 7)
