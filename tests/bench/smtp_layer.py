"""What the SMTP layer costs, beside aiosmtpd as it comes: messages a second and CPU of the server, in one interleaved
run; and how fast one large message is taken, beside Postfix where it is installed.

    python -m tests.bench.smtp_layer [--messages 1600] [--rounds 5] [--sessions 100]

All run on uvloop, in one process, over loopback, and throw the mail away. `SMTP layer` is ours up to the end of DATA,
as far as aiosmtpd goes: the octets, the session, the verbs, and admission with its counters (on their file) under a
policy that lets pass. `front door` is all of `gateway/inbound/`: the message is read, a judge delivers it unseen, its
record is written, and a custody that keeps nothing takes it. The mail is `mail_mix`.

A rate says something of a server only while it has work all the time. So there are always many sessions that wait for
it, and it has a core for itself: each server in turn is held to the first core that we may use, the same clients are
held to the last one. Postfix, which has several processes, may use all. `busy` is the part of the time for which the
server computed: where it is much below 100 %, the machine had other things to do, and the rates say little. `chrt --rr
1 python -m ...` has all rows go before those, but for a twentieth of each second that the kernel keeps for others: runs
of a second and more feel it. Trust the ratios of medians, and the CPU seconds, which are of the server alone.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop
from aiosmtpd.smtp import SMTP

from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import NOT_ASKED, Outcome
from gateway.inbound.ports import Door, Judged, Ports, Validity
from gateway.inbound.server import BACKLOG, FrontDoor, Listener
from gateway.inbound.transaction import Reception
from gateway.mail import replies
from gateway.mail.replies import Reply
from gateway.policy.verdict import Settlement, merge
from gateway.settings import Limits, Settings
from tests.bench.mail_mix import Mail, mail_mix
from tests.bench.smtp_clients import Step, play, sessions_of
from tests.inbound.house import DELIVER, Directory, Inquiry, PlainEntry, PlainPolicy
from tests.peers.installed import POSTFIX
from tests.peers.postfix import postfix
from tests.peers.server import ELSEWHERE
from tests.ports import free_port

RECIPIENT = "u@example.net"
LARGE = 5 * 1024 * 1024
LARGE_MESSAGES = 12
FIRST_CORE, *_, LAST_CORE = sorted(os.sched_getaffinity(0)) * 2
ONE_VERDICT: Settlement = merge([(RECIPIENT, DELIVER)])


class Sink:
    """The octets of one message, in memory."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def write(self, chunk: bytes) -> None:
        self._octets += chunk

    def finish(self) -> bytes:
        return bytes(self._octets)

    def discard(self) -> None:
        self._octets = bytearray()


class Nowhere:
    """Custody that keeps nothing."""

    def __init__(self) -> None:
        self.new_id = count(1).__next__
        self.incoming = Sink

    async def accept(self, acceptance, incoming, *, message_id=None, changed=()) -> int:
        return message_id

    def readiness(self) -> tuple[bool, str]:
        return True, ""


class Everybody(Directory):
    """Knows every recipient."""

    async def validate(self, address, entry, *, size=None) -> Validity:
        return Validity.KNOWN


class Silent(Inquiry):
    """Has nothing to say of any client, and says so at once."""

    async def reverse_name(self, ip) -> Outcome[str]:
        return NOT_ASKED

    dnsbl = sender_domain = reverse_name


class Open(PlainPolicy):
    """Lets pass whoever comes."""

    def recipient_entry(self, address) -> PlainEntry:
        return self.entry


async def deliver(message, *, envelope, client, received_at, message_id) -> Judged:
    """A judge that looks at nothing."""
    evidence = Evidence(received_at, "inbound", client, "", (RECIPIENT,), MessageFact(message.size))
    return Judged(evidence, ONE_VERDICT, prefix=b"", cuts=(), policy_version="bench", retention={})


class Discard:
    """An aiosmtpd handler with the hooks that a real one needs."""

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope) -> str:
        return "250 OK"


class ThrowAway(Reception):
    """What becomes of a message where only the SMTP layer is measured: nothing, as in `Discard`."""

    async def conclude(self, transaction, incoming, client) -> Reply:
        incoming.discard()
        return replies.accepted_as("nothing")


@asynccontextmanager
async def front_door(listening: socket.socket) -> AsyncIterator[FrontDoor]:
    people, policy = Everybody(), Open(asks_about_the_past=False)
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as folder:
        counters = Counters.open(Path(folder), clock=SystemClock())
        ports = Ports(
            custody=Nowhere(), judge=deliver, validation=people, authentication=people, inquiry=Silent(),
            current_policy=lambda: policy, clock=SystemClock(), counters=counters,
        )  # fmt: skip
        settings = Settings(limits=Limits(connections_per_client=1000))
        yield FrontDoor([Listener(Door.MX, listening)], ports=ports, settings=settings, tls_context=None)
        await counters.close()


async def serve_whole(listening: socket.socket, stop: asyncio.Event) -> None:
    async with front_door(listening) as front:
        await front.start()
        await stop.wait()
        await front.drain(1.0)


async def serve_layer(listening: socket.socket, stop: asyncio.Event) -> None:
    async with front_door(listening) as front:
        household = front._household
        front._household = replace(household, reception=ThrowAway(household.ports, household.refusals, hops=50))
        await front.start()
        await stop.wait()
        await front.drain(1.0)


async def serve_stock(listening: socket.socket, stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    handler = Discard()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="mx.example.net", loop=loop), sock=listening, backlog=BACKLOG
    )
    await stop.wait()
    server.close()


SERVERS = {"aiosmtpd": serve_stock, "SMTP layer": serve_layer, "front door": serve_whole}

OURS = ("SMTP layer", "front door")


def serve(name: str, listening: socket.socket, pipe: Connection) -> None:
    """Run a server; say how much CPU its process has used when asked, and stop when told to."""
    os.sched_setaffinity(0, {FIRST_CORE})

    async def run() -> None:
        stop = asyncio.Event()

        def answer() -> None:
            if pipe.recv() == "stop":
                stop.set()
            else:
                pipe.send(time.process_time())

        asyncio.get_running_loop().add_reader(pipe.fileno(), answer)
        await SERVERS[name](listening, stop)

    uvloop.run(run())


@dataclass(frozen=True)
class Cost:
    """Messages a second, CPU seconds of the server for 1,000, and the part of the time for which it computed."""

    rate: float
    cpu: float
    busy: float


@contextmanager
def on_last_core() -> Iterator[None]:
    """Hold this thread, which plays the clients, to its core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {LAST_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def measure(name: str, sessions: Sequence[list[Step]], *, messages: int, at_a_time: int) -> Cost:
    """Play the sessions to a server that has just been started and has warmed up."""
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listening:
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("fork").Process(target=serve, args=(name, listening, theirs))
        process.start()
        port = listening.getsockname()[1]
        with on_last_core():
            play(port, sessions[:20], at_a_time=at_a_time)
            ours.send("cpu")
            before = ours.recv()
            seconds = play(port, sessions, at_a_time=at_a_time)
            ours.send("cpu")
            cpu = ours.recv() - before
        ours.send("stop")
        process.join()
    return Cost(messages / seconds, cpu * 1000 / messages, cpu / seconds)


def compare(mails: list[Mail], *, each: int, rounds: int, at_a_time: int) -> None:
    """Rounds of both servers, one after the other; prints medians and their ratios."""
    sessions = sessions_of(mails, RECIPIENT, each=each)
    costs: dict[str, list[Cost]] = {name: [] for name in SERVERS}
    for _ in range(rounds):
        for name in SERVERS:
            costs[name].append(measure(name, sessions, messages=len(mails), at_a_time=at_a_time))
    rate = {name: statistics.median(cost.rate for cost in measured) for name, measured in costs.items()}
    cpu = {name: statistics.median(cost.cpu for cost in measured) for name, measured in costs.items()}
    busy = {name: statistics.median(cost.busy for cost in measured) for name, measured in costs.items()}
    for name in SERVERS:
        print(f"{name:10} {each:8} {rate[name]:8.0f} {cpu[name]:12.3f} {busy[name]:5.0%}")
    for name in OURS:
        faster, cheaper = rate[name] / rate["aiosmtpd"], cpu[name] / cpu["aiosmtpd"]
        print(f"  {name} : aiosmtpd = {faster:.2f} in messages a second, {cheaper:.2f} in CPU for each")


def large(rounds: int) -> None:
    """Messages of 5 MB, one after the other on one session."""
    line = b"The quick brown fox jumps over the lazy dog, and then once more for good.\r\n"
    octets = b"From: a@sender.example\r\nSubject: large\r\n\r\n" + line * (LARGE // len(line))
    mails = [Mail("a@sender.example", octets)] * LARGE_MESSAGES
    sessions = sessions_of(mails, RECIPIENT, each=LARGE_MESSAGES)
    total = len(octets) * LARGE_MESSAGES / 1e6
    speeds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in SERVERS:
            rate = measure(name, sessions, messages=LARGE_MESSAGES, at_a_time=1).rate
            speeds.setdefault(name, []).append(rate * total / LARGE_MESSAGES)
        if POSTFIX is not None and os.geteuid() == 0:
            speeds.setdefault("Postfix", []).append(total / asyncio.run(_into_postfix(sessions)))
    for name, measured in speeds.items():
        print(f"{name:10} {statistics.median(measured):6.0f} MB/s")


async def _into_postfix(sessions: list[list[Step]]) -> float:
    """Postfix takes the messages into its queue, flushed to the disk, where they stay: its next hop is closed."""
    async with postfix({ELSEWHERE: free_port()}) as sender:
        return await asyncio.to_thread(play, sender.port, sessions, at_a_time=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1600)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=100)
    arguments = parser.parse_args()
    mails, _ = mail_mix(arguments.messages)
    mean = statistics.mean(len(mail.octets) for mail in mails)
    print(f"{arguments.messages} messages, mean {mean / 1000:.0f} KB, medians of {arguments.rounds} rounds")
    print(f"{'server':10} {'msg/conn':>8} {'msg/s':>8} {'CPU-s/1,000':>12} {'busy':>5}")
    for each in (1, 10):
        compare(mails, each=each, rounds=arguments.rounds, at_a_time=arguments.sessions)
    print(f"one message of {LARGE / 1e6:.1f} MB after the other, on one session")
    large(arguments.rounds)
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
