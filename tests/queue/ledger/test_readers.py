from __future__ import annotations

import asyncio
import threading

from sqlalchemy import Connection, text

from gateway.queue.custody import Custody
from tests.queue.samples import accept


async def test_questions_are_asked_in_another_thread(custody: Custody) -> None:
    def where(_connection: Connection) -> str:
        return threading.current_thread().name

    assert (await custody.readers.ask(where)).startswith("ledger-reader")


async def test_a_question_sees_one_moment_whatever_is_written_meanwhile(custody: Custody) -> None:
    asked, written = threading.Event(), threading.Event()

    def count_twice(connection: Connection) -> tuple[int, int]:
        first = int(connection.execute(text("SELECT count(*) FROM message")).scalar_one())
        asked.set()
        written.wait(10)
        return first, int(connection.execute(text("SELECT count(*) FROM message")).scalar_one())

    counting = asyncio.ensure_future(custody.readers.ask(count_twice))
    await asyncio.to_thread(asked.wait)
    await accept(custody)  # not kept waiting by the reader
    written.set()
    assert await counting == (0, 0)
