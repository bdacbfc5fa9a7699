"""Pools whose workers run hostile work in the real jail."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.checks.anatomist.pool import AnatomistPool
from gateway.mail.message import Message

HERE = Path(__file__).parent
HOSTILE = "hostile_work:prepare"
MEMORY = 512 * 1024 * 1024


def order(words: str, body: bytes = b"") -> Message:
    """A message that tells hostile work what to do."""
    return Message.from_wire(words.encode() + b"\r\n\r\n" + body)


@pytest.fixture(autouse=True)
def hostile_work_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture
async def pool() -> AsyncIterator[AnatomistPool]:
    """One worker, one second for each job."""
    started = await AnatomistPool.start(workers=1, timeout=1.0, memory=MEMORY, model=None, work=HOSTILE)
    async with started:
        yield started
