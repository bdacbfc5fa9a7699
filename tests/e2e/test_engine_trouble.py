"""The real clamd is killed and hangs, and anatomists are killed, while mail with and without malware flows: each letter
that was answered with 250 is kept, nothing bad is delivered, and all of it is judged in the end."""

from __future__ import annotations

import contextlib
import os
import signal
import smtplib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.gateway import PATIENT, Gateway, eventually, running
from tests.e2e.letters import EICAR, deliver, letter
from tests.e2e.test_killing import delivered, held
from tests.folders import passable_folder
from tests.freezing import freeze

pytestmark = [pytest.mark.slow, pytest.mark.dovecot, pytest.mark.clamd]

SETTINGS = {**PATIENT, "clamav": {"timeout": "2s"}}
REFUSED = 554
PROGRAM = """--b
Content-Type: text/plain

The program is attached.
--b
Content-Type: application/octet-stream
Content-Disposition: attachment; filename="tool.exe"
Content-Transfer-Encoding: base64

TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAA==
--b--
"""


@pytest.fixture(scope="module")
def own() -> Iterator[Gateway]:
    with passable_folder() as folder, running(folder / "data", settings=SETTINGS, POSTERN_EDGES="1") as gateway:
        yield gateway
        assert gateway.stop() == 0


class Sender(threading.Thread):
    """Sends letters again and again until the last word on each is said, as every mail server does."""

    def __init__(self, gateway: Gateway, letters: list[tuple[str, bytes]]) -> None:
        super().__init__()
        self._gateway = gateway
        self._letters = letters
        self.said: dict[str, int] = {}

    def run(self) -> None:
        for subject, octets in self._letters:
            while (code := self._send(octets)) < 250 or 400 <= code < 500:
                time.sleep(0.1)
            self.said[subject] = code

    def _send(self, octets: bytes) -> int:
        try:
            return deliver(self._gateway, octets).code
        except (OSError, smtplib.SMTPException):
            return 0


def test_an_engine_that_dies_and_hangs_under_load_lets_nothing_through_and_loses_nothing(own: Gateway) -> None:
    good = [letter() for _ in range(24)]
    evil = [letter(EICAR) for _ in range(24)]
    senders = [Sender(own, good[start::2]) for start in range(2)] + [Sender(own, evil[start::2]) for start in range(2)]
    for each in senders:
        each.start()
    kill_one_and_see_it_back(own)
    (engine,) = own.role_pids("clamd")
    freeze(engine)
    try:
        deliver(own, letter()[1])  # it is told something while nobody can tell: what, does not matter
    finally:
        os.kill(engine, signal.SIGCONT)
    kill_one_and_see_it_back(own)
    for each in senders:
        each.join()
    said = {subject: code for each in senders for subject, code in each.said.items()}
    assert {said[subject] for subject, _ in evil} == {REFUSED}
    assert {said[subject] for subject, _ in good} == {250}
    eventually(lambda: {subject for subject, _ in good} <= delivered(own) | held(own), within=90, every=1.0)
    assert not delivered(own) & {subject for subject, _ in evil}


def test_anatomists_that_are_killed_under_load_let_nothing_through_and_lose_nothing(own: Gateway) -> None:
    good = [letter() for _ in range(16)]
    evil = [letter(PROGRAM, extra=("Content-Type: multipart/mixed; boundary=b",)) for _ in range(16)]
    senders = [Sender(own, good[start::2]) for start in range(2)] + [Sender(own, evil[start::2]) for start in range(2)]
    for each in senders:
        each.start()
    for _ in range(2):  # the third death of one message would lay it aside, which is for another test
        before = eventually(lambda: workers(own))
        os.kill(min(before), signal.SIGKILL)
        eventually(lambda before=before: workers(own) - before)
    for each in senders:
        each.join()
    assert {code for each in senders for code in each.said.values()} == {250}
    kept = {subject for subject, _ in (*good, *evil)}
    eventually(lambda: kept <= delivered(own) | held(own), within=90, every=1.0)
    assert {subject for subject, _ in evil} <= held(own)


def workers(gateway: Gateway) -> set[int]:
    """The jailed anatomists of the edge: children of its zygote."""
    edges = gateway.role_pids("edge")
    zygotes = [each for edge in edges for each in children(edge)]
    return {each for zygote in zygotes for each in children(zygote)}


def children(pid: int) -> list[int]:
    """Of every thread of that process."""
    with contextlib.suppress(OSError):
        return [
            int(each)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for each in (task / "children").read_text().split()
        ]
    return []


def kill_one_and_see_it_back(gateway: Gateway) -> None:
    (before,) = eventually(lambda: gateway.role_pids("clamd"))
    os.kill(before, signal.SIGKILL)
    eventually(lambda: gateway.role_pids("clamd") not in ([], [before]))
