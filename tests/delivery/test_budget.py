"""Memory for one destination is bounded, and one destination does not spend another's."""

from __future__ import annotations

import asyncio
import random

from gateway.delivery.budget import Budget


async def test_never_more_than_the_budget_and_nobody_is_forgotten() -> None:
    budget, randomness = Budget(100), random.Random(3)
    spent, most, done = 0, 0, 0

    async def spend(size: int) -> None:
        nonlocal spent, most, done
        async with budget.spend("d", size):
            spent += size
            most = max(most, spent)
            try:
                await asyncio.sleep(0)
            finally:
                spent -= size
        done += 1

    tasks = [asyncio.ensure_future(spend(randomness.randint(1, 100))) for _ in range(200)]
    await asyncio.sleep(0)
    for task in tasks[::7]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most <= 100
    assert done >= 200 - len(tasks[::7])
    assert spent == 0
    async with asyncio.timeout(180), budget.spend("d", 100):
        pass
    assert not budget._accounts


async def test_a_message_larger_than_the_budget_goes_alone_and_others_do_not_wait() -> None:
    budget = Budget(100)
    async with budget.spend("slow", 5000):
        waiting = asyncio.ensure_future(budget.spend("slow", 1).__aenter__())
        async with asyncio.timeout(180), budget.spend("other", 90):
            pass
        assert not waiting.done()
    await waiting
