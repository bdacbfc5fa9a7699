"""The zygote's life: it ends with its socket and with nothing else that an operator's terminal sends."""

from __future__ import annotations

import os
import select
import signal

import pytest

from gateway.checks.anatomist.nursery import Nursery, Plan
from gateway.checks.anatomist.pool import WORK

from .conftest import HOSTILE, MEMORY


async def test_a_ctrl_c_or_a_stop_of_the_group_does_not_end_it() -> None:
    nursery = Nursery(Plan(memory=MEMORY, cpu=60, model=None, work=HOSTILE))
    try:
        (await nursery.worker()).kill()
        process = nursery._process
        assert process is not None
        assert os.getsid(process.pid) != os.getsid(0)
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(process.pid, number)
        (await nursery.worker()).kill()
        assert nursery._process is process
        assert process.returncode is None
    finally:
        await nursery.close()


async def test_it_ends_when_its_socket_closes_and_reaps_what_it_forked() -> None:
    nursery = Nursery(Plan(memory=MEMORY, cpu=60, model=None, work=HOSTILE))
    worker = await nursery.worker()
    process = nursery._process
    assert process is not None
    watched = os.dup(worker.fileno())
    nursery._forsake("the test lets go")
    assert await process.wait() == 0  # by itself, not killed
    assert select.select([watched], [], [], 5)[0] == [watched]  # and the worker with it
    os.close(watched)
    worker.kill()
    await nursery.close()


async def test_it_says_nothing_at_its_end(capfd: pytest.CaptureFixture[str]) -> None:
    nursery = Nursery(Plan(memory=MEMORY, cpu=60, model=None, work=WORK))
    with await nursery.worker():
        process = nursery._process
        assert process is not None
        nursery._forsake("the test lets go")
        assert await process.wait() == 0
    await nursery.close()
    assert capfd.readouterr().err == ""
