"""How fast the courier empties a real ledger into a sink, and what that costs: messages a second, CPU-seconds per
1,000.

    python -m tests.bench.relay [--messages 2000] [--size 15360] [--lmtp] [--loop uvloop|asyncio]

The sink runs in a process of its own. "ledger alone" is the same claims, reads and results without any relaying, so
that the difference is what relaying costs. Deposits are not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import uvloop

from gateway.clock import SystemClock
from gateway.delivery.routes import Routes
from gateway.delivery.worker import Courier
from gateway.mail.replies import Reply
from gateway.queue.custody import Custody
from gateway.queue.records import Attempt
from gateway.queue.states import State
from gateway.settings import Settings
from tests.delivery.deposits import no_dns, put


class QuickSink(asyncio.Protocol):
    """Takes everything, looks at as little as it can, offers PIPELINING."""

    taken = 0
    connections = 0
    lmtp = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        QuickSink.connections += 1
        self.transport = cast(asyncio.Transport, transport)
        self.buffer = b""
        self.in_data = False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            if self.in_data:
                if not self.buffer.endswith(b"\r\n.\r\n"):
                    return
                self.buffer, self.in_data = b"", False
                QuickSink.taken += 1
                self.transport.write(b"250 2.0.0 taken\r\n")
                return
            line, end, rest = self.buffer.partition(b"\r\n")
            if not end:
                return
            self.buffer = rest
            verb = line[:4].upper()
            if verb in (b"EHLO", b"LHLO"):
                self.transport.write(b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 99999999\r\n")
            elif verb == b"DATA":
                self.in_data = True
                self.transport.write(b"354 go\r\n")
            elif verb == b"QUIT":
                self.transport.close()
                return
            else:
                self.transport.write(b"250 2.1.0 ok\r\n")


def serve(pipe: Connection) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(QuickSink, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await loop.run_in_executor(None, pipe.recv)
        pipe.send((QuickSink.taken, QuickSink.connections, time.process_time()))

    uvloop.run(run())


async def fill(folder: Path, route: str, *, messages: int, size: int) -> Custody:
    clock = SystemClock()
    custody = Custody.open(folder, clock=clock)
    line = b"A line of an ordinary length, as people write them in their mail.\r\n"
    octets = b"Subject: bench\r\n\r\n" + line * (size // len(line))
    for start in range(0, messages, 200):
        some = range(start, min(start + 200, messages))
        await asyncio.gather(*(put(custody, clock, route, "bob@example.org", octets=octets) for _ in some))
    return custody


async def relayed(custody: Custody, messages: int) -> None:
    courier = Courier(custody, Routes(), Settings(), SystemClock(), random.Random(), query=no_dns)
    stop = asyncio.Event()
    running = asyncio.ensure_future(courier.run(stop))
    while (counts := await custody.counts_since(0.0)).get("delivered", 0) < messages:
        assert not counts.get("deferred"), "the sink did not take it"
        await asyncio.sleep(0.05)
    stop.set()
    await running


async def ledger_alone(custody: Custody, messages: int) -> None:
    done = 0
    while done < messages:
        claims = await custody.claim("bench", lease=60)

        async def finish(claim: object) -> None:
            await custody.delivered_octets(claim.message_id)  # type: ignore[attr-defined]
            attempt = Attempt(State.DELIVERED, time.time(), Reply(250, "2.0.0", "taken"), remote="127.0.0.1:1")
            assert await custody.finish(claim, attempt)  # type: ignore[arg-type]

        await asyncio.gather(*map(finish, claims))
        done += len(claims)


async def measure(
    work: Callable[[Custody, int], Awaitable[None]], route: str, *, messages: int, size: int
) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        custody = await fill(Path(folder), route, messages=messages, size=size)
        wall, cpu = time.perf_counter(), time.process_time()
        await work(custody, messages)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        await custody.close()
    return messages / wall, cpu / messages * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--size", type=int, default=15 * 1024)
    parser.add_argument("--lmtp", action="store_true")
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="uvloop")
    chosen = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    sink = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    sink.start()
    route = f"{'lmtp' if chosen.lmtp else 'smtp'}://127.0.0.1:{ours.recv()}"

    async def run() -> None:
        for name, work in (("ledger alone", ledger_alone), ("relayed", relayed)):
            speed, cost = await measure(work, route, messages=chosen.messages, size=chosen.size)
            print(f"{name:13} {speed:7.0f} msg/s   {cost:.3f} CPU-s per 1,000")

    (uvloop.run if chosen.loop == "uvloop" else asyncio.run)(run())
    ours.send("stop")
    taken, connections, cpu = ours.recv()
    sink.join()
    print(f"sink          {taken} messages over {connections} connections   {cpu / taken * 1000:.3f} CPU-s per 1,000")


if __name__ == "__main__":
    main()
