"""Too much of everything, through the real ports: no mail is taken that could not be stored, readiness is red, and all
of it passes by itself. SIGTERM and SIGHUP while sessions are open."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import smtplib
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.gateway import PATIENCE, PATIENT, Gateway, eventually, running
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

POLICY = """\
version: 1
groups: [{id: everyone}]
recipients:
  - {domain: example.org, route: mailbox}
  - {domain: stuck.example, route: 'smtp://127.0.0.1:1'}
"""
MARGIN = 512 * 2**20
LETTER = b"From: ann@elsewhere.example\r\nSubject: t\r\n\r\nhello\r\n"


@contextlib.contextmanager
def gateway_with(around: Surroundings, **limits: object) -> Iterator[Gateway]:
    with passable_folder() as folder:
        extra = {"POSTERN_EDGES": "1", "POSTERN_CLAMD": "off", "POSTERN_NAMESERVERS": around.nameserver}
        with running(folder / "data", settings={**PATIENT, "limits": limits}, policy=POLICY, **extra) as gateway:
            yield gateway


def ready(gateway: Gateway) -> tuple[int, dict[str, Any]]:
    """The answer of /readyz."""
    try:
        with urllib.request.urlopen(f"{gateway.console}/readyz", timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def connected(gateway: Gateway) -> smtplib.SMTP:
    smtp = smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE)
    try:
        smtp.ehlo("client.example")
    except BaseException:
        smtp.close()
        raise
    return smtp


def greeting(gateway: Gateway) -> int:
    """The code of the greeting."""
    try:
        with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE):
            return 220
    except smtplib.SMTPConnectError as refused:
        return refused.smtp_code


def send(smtp: smtplib.SMTP, recipient: str) -> int:
    code = smtp.mail("ann@elsewhere.example")[0]
    if code == 250:
        code = smtp.rcpt(recipient)[0]
    return smtp.data(LETTER)[0] if code == 250 else code


def refuses_now(gateway: Gateway, open_session: smtplib.SMTP, why: str) -> None:
    """Everything says no, and for this reason; nothing was taken."""
    eventually(lambda: greeting(gateway) == 421)
    code, said = open_session.mail("ann@elsewhere.example")
    assert (code, said[:6]) == (452, b"4.3.1 ")
    eventually(lambda: ready(gateway)[0] == 503)
    assert why in ready(gateway)[1]["storage"]

    def is_shown() -> bool:
        degraded = ready(gateway)[1]["degraded"]
        return any(each["name"] == "ledger" and each["mood"] == "down" and why in each["words"] for each in degraded)

    eventually(is_shown)


def takes_again(gateway: Gateway, open_session: smtplib.SMTP, recipient: str) -> None:
    eventually(lambda: greeting(gateway) == 220)
    eventually(lambda: ready(gateway)[0] == 200)
    assert send(open_session, recipient) == 250


def test_a_full_disk(around: Surroundings, tmp_path: Path) -> None:
    free = os.statvfs(tmp_path)
    octets = free.f_bavail * free.f_frsize
    if octets < 4 * MARGIN:
        pytest.skip(f"{octets // 2**20} MiB of disk are too few to fill some of them")
    with gateway_with(around, free_disk=octets - MARGIN) as gateway, connected(gateway) as smtp:
        assert send(smtp, "alice@example.org") == 250
        ballast = gateway.data / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 2 * MARGIN)
        try:
            refuses_now(gateway, smtp, "MiB of disk are free")
        finally:
            ballast.unlink()
        takes_again(gateway, smtp, "alice@example.org")


def test_a_full_queue(around: Surroundings) -> None:
    with gateway_with(around, queued=3) as gateway, connected(gateway) as smtp:
        assert [send(smtp, "bob@stuck.example") for _ in range(3)] == [250] * 3
        refuses_now(gateway, smtp, "3 copies wait in the queue")
        assert gateway.command("queue", "delete", "--destination", "smtp://127.0.0.1:1").returncode == 0
        takes_again(gateway, smtp, "bob@stuck.example")


def test_a_ledger_that_another_process_holds(around: Surroundings) -> None:
    with gateway_with(around) as gateway, connected(gateway) as smtp:
        assert send(smtp, "alice@example.org") == 250
        lock = os.open(gateway.data / "queue" / "ledger.lock", os.O_RDWR)
        said: list[int] = []
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            waiting = connected(gateway)
            sending = threading.Thread(target=lambda: said.append(send(waiting, "alice@example.org")))
            sending.start()
            eventually(lambda: greeting(gateway) == 421)
            assert smtp.mail("ann@elsewhere.example")[0] == 452
            eventually(lambda: ready(gateway)[0] == 503)
            assert said == [], "nothing is promised that is not durable"
        finally:
            os.close(lock)
        sending.join(PATIENCE)
        waiting.close()
        assert said == [250], "who waited is told the truth"
        takes_again(gateway, smtp, "alice@example.org")


def test_too_many_connections(around: Surroundings) -> None:
    with gateway_with(around, connections=5, connections_per_client=5) as gateway:
        guests = [connected(gateway) for _ in range(5)]
        assert greeting(gateway) == 421
        assert send(guests[0], "alice@example.org") == 250, "who is in is served"
        assert ready(gateway)[0] == 200
        for guest in guests[1:]:
            guest.close()
        eventually(lambda: greeting(gateway) == 220)
        guests[0].close()


def test_sigterm_under_load_finishes_open_data_and_loses_nothing(around: Surroundings) -> None:
    with gateway_with(around) as gateway:
        stop, told = threading.Event(), []

        def load() -> None:
            while not stop.is_set():
                try:
                    with connected(gateway) as smtp:
                        if send(smtp, "alice@example.org") == 250:
                            told.append(250)
                except (OSError, smtplib.SMTPException):
                    time.sleep(0.01)

        loading = [threading.Thread(target=load) for _ in range(4)]
        for each in loading:
            each.start()
        eventually(lambda: len(told) >= 20)
        halfway = [connected(gateway) for _ in range(5)]
        idle = connected(gateway)
        for each in halfway:
            each.mail("ann@elsewhere.example")
            each.rcpt("alice@example.org")
            assert each.docmd("DATA")[0] == 354
            each.send(LETTER[:30])
        gateway.process.send_signal(signal.SIGTERM)
        assert idle.getreply()[0] == 421, "who has nothing open is sent away"
        idle.close()
        assert [greeting(gateway) for _ in range(3)] == [421] * 3, "a newcomer is told at once"
        for each in halfway:
            each.send(LETTER[30:] + b".\r\n")
            assert each.getreply()[0] == 250
            each.close()
            told.append(250)
        assert gateway.process.wait(PATIENCE) == 0
        stop.set()
        for each in loading:
            each.join(PATIENCE)
        found = gateway.json("track", "--from", "ann@elsewhere.example", "--limit", "9999")
        assert sum(1 for each in found if each["outcome"] != "refused") >= len(told), "0 of those told 250 are lost"


def test_a_reload_keeps_sessions_and_what_they_have_open(around: Surroundings) -> None:
    with gateway_with(around) as gateway, connected(gateway) as smtp, connected(gateway) as other:
        smtp.mail("ann@elsewhere.example")
        smtp.rcpt("alice@example.org")
        assert smtp.docmd("DATA")[0] == 354
        smtp.send(LETTER[:30])
        policy = Path(gateway.extra["POSTERN_POLICY"]) / "default.yaml"
        policy.write_text(
            POLICY + "rules: [{id: no, when: 'mail.from == \"eve@elsewhere.example\"', then: {reject: policy}}]\n"
        )
        before = len(gateway.log("policy_loaded"))
        gateway.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(gateway.log("policy_loaded")) > before)
        smtp.send(LETTER[30:] + b".\r\n")
        assert smtp.getreply()[0] == 250
        assert send(other, "alice@example.org") == 250


def test_silent_clients_hold_their_own_places_and_not_for_long(around: Surroundings) -> None:
    with gateway_with(around, connections_per_client=3, idle=2) as gateway:
        silent = []

        def fourth_is_sent_away() -> bool:
            silent.extend(socket.create_connection(("127.0.0.1", gateway.ports["mx"])) for _ in range(3))
            return greeting(gateway) == 421

        eventually(fourth_is_sent_away)  # where the machine stood still, their time was up before the fourth came
        eventually(lambda: greeting(gateway) == 220)
        for each in silent:
            each.close()
