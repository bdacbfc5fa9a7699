"""What stands around a gateway under test: a nameserver and hosts that take mail, in a thread with its own loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

from dns import rcode

from tests.delivery.sink import Sink
from tests.delivery.sink import running as sink_running
from tests.dns_server import Behaviour, DnsServer
from tests.e2e.gateway import PATIENCE

T = TypeVar("T")

ZONE: dict[str, Any] = {
    "sender.example": [{"SPF": "v=spf1 ip4:127.0.0.1 -all"}, {"MX": [0, "mx.sender.example"]}],
    "_dmarc.sender.example": [{"TXT": "v=DMARC1; p=reject"}],
    "strict.example": [{"SPF": "v=spf1 -all"}],
    "_dmarc.strict.example": [{"TXT": "v=DMARC1; p=reject"}],
    "seven.example": [{"SPF": "v=spf1 ip4:127.0.0.7 -all"}],
    "ninety-nine.example": [{"SPF": "v=spf1 ip4:127.0.0.99 -all"}],
    "8.0.0.127.bl.example": [{"A": "127.0.0.2"}],
    "partner.example": [{"SPF": "v=spf1 ip4:127.0.0.1 -all"}],
}
"""sender.example vouches for loopback and asks to reject forgeries; strict.example sends no mail at all.
seven and ninety-nine vouch for one address each; 127.0.0.8 is on the block list bl.example.
About unreachable.example and speechless.example the nameserver cannot tell."""


class Surroundings:
    """Use `surroundings()`. What is called here runs in the thread's loop, and what is set there the servers see."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stack: AsyncExitStack, dns: DnsServer) -> None:
        self._loop = loop
        self._stack = stack
        self.dns = dns

    @property
    def nameserver(self) -> str:
        return f"127.0.0.1:{self.dns.port}"

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def sink(self, *, port: int = 0, **how: Any) -> Sink:
        """One more host that takes mail, until the end."""
        return self.run(self._stack.enter_async_context(sink_running(Sink(**how), port=port)))

    @contextlib.contextmanager
    def keeping(self, context: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """The inside of an asynchronous `with`, for one that is not."""
        entered = self.run(context.__aenter__())
        try:
            yield entered
        finally:
            self.run(context.__aexit__(None, None, None))

    @contextlib.contextmanager
    def misbehaving(self, behaviour: Behaviour) -> Iterator[None]:
        """A nameserver that does that, for every name."""
        self.dns.everywhere = behaviour
        try:
            yield
        finally:
            self.dns.everywhere = Behaviour()

    @contextlib.contextmanager
    def without_dns(self) -> Iterator[None]:
        """Nobody listens on the nameserver's port."""
        self.run(self.dns.stop())
        try:
            yield
        finally:
            self.run(self.dns.start())


@contextlib.contextmanager
def surroundings() -> Iterator[Surroundings]:
    """A nameserver for the zone above, and whatever is added to it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    stack = AsyncExitStack()

    async def begin() -> DnsServer:
        return await stack.enter_async_context(DnsServer.running(ZONE))

    try:
        dns = asyncio.run_coroutine_threadsafe(begin(), loop).result(PATIENCE)
        dns.at = {name: Behaviour(rcode=rcode.SERVFAIL) for name in ("unreachable.example", "speechless.example")}
        yield Surroundings(loop, stack, dns)
    finally:
        asyncio.run_coroutine_threadsafe(stack.aclose(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
