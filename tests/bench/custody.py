"""What custody costs: acceptances a second, CPU and commits a message, for accepting alone and for the whole life.

    python tests/bench/custody.py [--sessions 20] [--messages 4000] [--size 15000] [--processes 1] [--folder DIR]

Prints figures and judges nothing. A commit is one flush of the log; a checkpoint, every 1,000 pages or so, adds two.
Messages a second depend on the disk and on who else uses the machine: trust CPU and commits a message.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway.clock import SystemClock
from gateway.facts.connection import ClientFact
from gateway.mail.address import Address
from gateway.mail.envelope import Envelope, Recipient
from gateway.mail.replies import Reply
from gateway.queue.custody import Custody
from gateway.queue.records import Acceptance, Attempt, Judgement, Listing, NewRecipient
from gateway.queue.states import State

EVIDENCE = (
    b'{"received_at":1795000000.1,"direction":"inbound","spf":{"known":{"result":"pass","domain":"shop.example"}}}' * 27
)
DESTINATIONS = 50


def acceptance(number: int) -> Acceptance:
    """A plain message for one recipient."""
    to = Recipient(Address(f"user{number % 997}", "example.org"))
    return Acceptance(
        received_at=time.time(),
        envelope=Envelope(Address(f"news{number}", "shop.example"), (to,)),
        client=ClientFact("192.0.2.1", helo="mail.shop.example", tls="TLSv1.3"),
        prefix=b"Received: from mail.shop.example\r\n",
        cuts=(),
        evidence=EVIDENCE,
        policy_version="0123456789abcdef",
        listing=Listing("Shop News", "news@shop.example", f"Order {number} is on its way", "Dear", f"<{number}@shop>"),
        recipients=(NewRecipient(to, State.QUEUED, f"mx:d{number % DESTINATIONS}.example", Judgement("deliver")),),
    )


async def accept(custody: Custody, octets: bytes, numbers: Iterator[int], messages: int) -> None:
    """One session that sends until all are sent."""
    for number in numbers:
        if number >= messages:
            return
        incoming = custody.incoming()
        incoming.write(octets)
        incoming.finish()
        await custody.accept(acceptance(number), incoming)


async def pass_on(custody: Custody) -> int:
    """Claim, read, finish, until nothing is left."""
    done = 0
    while claims := await custody.claim("bench", lease=60, per_destination=20):
        for claim in claims:
            await custody.octets(claim.message_id)
        at = time.time()
        attempt = Attempt(State.DELIVERED, at, Reply(250, "2.0.0", "OK"), "store", "TLSv1.3")
        async with asyncio.TaskGroup() as group:
            for claim in claims:
                group.create_task(custody.finish(claim, attempt))
        done += len(claims)
    return done


async def run(options: argparse.Namespace, folder: Path, name: str) -> None:
    """One process's share."""
    custody = Custody.open(folder, clock=SystemClock())
    octets = b"Subject: bench\r\n\r\n" + b"x" * (options.size - 18)
    began, cpu, health = time.perf_counter(), time.process_time(), custody.writer.health
    numbers = count()
    async with asyncio.TaskGroup() as group:
        for _ in range(options.sessions):
            group.create_task(accept(custody, octets, numbers, options.messages))
    report(f"{name} accept", options.messages, began, cpu, health.commits)
    if options.processes == 1:
        began, cpu, commits = time.perf_counter(), time.process_time(), health.commits
        done = await pass_on(custody)
        report(f"{name} claim, read, finish", done, began, cpu, health.commits - commits)
    await custody.close()


def report(what: str, messages: int, began: float, cpu: float, commits: int) -> None:
    """One line."""
    seconds, busy = time.perf_counter() - began, time.process_time() - cpu
    print(
        f"{what:32} {messages:6} messages  {messages / seconds:7.0f}/s  "
        f"{busy / messages * 1000:.3f} CPU ms/message  {commits / messages:.3f} commits/message"
    )


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--size", type=int, default=15_000)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        context = multiprocessing.get_context("spawn")
        processes = [
            context.Process(target=child, args=(options, Path(folder), f"process {number}"))
            for number in range(options.processes)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()


def child(options: argparse.Namespace, folder: Path, name: str) -> None:
    """A process of its own."""
    asyncio.run(run(options, folder, name))


if __name__ == "__main__":
    main()
