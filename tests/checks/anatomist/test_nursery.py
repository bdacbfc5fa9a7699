"""Where workers come from: what the zygote is given, and what happens when it is dead or deaf."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.checks.anatomist import nursery as nursery_module
from gateway.checks.anatomist.nursery import Nursery, NurseryError, Plan
from tests.freezing import freeze

from .conftest import HOSTILE, MEMORY

PLAN = Plan(memory=MEMORY, cpu=60, model=None, work=HOSTILE)


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    made = Nursery(PLAN)
    yield made
    await made.close()


def test_the_model_is_named_only_where_there_is_one(tmp_path: Path) -> None:
    assert "--model" not in PLAN.argv(5)
    with_model = Plan(memory=MEMORY, cpu=60, model=tmp_path, work=HOSTILE).argv(5)
    assert with_model[-2:] == ["--model", str(tmp_path)]


def test_no_secret_of_the_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTERN_INITIAL_PASSWORD", "secret")
    assert "secret" not in "".join(nursery_module._environment().values())


async def test_workers_come_one_for_each_request(nursery: Nursery) -> None:
    with await nursery.worker() as one, await nursery.worker() as other:
        assert one.greeting is not None
        assert other.greeting is not None
        assert one.greeting.pid != other.greeting.pid


async def test_a_zygote_that_is_stopped_is_replaced(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    (await nursery.worker()).kill()
    stopped = nursery._process
    assert stopped is not None
    freeze(stopped.pid)
    monkeypatch.setattr(nursery_module, "_PATIENCE", 0.5)
    with pytest.raises(NurseryError, match=r"no worker came within 0\.5 s"):
        await nursery.worker()
    assert stopped.returncode == -signal.SIGKILL
    monkeypatch.undo()
    monkeypatch.syspath_prepend(Path(__file__).parent)
    (await nursery.worker()).kill()


async def test_a_zygote_that_cannot_be_started_is_said(nursery: Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nursery_module.sys, "executable", "/nonexistent/python")
    with pytest.raises(NurseryError, match="cannot be started"):
        await nursery.worker()
