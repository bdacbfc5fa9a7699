"""Signing in: a password asked of the right place, slowly enough for guessing to be useless.

A name with an @ is a mailbox and the mail store is asked; any other name is a staff account. Wrong name, wrong
password and no such account are one answer. Tries are counted per client and per name, in this process.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil
from typing import Final

from gateway.clock import Clock
from gateway.console.ports import AuthenticateMailbox, StoreUnavailable
from gateway.console.staff.people import MAX_PASSWORD, People, PeopleError
from gateway.mail.address import Address, BadAddress
from gateway.quarantine.rights import Actor, Role
from gateway.telemetry import log

WINDOW: Final = 900.0
"""Seconds over which wrong tries are counted."""
TRIES_PER_PAIR: Final = 8
"""For one name from one client. The name alone may fail more often: else a stranger could lock its owner out."""
TRIES_PER_CLIENT: Final = 30
TRIES_PER_NAME: Final = 100
MAX_COUNTED: Final = 20_000
CONCURRENT_HASHES: Final = 2
"""Each hash takes 64 MiB for its 50 ms."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The password is right. `seal` ties the session to it."""

    actor: Actor
    seal: str


@dataclass(frozen=True, slots=True)
class NotSignedIn:
    """It is not, or cannot be asked. `retry_after` is in seconds, 0 where another try is allowed now."""

    text: str
    retry_after: int = 0
    unavailable: bool = False


class Tries:
    """Wrong tries in a sliding window, bounded in number: the key longest unused is forgotten first."""

    def __init__(self, clock: Clock, *, allowed: int) -> None:
        self._clock = clock
        self._allowed = allowed
        self._times: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until that key may try again; 0: now."""
        now = self._clock.monotonic()
        times = [at for at in self._times.get(key, ()) if at > now - WINDOW]
        return 0.0 if len(times) < self._allowed else times[-self._allowed] + WINDOW - now

    def count(self, key: str) -> None:
        """Count one wrong try."""
        now = self._clock.monotonic()
        times = [at for at in self._times.pop(key, ()) if at > now - WINDOW]
        self._times[key] = [*times, now][-self._allowed :]
        while len(self._times) > MAX_COUNTED:
            self._times.popitem(last=False)

    def forget(self, key: str) -> None:
        """The key has proved itself."""
        self._times.pop(key, None)


class Reception:
    """Where people say who they are."""

    def __init__(self, people: People, authenticate_mailbox: AuthenticateMailbox, clock: Clock) -> None:
        self._people = people
        self._authenticate_mailbox = authenticate_mailbox
        self._by_pair = Tries(clock, allowed=TRIES_PER_PAIR)
        self._by_client = Tries(clock, allowed=TRIES_PER_CLIENT)
        self._by_name = Tries(clock, allowed=TRIES_PER_NAME)
        self._hashing = asyncio.Semaphore(CONCURRENT_HASHES)

    async def sign_in(self, name: str, password: str, *, client: str) -> SignedIn | NotSignedIn:
        """Ask the right place. Never raises for a wrong password."""
        name = name.strip().lower()[:320]
        counted = ((self._by_pair, f"{name} {client}"), (self._by_client, client), (self._by_name, name))
        wait = max(tries.wait(key) for tries, key in counted)
        if wait > 0:
            return NotSignedIn(f"Too many tries. Try again in {_in_words(wait)}.", retry_after=ceil(wait))
        # Counted before the answer is known, so that tries at the same time cannot slip through together.
        for tries, key in counted:
            tries.count(key)
        try:
            found = await self._ask(name, password)
        except (StoreUnavailable, PeopleError) as error:
            log().error("sign-in not possible", why=str(error))
            return NotSignedIn("Passwords cannot be checked just now. Try again in a minute.", unavailable=True)
        if found is None:
            log().info("sign-in refused", client=client)
            return NotSignedIn("Name or password is wrong.")
        for tries, key in counted:
            tries.forget(key)
        log().info("signed in", person=found.actor.name, role=found.actor.role.value, client=client)
        return found

    async def _ask(self, name: str, password: str) -> SignedIn | None:
        if not 0 < len(password) <= MAX_PASSWORD or "\0" in password:
            return None
        if "@" not in name:
            async with self._hashing:
                account = await asyncio.to_thread(self._people.verify, name, password)
            return None if account is None else SignedIn(Actor(account.name, account.role), account.seal)
        try:
            address = Address.parse(name)
        except BadAddress:
            return None
        mailbox = await self._authenticate_mailbox(address.key, password)
        if mailbox is None:
            return None
        addresses = frozenset(each.lower() for each in mailbox.addresses | {mailbox.address})
        return SignedIn(Actor(mailbox.address.lower(), Role.USER, addresses), "")


def _in_words(seconds: float) -> str:
    return f"{ceil(seconds / 60)} minutes" if seconds > 90 else f"{ceil(seconds)} seconds"
