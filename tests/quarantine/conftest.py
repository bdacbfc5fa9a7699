"""A real custody, and people of each role."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.quarantine.rights import Actor, Role
from gateway.queue.custody import Custody

ADMIN = Actor("ana", Role.ADMINISTRATOR)
OPERATOR = Actor("otto", Role.OPERATOR)
AUDITOR = Actor("ada", Role.AUDITOR)
BOB = Actor("bob@example.org", Role.USER, frozenset({"bob@example.org", "sales@example.org"}))
ALICE = Actor("alice@example.org", Role.USER, frozenset({"alice@example.org"}))


@pytest.fixture
async def custody(tmp_path: Path) -> AsyncIterator[Custody]:
    opened = Custody.open(tmp_path / "queue", clock=SystemClock())
    yield opened
    await opened.close()
