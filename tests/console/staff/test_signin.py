"""Signing in: the right place is asked, every wrong answer is the same, and guessing is slow."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.console.staff.people import People
from gateway.console.staff.signin import (
    MAX_COUNTED,
    TRIES_PER_CLIENT,
    TRIES_PER_PAIR,
    WINDOW,
    NotSignedIn,
    Reception,
    SignedIn,
    Tries,
)
from gateway.quarantine.rights import Role
from tests.console.conftest import PASSWORD, World


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1000.0)


@pytest.fixture
def reception(people_file: Path, world: World, clock: FixedClock) -> Reception:
    return Reception(People(people_file), world.authenticate_mailbox, clock)


async def test_staff_and_mailbox_owners(reception: Reception) -> None:
    ana = await reception.sign_in(" Administrator ", PASSWORD, client="192.0.2.1")
    bob = await reception.sign_in("Bob@Example.ORG", PASSWORD, client="192.0.2.1")
    assert isinstance(ana, SignedIn)
    assert isinstance(bob, SignedIn)
    assert (ana.actor.name, ana.actor.role, bool(ana.seal)) == ("administrator", Role.ADMINISTRATOR, True)
    assert (bob.actor.role, bob.seal) == (Role.USER, "")
    assert bob.actor.addresses == {"bob@example.org", "sales@example.org"}


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("administrator", "wrong"),
        ("nobody", PASSWORD),
        ("bob@example.org", "wrong"),
        ("eve@example.org", PASSWORD),
        ("administrator", ""),
        ("", ""),
        ("a@b@c", PASSWORD),
        ("@", PASSWORD),
        ("administrator", "x" * 5000),
        ("administrator", PASSWORD + "\0"),
    ],
)
async def test_every_wrong_answer_is_the_same(reception: Reception, name: str, password: str) -> None:
    answer = await reception.sign_in(name, password, client="192.0.2.1")
    assert answer == NotSignedIn("Name or password is wrong.")


async def test_a_store_that_cannot_be_asked_is_said_and_is_no_wrong_password(
    reception: Reception, world: World
) -> None:
    world.store_down = True
    answer = await reception.sign_in("bob@example.org", PASSWORD, client="192.0.2.1")
    assert isinstance(answer, NotSignedIn)
    assert answer.unavailable


async def test_guessing_is_stopped_for_the_client_and_not_for_the_owner(
    reception: Reception, clock: FixedClock
) -> None:
    for _ in range(TRIES_PER_PAIR):
        await reception.sign_in("administrator", "wrong", client="192.0.2.1")
    stopped = await reception.sign_in("administrator", PASSWORD, client="192.0.2.1")
    assert isinstance(stopped, NotSignedIn)
    assert 0 < stopped.retry_after <= WINDOW
    assert isinstance(await reception.sign_in("administrator", PASSWORD, client="192.0.2.2"), SignedIn)
    clock.advance(WINDOW)
    assert isinstance(await reception.sign_in("administrator", PASSWORD, client="192.0.2.1"), SignedIn)


async def test_one_client_cannot_try_many_names(reception: Reception) -> None:
    for number in range(TRIES_PER_CLIENT):
        await reception.sign_in(f"user{number}@example.org", "wrong", client="192.0.2.1")
    stopped = await reception.sign_in("administrator", PASSWORD, client="192.0.2.1")
    assert isinstance(stopped, NotSignedIn)
    assert stopped.retry_after


def test_what_is_counted_is_bounded(clock: FixedClock) -> None:
    tries = Tries(clock, allowed=1)
    for number in range(MAX_COUNTED + 10):
        tries.count(str(number))
    assert tries.wait("0") == 0
    assert tries.wait(str(MAX_COUNTED + 9)) > 0


async def test_accounts_that_cannot_be_read_are_no_wrong_password(
    world: World, clock: FixedClock, tmp_path: Path
) -> None:
    file = tmp_path / "people.yaml"
    file.write_text("people: 7")
    answer = await Reception(People(file), world.authenticate_mailbox, clock).sign_in("ana", "x", client="192.0.2.1")
    assert isinstance(answer, NotSignedIn)
    assert answer.unavailable
