"""CPU seconds per 1,000 messages of the whole running gateway, by process, and messages a second. Prints only.

usage: python -m tests.bench.whole_gateway [--messages 1000] [--sessions 20] [--clamd ADDRESS|off]

The gateway is started as a user starts it, with every check on, a local DNS server, and delivery to the shipped store.
The figure counts from the first connection until the store has every message; the load client is this process.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import threading
import time
from collections import defaultdict
from pathlib import Path

from tests.bench.mail_mix import Mail, mail_mix
from tests.dns_server import DnsServer
from tests.e2e.gateway import Gateway, running
from tests.folders import passable_folder

TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=1000)
    options.add_argument("--sessions", type=int, default=20)
    options.add_argument("--clamd", default="off")
    chosen = options.parse_args()
    mails, zone = mail_mix(chosen.messages)
    sizes = [len(mail.octets) for mail in mails]
    with (
        passable_folder() as folder,
        _dns(zone) as nameserver,
        running(folder / "d", settings={}, POSTERN_NAMESERVERS=nameserver, POSTERN_CLAMD=chosen.clamd) as gateway,
    ):
        asyncio.run(_send_all(gateway, mails[:40], chosen.sessions))  # caches, keys and connections are warm
        _wait_for_store(gateway, 40)
        before = _cpu(gateway)
        begun = time.monotonic()
        waits = asyncio.run(_send_all(gateway, mails, chosen.sessions))
        accepted = time.monotonic() - begun
        _wait_for_store(gateway, 40 + len(mails))
        delivered = time.monotonic() - begun
        after = _cpu(gateway)
    mean, median = statistics.mean(sizes) / 1000, statistics.median(sizes) / 1000
    print(f"{len(mails)} messages, mean {mean:.0f} KB, median {median:.0f} KB, {chosen.sessions} sessions")
    print(
        f"accepted {len(mails) / accepted:.0f}/s, delivered {len(mails) / delivered:.0f}/s,"
        f" reply to DATA p50 {_quantile(waits, 0.5):.0f} ms, p99 {_quantile(waits, 0.99):.0f} ms"
    )
    total = 0.0
    for name in sorted(after):
        seconds = after[name] - before.get(name, 0.0)
        per_thousand = seconds * 1000 / len(mails)
        total += 0.0 if name == "dovecot" else per_thousand
        print(f"  {name:22} {per_thousand:6.2f} CPU-s per 1,000 messages")
    print(f"  {'gateway, all roles':22} {total:6.2f} CPU-s per 1,000 messages (the mail store apart)")


async def _send_all(gateway: Gateway, mails: list[Mail], sessions: int) -> list[float]:
    """Every message once, one a connection; milliseconds from the final dot to the reply."""
    waiting = list(reversed(mails))
    waits: list[float] = []

    async def session() -> None:
        while waiting:
            waits.append(await _send(gateway.ports["mx"], waiting.pop()))

    await asyncio.gather(*(session() for _ in range(sessions)))
    return waits


async def _send(port: int, mail: Mail) -> float:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await _expect(reader, b"2")
    for line in ("EHLO client.example", f"MAIL FROM:<{mail.sender}>", "RCPT TO:<alice@example.org>"):
        writer.write(line.encode() + b"\r\n")
        await _expect(reader, b"2")
    writer.write(b"DATA\r\n")
    await _expect(reader, b"3")
    writer.write(mail.octets.replace(b"\r\n.", b"\r\n..") + b".\r\n")
    await writer.drain()
    begun = time.monotonic()
    await _expect(reader, b"2")
    waited = (time.monotonic() - begun) * 1000
    writer.write(b"QUIT\r\n")
    await reader.read()
    writer.close()
    return waited


async def _expect(reader: asyncio.StreamReader, digit: bytes) -> None:
    while True:
        line = await reader.readline()
        if line[3:4] == b" ":
            if line[:1] != digit:
                raise AssertionError(line)
            return
        if not line:
            raise AssertionError("the gateway hung up")


def _wait_for_store(gateway: Gateway, count: int) -> None:
    folder = gateway.data / "mailbox/mail/example.org/alice/Maildir/new"
    ends = time.monotonic() + 120
    while not folder.exists() or len(os.listdir(folder)) < count:
        if time.monotonic() > ends:
            raise AssertionError(f"the store has {len(os.listdir(folder))} of {count}")
        time.sleep(0.05)


def _cpu(gateway: Gateway) -> dict[str, float]:
    """CPU seconds so far of every process below the supervisor, its dead children with it, by role."""
    stats = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            stats[int(entry.name)] = (int(fields[1]), sum(int(fields[n]) for n in (11, 12, 13, 14)) / TICK, words)
    seconds: dict[str, float] = defaultdict(float)
    for pid, (_, used, words) in stats.items():
        role = _role_of(pid, stats, gateway.process.pid)
        if role:
            seconds[role if not any("anatomist" in word for word in words) else "anatomists"] += used
    return dict(seconds)


def _role_of(pid: int, stats: dict[int, tuple[int, float, list[str]]], top: int) -> str:
    """The role under the supervisor that a process belongs to; empty if it is not of this gateway."""
    path = [pid]
    while path[-1] in stats and path[-1] != top:
        path.append(stats[path[-1]][0])
    if path[-1] != top:
        return ""
    if len(path) == 1:
        return "supervisor"
    words = stats[path[-2]][2]
    if "gateway.app.roles.role" in words:
        return words[words.index("gateway.app.roles.role") + 1]
    return "dovecot" if any("dovecot" in word for word in words) else "clamd"


class _dns:
    """A DNS server in a thread of this process."""

    def __init__(self, zone: dict[str, object]) -> None:
        self._zone = zone
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._port = 0

    def __enter__(self) -> str:
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()))
        self._thread.start()
        self._ready.wait()
        return f"127.0.0.1:{self._port}"

    async def _serve(self) -> None:
        async with DnsServer.running(self._zone) as server:
            self._port = server.port
            self._ready.set()
            await self._stop.wait()

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


if __name__ == "__main__":
    main()
