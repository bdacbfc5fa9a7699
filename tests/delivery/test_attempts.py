"""A handover becomes the record of an attempt."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.delivery.attempts import Patience, attempt_of
from gateway.delivery.handover import Ending, Handover
from gateway.mail.replies import Reply
from gateway.queue.states import State
from tests.delivery.test_bounces import CLAIM

DAY = 86400.0
PATIENCE = Patience(5 * DAY, random.Random(1))
SAID = Reply(451, "4.2.0", "words")


@pytest.mark.parametrize(
    ("ending", "attempt", "age", "state"),
    [
        (Ending.DELIVERED, 1, 0, State.DELIVERED),
        (Ending.DELIVERED, 200, 9 * DAY, State.DELIVERED),
        (Ending.FAILED, 1, 0, State.FAILED),
        (Ending.DEFERRED, 1, 0, State.DEFERRED),
        (Ending.UNREACHABLE, 1, 0, State.DEFERRED),
        (Ending.DEFERRED, 120, 5 * DAY - 1, State.DEFERRED),
        (Ending.DEFERRED, 120, 5 * DAY, State.EXPIRED),
        (Ending.UNREACHABLE, 120, 5 * DAY, State.EXPIRED),
        (Ending.DEFERRED, 2, 9 * DAY, State.DEFERRED),
    ],
)
def test_the_state(ending: Ending, attempt: int, age: float, state: State) -> None:
    now = CLAIM.received_at + age
    handover = Handover(ending, SAID, remote="host:25", tls="TLSv1.3")
    record = attempt_of(replace(CLAIM, attempt=attempt), handover, now=now, patience=PATIENCE)
    assert record.state is state
    assert (record.at, record.reply, record.remote, record.tls) == (now, SAID, "host:25", "TLSv1.3")
    assert (record.due is not None) is (state is State.DEFERRED)
    assert record.due is None or record.due > now
