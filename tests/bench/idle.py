"""What idle connections cost a front door in memory.

    python -m tests.bench.idle [--connections 2000]

One server process on uvloop, the clients in another; each client has been greeted, has said EHLO, and is silent. Prints
the server's resident memory before and after, in all and for each connection. Raises the process's limit of open files
as far as it is allowed to.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import socket
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.inbound.ports import Door, Ports
from gateway.inbound.server import FrontDoor, Listener
from gateway.settings import Limits, Settings
from tests.inbound.house import Bench, Directory, Inquiry, PlainPolicy, Shelf


def resident() -> int:
    """This process's resident memory in octets."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def server(listening: socket.socket, pipe: Connection, connections: int) -> None:
    """Serve, and say how large it is whenever it is asked."""

    async def run() -> None:
        people = Directory()
        folder = tempfile.TemporaryDirectory(prefix="postern-bench-")
        counters = Counters.open(Path(folder.name), clock=SystemClock())
        ports = Ports(
            custody=Shelf(), judge=Bench(), validation=people, authentication=people, inquiry=Inquiry(),
            current_policy=PlainPolicy, clock=SystemClock(), counters=counters,
        )  # fmt: skip
        limits = Limits(connections=connections + 10, connections_per_client=connections + 10)
        front = FrontDoor(
            [Listener(Door.MX, listening)], ports=ports, settings=Settings(limits=limits), tls_context=None
        )
        await front.start()
        asked = asyncio.Event()
        asyncio.get_running_loop().add_reader(pipe.fileno(), asked.set)
        pipe.send((front.connections, resident()))
        while True:
            await asked.wait()
            asked.clear()
            if pipe.recv() == "stop":
                break
            pipe.send((front.connections, resident()))
        await front.drain(1.0)
        await counters.close()
        folder.cleanup()

    uvloop.run(run())


async def be_idle(port: int, connections: int, pipe: Connection) -> tuple[int, int]:
    """Open so many connections; what the server says of itself then."""
    writers = []
    for _ in range(connections):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await reader.readline()
        writer.write(b"EHLO client.example\r\n")
        while (await reader.readline())[3:4] == b"-":
            pass
        writers.append(writer)
    pipe.send("how large")
    said: tuple[int, int] = await asyncio.to_thread(pipe.recv)
    for writer in writers:
        writer.close()
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=2000)
    connections = parser.parse_args().connections
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=server, args=(listening, theirs, connections))
        process.start()
        _, before = ours.recv()
        open_now, after = uvloop.run(be_idle(listening.getsockname()[1], connections, ours))
        ours.send("stop")
        process.join()
    grown = after - before
    print(f"{open_now} idle connections: {before / 1e6:.1f} MB before, {after / 1e6:.1f} MB with them")
    print(f"{grown / 1e6:.1f} MB for all, {grown / open_now / 1e3:.1f} kB for each")


if __name__ == "__main__":
    main()
