"""Roles are killed while mail flows: every 250 is kept, and what was killed stands up again."""

from __future__ import annotations

import os
import random
import signal
import smtplib
import threading
import time
from collections.abc import Iterator

import pytest

from tests.e2e.gateway import PATIENCE, Gateway, eventually, running
from tests.e2e.letters import GTUBE, letter, store_folder
from tests.e2e.load import subjects
from tests.folders import passable_folder
from tests.freezing import freeze

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

MESSAGES = 200
KILLS = 2
"""How often each role is killed; a role that dies again and again is started after ever longer pauses."""
VICTIMS = ("edge", "courier", "console", "dovecot")


@pytest.fixture(scope="module")
def own() -> Iterator[Gateway]:
    with passable_folder() as folder, running(folder / "data", POSTERN_CLAMD="off", POSTERN_EDGES="2") as it:
        yield it
        assert it.stop() == 0


class Sender(threading.Thread):
    """Sends its share, and sends again what was not answered with 250, as every mail server does."""

    def __init__(self, gateway: Gateway, letters: list[tuple[str, bytes]]) -> None:
        super().__init__()
        self._gateway = gateway
        self._letters = letters
        self.accepted: list[str] = []

    def run(self) -> None:
        for subject, octets in self._letters:
            while not self._send(octets):
                time.sleep(0.1)
            self.accepted.append(subject)

    def _send(self, octets: bytes) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self._gateway.ports["mx"], timeout=PATIENCE) as client:
                client.sendmail("ann@sender.example", ["alice@example.org"], octets)
        except (OSError, smtplib.SMTPException):
            return False
        return True


def kill_one(gateway: Gateway, name: str, chance: random.Random) -> None:
    """Kill -9 one process of the role, as soon as there is one."""
    pids = eventually(lambda: gateway.role_pids(name))
    os.kill(chance.choice(pids), signal.SIGKILL)


def test_no_250_is_lost_while_roles_are_killed(own: Gateway) -> None:
    chance = random.Random(20261121)
    letters = [letter(GTUBE if number % 10 == 0 else "Shall we meet at ten?\n") for number in range(MESSAGES)]
    senders = [Sender(own, letters[start::4]) for start in range(4)]
    for each in senders:
        each.start()
    for name in chance.sample(VICTIMS * KILLS, len(VICTIMS) * KILLS):
        kill_one(own, name, chance)
        time.sleep(0.5)
    for each in senders:
        each.join()
    accepted = {subject for each in senders for subject in each.accepted}
    assert len(accepted) == MESSAGES

    def kept() -> bool:
        # Where the store was away, its destination rests for a minute: an operator need not wait for that.
        assert own.command("queue", "retry", "--destination", "mailbox").returncode == 0
        return accepted <= delivered(own) | held(own)

    eventually(kept, every=1.0)
    died = {line["program"].partition("-")[0] for line in own.log("role_died")}
    assert died >= set(VICTIMS)
    eventually(lambda: all(own.role_pids(name) for name in VICTIMS))


def delivered(gateway: Gateway) -> set[str]:
    return subjects(store_folder(gateway))


def held(gateway: Gateway) -> set[str]:
    return {each["listing"]["subject"] for each in gateway.json("quarantine", "list", "--limit", "1000")}


def test_an_edge_that_stands_still_is_killed_and_started_again(own: Gateway) -> None:
    frozen, _ = eventually(lambda: (edges := own.role_pids("edge")) and len(edges) == 2 and edges)
    freeze(frozen)
    eventually(lambda: own.log("role_stands_still"))
    eventually(lambda: frozen not in own.role_pids("edge") and len(own.role_pids("edge")) == 2)
    subject, octets = letter()
    sender = Sender(own, [(subject, octets)])
    sender.start()
    sender.join()
    eventually(lambda: subject in delivered(own))
