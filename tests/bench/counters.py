"""What one question to the counters costs: alone, with others of the same process, and with another process at it.

    python -m tests.bench.counters [--questions 3000]

Latency as the asker sees it, through the thread; CPU of the asking process for each question. The machine's load shows
in the latencies; trust the CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import tempfile
import time
from pathlib import Path

from gateway.clock import SystemClock
from gateway.counters.counters import Counters
from gateway.counters.records import Take, Visit
from gateway.policy.policy import Greylisting


def takes(number: int) -> list[Take]:
    """What one RCPT asks: client, network, sender domain, recipient."""
    return [
        Take(f"{whose} {number % 997}", 3600.0, limit=1e9) for whose in ("client", "network", "domain", "recipient")
    ]


async def measure(folder: Path, questions: int, *, at_a_time: int, what: str) -> None:
    counters = Counters.open(folder, clock=SystemClock())
    latencies: list[float] = []
    begun, cpu = time.perf_counter(), time.process_time()

    async def ask(first: int) -> None:
        for number in range(first, questions, at_a_time):
            since = time.perf_counter()
            if what == "greylist":
                await counters.meet([Visit((f"pool {number}",), "ann@a.example", "bob@example.org")], Greylisting())
            elif what == "ban":
                counters.ban_of("192.0.2.7")
            else:
                await counters.count(takes(number))
            latencies.append(time.perf_counter() - since)

    await asyncio.gather(*(ask(first) for first in range(at_a_time)))
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    ready, why = counters.readiness()
    await counters.close()
    latencies.sort()
    p50, p99 = statistics.median(latencies) * 1000, latencies[len(latencies) * 99 // 100] * 1000
    state = "" if ready else f"   DEGRADED: {why}"
    print(
        f"{what:>10} x{at_a_time:<3} {questions / seconds:9,.0f} /s   {cpu / questions * 1000:6.3f} CPU ms   "
        f"p50 {p50:6.3f} ms   p99 {p99:7.3f} ms{state}"
    )


def crowd(folder: str, stop: multiprocessing.synchronize.Event) -> None:
    """Another edge, always at it."""

    async def main() -> None:
        counters = Counters.open(Path(folder), clock=SystemClock())
        number = 0
        while not stop.is_set():
            await counters.count(takes(number))
            number += 1
        await counters.close()

    asyncio.run(main())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=3000)
    questions = parser.parse_args().questions
    with tempfile.TemporaryDirectory(prefix="postern-bench-") as folder:
        for what, at_a_time in (("4 counts", 1), ("4 counts", 20), ("greylist", 1), ("ban", 1)):
            asyncio.run(measure(Path(folder), questions, at_a_time=at_a_time, what=what))
        stop = multiprocessing.Event()
        other = multiprocessing.Process(target=crowd, args=(folder, stop))
        other.start()
        print("with another process that never rests:")
        asyncio.run(measure(Path(folder), questions, at_a_time=1, what="4 counts"))
        stop.set()
        other.join()


if __name__ == "__main__":
    main()
