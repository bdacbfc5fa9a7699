"""How many messages a front door takes a second, and what each costs, beside aiosmtpd as it comes.

    python -m tests.bench.front_door [--messages 3000] [--size 15000] [--sessions 20]

Loopback, one server process on uvloop, clients in another; everything is discarded after the end of DATA. Trust the CPU
seconds and the ratio inside one run; messages a second depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import socket
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from aiosmtpd.smtp import SMTP

from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.inbound.ports import Door, Ports
from gateway.inbound.server import FrontDoor, Listener
from gateway.settings import Limits, Settings
from tests.inbound.house import PlainPolicy, Shelf, Sink


class Nothing(Shelf):
    """Custody that keeps nothing."""

    async def accept(self, acceptance, incoming, *, message_id=None) -> int:
        return message_id

    def incoming(self) -> Sink:
        sink = Sink(self)
        self.open_sinks.clear()
        return sink


class Discard:
    """An aiosmtpd handler with the hooks that a real one needs."""

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        return "250 OK"


async def serve_ours(listening: socket.socket, stop: asyncio.Event) -> None:
    from tests.inbound.house import Bench, Directory, Inquiry

    bench, people = Bench(), Directory()
    folder = tempfile.TemporaryDirectory(prefix="postern-bench-")
    counters = Counters.open(Path(folder.name), clock=SystemClock())
    bench.seen = type("Forget", (list,), {"append": lambda self, item: None})()
    ports = Ports(
        custody=Nothing(), judge=bench, validation=people, authentication=people, inquiry=Inquiry(),
        current_policy=lambda: PlainPolicy(asks_about_the_past=False), clock=SystemClock(), counters=counters,
    )  # fmt: skip
    settings = Settings(limits=Limits(connections_per_client=1000))
    front = FrontDoor([Listener(Door.MX, listening)], ports=ports, settings=settings, tls_context=None)
    await front.start()
    await stop.wait()
    await front.drain(1.0)
    await counters.close()
    folder.cleanup()


async def serve_stock(listening: socket.socket, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    handler = Discard()
    server = await loop.create_server(lambda: SMTP(handler, hostname="mx.example.net", loop=loop), sock=listening)
    await stop.wait()
    server.close()


SERVERS = {"front door": serve_ours, "aiosmtpd": serve_stock}


def server(name: str, listening: socket.socket, pipe: Connection) -> None:
    async def run() -> None:
        stop = asyncio.Event()
        serving = asyncio.ensure_future(SERVERS[name](listening, stop))
        loop = asyncio.get_running_loop()
        loop.add_reader(pipe.fileno(), stop.set)
        pipe.send(time.process_time())
        await serving
        pipe.recv()
        pipe.send((time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))

    uvloop.run(run())


async def one_message(port: int, data: bytes, replies: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(b"EHLO client.example\r\n")
    while (await reader.readline())[3:4] == b"-":
        pass
    for line in (b"MAIL FROM:<a@sender.example>\r\n", b"RCPT TO:<u@example.net>\r\n", b"DATA\r\n", data, b"QUIT\r\n"):
        writer.write(line)
        reply = await reader.readline()
        if reply[:1] not in b"23":
            raise RuntimeError(f"the server said {reply!r}")
    writer.close()


async def load(port: int, *, messages: int, size: int, sessions: int) -> float:
    line = b"The quick brown fox jumps over the lazy dog, and then once more for good measure.\r\n"
    data = b"From: a@sender.example\r\nSubject: t\r\n\r\n" + line * (size // len(line)) + b".\r\n"
    left = iter(range(messages))

    async def session() -> None:
        for _ in left:
            await one_message(port, data, 5)

    started = time.perf_counter()
    await asyncio.gather(*(session() for _ in range(sessions)))
    return time.perf_counter() - started


def measure(name: str, arguments: argparse.Namespace) -> tuple[float, float, int]:
    """Messages a second, CPU seconds of the server for 1,000 messages, and its largest memory in KiB."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=server, args=(name, listening, theirs))
        process.start()
        before = ours.recv()
        port = listening.getsockname()[1]
        seconds = uvloop.run(load(port, messages=arguments.messages, size=arguments.size, sessions=arguments.sessions))
        ours.send("stop")
        after, memory = ours.recv()
        process.join()
    return arguments.messages / seconds, (after - before) * 1000 / arguments.messages, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--size", type=int, default=15_000)
    parser.add_argument("--sessions", type=int, default=20)
    arguments = parser.parse_args()
    print(f"{arguments.messages} messages of {arguments.size} octets, one a connection, {arguments.sessions} at a time")
    print(f"{'server':12} {'msg/s':>8} {'CPU-s/1,000':>12} {'MiB':>6}")
    for name in (*SERVERS, *SERVERS):
        rate, cpu, memory = measure(name, arguments)
        print(f"{name:12} {rate:8.0f} {cpu:12.2f} {memory / 1024:6.0f}")


if __name__ == "__main__":
    main()
