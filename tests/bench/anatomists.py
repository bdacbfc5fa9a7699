"""What the anatomists cost and how fast a dead one is replaced: `python -m tests.bench.anatomists`.

Prints the Pss (the memory that is a worker's own, with its part of what is shared) of eight workers with the delivered
model and rules, fresh and after work; the time from kill -9 of an idle worker to its replacement's first answer; and
what became of messages while workers were killed at random.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from gateway.checks.anatomist.pool import AnatomistPool
from gateway.checks.leaves import Wanted
from gateway.checks.malware.yara import compile_rules
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from gateway.telemetry import configure_logging

ROOT = Path(__file__).parents[2]
WORKERS = 8
SAMPLES = sorted((ROOT / "tests" / "suites" / "mime" / "samples").glob("ok-*.eml"))


def pids_of(pool: AnatomistPool) -> list[int]:
    return [each.greeting.pid for each in pool._living if each.greeting is not None]


def pss(pid: int) -> float:
    """MiB, as the kernel says (proc(5), smaps_rollup); the worker is not dumpable, so this needs root."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def letters() -> Iterator[Message]:
    while True:
        for each in SAMPLES:
            octets = each.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            yield Message.from_wire(octets)


async def main() -> None:
    configure_logging("bench")
    rules = compile_rules(ROOT / "policies" / "yara")
    model = ROOT / "models" / "default"
    async with await AnatomistPool.start(
        workers=WORKERS, timeout=30.0, memory=768 << 20, model=model, rules=rules
    ) as pool:
        while len(pids_of(pool)) < WORKERS:
            await asyncio.sleep(0.05)
        report_memory("fresh", pool)
        source = letters()
        for _ in range(40):
            await asyncio.gather(*(pool.examine(next(source), Wanted.RISKY) for _ in range(WORKERS)))
        report_memory("after 320 messages", pool)
        await report_replacement(pool)
        await report_killing(pool, source)


def report_memory(when: str, pool: AnatomistPool) -> None:
    found = [pss(pid) for pid in pids_of(pool)]
    print(f"{when}: {len(found)} workers, Pss {min(found):.1f} to {max(found):.1f} MiB, together {sum(found):.1f} MiB")


async def report_replacement(pool: AnatomistPool) -> None:
    taken = []
    for _ in range(30):
        before = set(pids_of(pool))
        victim = random.choice(sorted(before))
        begun = time.perf_counter()
        os.kill(victim, signal.SIGKILL)
        while victim in pids_of(pool) or len(pids_of(pool)) < WORKERS:
            await asyncio.sleep(0.0005)
        taken.append((time.perf_counter() - begun) * 1000)
    print(f"replaced after kill -9: median {statistics.median(taken):.1f} ms, worst {max(taken):.1f} ms")


async def report_killing(pool: AnatomistPool, source: Iterator[Message]) -> None:
    answers = []

    async def send() -> None:
        for _ in range(60):
            answers.append(await pool.examine(next(source), Wanted.RISKY))

    async def kill() -> None:
        while True:
            await asyncio.sleep(0.05)
            pids = pids_of(pool)
            if pids:
                os.kill(random.choice(pids), signal.SIGKILL)

    killing = asyncio.ensure_future(kill())
    await asyncio.gather(*(send() for _ in range(WORKERS)))
    killing.cancel()
    seen = sum(isinstance(each.content, Known) for each in answers)
    lost = sum(each.cost_worker for each in answers)
    print(f"killed under load: {len(answers)} messages, {seen} examined, {lost} Unknown because their worker died")


if __name__ == "__main__":
    asyncio.run(main())
