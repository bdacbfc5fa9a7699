"""Pools whose workers run hostile work in the real jail."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.checks.anatomist import jail
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.mail.message import Message

HERE = Path(__file__).parent
HOSTILE = "hostile_work:prepare"
MEMORY = 512 * 1024 * 1024


def in_a_child(act: Callable[[], object]) -> int:
    """Run that in a process of its own. Its exit status: 0 if it returned, the errno of an OSError, 255 for anything
    else; a signal gives its negative number."""
    child = os.fork()
    if child == 0:
        status = 255
        try:
            act()
            status = 0
        except OSError as error:
            status = error.errno or 254
        except MemoryError:
            status = 253
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def without_new_privileges() -> None:
    jail._control(jail._PR_SET_NO_NEW_PRIVS, 1)


def order(words: str, body: bytes = b"") -> Message:
    """A message that tells hostile work what to do."""
    return Message.from_wire(words.encode() + b"\r\n\r\n" + body)


@pytest.fixture(autouse=True)
def hostile_work_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture
async def pool() -> AsyncIterator[AnatomistPool]:
    """One worker, and patience for a busy machine."""
    async with await AnatomistPool.start(workers=1, timeout=30.0, memory=MEMORY, model=None, work=HOSTILE) as started:
        yield started


@pytest.fixture
async def hasty_pool() -> AsyncIterator[AnatomistPool]:
    """One worker, and one second for each job: for those that never end."""
    async with await AnatomistPool.start(workers=1, timeout=1.0, memory=MEMORY, model=None, work=HOSTILE) as started:
        yield started
