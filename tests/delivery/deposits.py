"""Real mail in a real ledger, and couriers for it, for tests of delivery."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.clock import Clock
from gateway.delivery.routes import Endpoint, Language, Routes
from gateway.delivery.worker import Courier
from gateway.facts.connection import ClientFact
from gateway.mail.address import Address
from gateway.mail.envelope import Envelope, Recipient
from gateway.queue.custody import Custody
from gateway.queue.records import Acceptance, Judgement, Listing, NewRecipient
from gateway.queue.states import State
from gateway.settings import Delivery, Settings

OCTETS = b"Message-ID: <one@example.net>\r\nSubject: hello\r\n\r\n.dot\r\nbody\r\n"
PREFIX = b"Received: by mx.example.org\r\n"
ALICE = Address("alice", "example.net")


@dataclass(frozen=True)
class NoAnswer:
    status: str = "timeout"
    records: tuple[str, ...] = ()


async def no_dns(_name: str, _type: str) -> NoAnswer:
    return NoAnswer()


async def put(
    custody: Custody,
    clock: Clock,
    destination: str,
    *recipients: str | Recipient,
    octets: bytes = OCTETS,
    reverse_path: Address | None = ALICE,
    received_at: float | None = None,
    may_bounce: bool = True,
    ret: str = "",
    fields: Mapping[str, bytes] | None = None,
) -> int:
    """Accept one message, as the front door does. `fields` are those of single copies, by address."""
    named = [Recipient(Address.parse(each)) if isinstance(each, str) else each for each in recipients]
    incoming = custody.incoming()
    incoming.write(octets)
    return await custody.accept(
        Acceptance(
            received_at=clock.now() if received_at is None else received_at,
            envelope=Envelope(reverse_path, tuple(named), ret=ret),
            client=ClientFact("192.0.2.1"),
            prefix=PREFIX,
            cuts=(),
            evidence=b"{}",
            policy_version="test",
            listing=Listing(),
            recipients=tuple(
                NewRecipient(
                    each,
                    State.QUEUED,
                    destination,
                    Judgement("deliver"),
                    fields=(fields or {}).get(str(each.address), b""),
                )
                for each in named
            ),
            may_bounce=may_bounce,
        ),
        incoming,
    )


async def states(custody: Custody, message_id: int) -> list[State]:
    record = await custody.message(message_id)
    assert record is not None
    return [each.state for each in record.recipients]


async def all_in(custody: Custody, messages: Sequence[int], state: State) -> bool:
    return all([set(await states(custody, each)) == {state} for each in messages])


async def until(condition: Callable[[], Awaitable[bool]] | Callable[[], bool], *, seconds: float = 180.0) -> None:
    """Wait for what the system does by itself. The limit only ends a test that has failed."""
    async with asyncio.timeout(seconds):
        while True:
            met = condition()
            if met if isinstance(met, bool) else await met:
                return
            await asyncio.sleep(0.01)


def small_settings(**delivery: Any) -> Settings:
    """Timeouts that only end a test that has failed, our name, the rest as shipped."""
    chosen = {"connect_timeout": 10.0, "timeout": 10.0} | delivery
    return Settings(hostname="mx.example.org", delivery=Delivery(**chosen))


@asynccontextmanager
async def delivering(
    custody: Custody, clock: Clock, *, settings: Settings | None = None, routes: Routes | None = None, **more: Any
) -> AsyncIterator[Courier]:
    """A courier at work; it has stopped, cleanly, when the block ends."""
    courier = Courier(
        custody,
        routes or Routes(domains={"example.net": "mailbox"}),
        settings or small_settings(),
        clock,
        random.Random(1),
        **({"query": no_dns} | more),
    )
    stop = asyncio.Event()
    running = asyncio.ensure_future(courier.run(stop))
    try:
        yield courier
    finally:
        stop.set()
        await running


def store_at(port: int) -> Endpoint:
    """The door of a shipped store on loopback."""
    return Endpoint(Language.LMTP, "127.0.0.1", port)
