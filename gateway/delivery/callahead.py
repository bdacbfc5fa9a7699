"""Call-ahead: asks the next hop of a route whether it would take mail for an address, up to RCPT and no further (RFC
5321 section 3.3), or what it offers in EHLO. The null reverse-path is used, which every host must take (section 4.5.5).

Never sends a message, never remembers an answer. A host that refuses us, rather than the address, has told nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from functools import partial
from typing import Final, TypeAlias, TypeVar

from gateway.delivery.relay import Connection, Timeouts, Tls, open_connection
from gateway.delivery.routes import Endpoint, Language, Route
from gateway.facts.outcome import Known, Outcome, Unknown
from gateway.mail import replies
from gateway.mail.address import Address
from gateway.mail.replies import Reply

TIMEOUTS: Final = Timeouts(connect=4.0, command=6.0)
"""Seconds: a client waits at RCPT meanwhile."""

PATIENCE: Final = 12.0
"""Seconds that one question may take with all the hosts of the route."""

MAX_CALLS: Final = 20
"""Calls at a time, so that a harvester at our door is none at theirs."""

_ABSENT_STATUS: Final = ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.2.0", "5.2.1", "5.4.1")
_FULL_STATUS: Final = ("4.2.2", "5.2.2")
_ABSENT_CODES: Final = (550, 551, 553)


T = TypeVar("T")
Question: TypeAlias = Callable[[Connection], Awaitable[Outcome[T]]]
"""What is asked over a connection that is open."""


class Presence(Enum):
    """What is known of a recipient."""

    EXISTS = "exists"
    ABSENT = "absent"
    FULL = "full"


class CallAhead:
    """One for each process. `doors` says where a route leads; `greet_as` is our name."""

    def __init__(
        self,
        *,
        doors: Callable[[Route], Awaitable[Sequence[Endpoint] | Reply]],
        greet_as: str,
        timeouts: Timeouts = TIMEOUTS,
        patience: float = PATIENCE,
    ) -> None:
        self._doors = doors
        self._greet_as = greet_as
        self._timeouts = timeouts
        self._patience = patience
        self._calls = asyncio.Semaphore(MAX_CALLS)

    async def ask(self, address: Address, route: Route) -> Outcome[Presence]:
        """What the first host of the route that answers says of the address. Never raises."""
        return await self._in_time(route, partial(_converse, address=address))

    async def offers(self, route: Route, extension: str) -> Outcome[bool]:
        """Whether the first host of the route that answers offers the extension. Never raises."""

        async def look(connection: Connection) -> Outcome[bool]:
            return Known(connection.offers(extension))

        return await self._in_time(route, look)

    async def _in_time(self, route: Route, question: Question[T]) -> Outcome[T]:
        try:
            async with asyncio.timeout(self._patience), self._calls:
                return await self._ask(route, question)
        except TimeoutError:
            return Unknown("the next hop did not answer in time")

    async def _ask(self, route: Route, question: Question[T]) -> Outcome[T]:
        doors = await self._doors(route)
        if isinstance(doors, Reply):
            return Unknown(f"there is no next hop: {doors.text}")
        outcome: Outcome[T] = Unknown("there is no next hop")
        for door in doors:
            outcome = await self._ask_at(door, question)
            if isinstance(outcome, Known):
                break
        return outcome

    async def _ask_at(self, door: Endpoint, question: Question[T]) -> Outcome[T]:
        tls = Tls.OPPORTUNISTIC if door.language is Language.SMTP else Tls.NONE
        connection = await open_connection(door, greet_as=self._greet_as, timeouts=self._timeouts, tls=tls)
        if isinstance(connection, Reply):
            return Unknown(f"{door}: {connection.code} {connection.text}"[:200])
        try:
            return await question(connection)
        finally:
            connection.close()


async def _converse(connection: Connection, *, address: Address) -> Outcome[Presence]:
    utf8 = "" if address.is_ascii else " SMTPUTF8"
    if utf8 and not connection.offers("SMTPUTF8"):
        return Unknown(f"{connection.endpoint} takes no internationalised addresses")
    for command in (f"MAIL FROM:<>{utf8}", f"RCPT TO:<{address}>"):
        said = await connection.exchange([command.encode()])
        if not said:
            return Unknown(f"{connection.endpoint}: {(connection.broken or replies.CONNECTION_LOST).text}")
        if command.startswith("MAIL") and not said[0].is_positive:
            break
    else:
        return presence_of(said[0])
    return Unknown(f"{connection.endpoint} takes no mail from <>: {said[0].code} {said[0].text}"[:200])


def presence_of(reply: Reply) -> Outcome[Presence]:
    """What an answer to RCPT says of the address, and what only of us (RFC 3463 section 3)."""
    if reply.is_positive:
        return Known(Presence.EXISTS)
    if reply.enhanced in _FULL_STATUS:
        return Known(Presence.FULL)
    if reply.is_permanent and (
        reply.enhanced in _ABSENT_STATUS or (not reply.enhanced and reply.code in _ABSENT_CODES)
    ):
        return Known(Presence.ABSENT)
    return Unknown(f"the next hop said {reply.code} {reply.enhanced} {reply.text}"[:200])
