"""The office as people and programs meet it, over a real custody."""

from __future__ import annotations

import time

from gateway.queue.custody import Custody
from tests.console.conftest import SignIn
from tests.console.seed import EVERYTHING, hold


async def test_pages_answer_for_staff(signed_in: SignIn, custody: Custody) -> None:
    for letter in EVERYTHING:
        items = await hold(custody, letter, now=time.time())
    admin = await signed_in("administrator")
    for path in ("/", "/quarantine"):
        answer = await admin.get(path)
        assert answer.status_code == 200
        assert "Urgent transfer" in answer.text
