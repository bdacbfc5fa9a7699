"""Starting, stopping and starting again, on one data folder."""

from __future__ import annotations

import os
import signal
import smtplib
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app.accounts import Accounts
from gateway.settings import Settings
from tests.e2e.gateway import (
    PASSWORD,
    PATIENCE,
    ROOT,
    Gateway,
    environment,
    eventually,
    free_ports,
    log_file,
    start,
)
from tests.e2e.letters import arrives, deliver, letter, trusting
from tests.folders import passable_folder
from tests.freezing import freeze

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


def refused_start(data: Path, ports: dict[str, int], **extra: str) -> str:
    """What `postern run` says when it does not start at all."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "run"], capture_output=True, text=True, timeout=PATIENCE, check=False,
        cwd=ROOT, env={**environment(data, ports), **extra},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stdout == ""
    return done.stderr


def test_one_folder_through_two_lives(folder: Path) -> None:
    first = start(folder / "data", free_ports(), POSTERN_CLAMD="off")
    try:
        shown = log_file(first.data).read_text()
        assert shown.count(PASSWORD) == 4
        for private in ("initial-passwords", "tls/key.pem", "supervisor.pid"):
            assert stat.S_IMODE((first.data / private).stat().st_mode) == 0o600

        # A second supervisor on the same folder gives way to the first.
        assert str(first.process.pid) in refused_start(first.data, free_ports())

        # Nothing is lost that waits while the store is away.
        for pid in first.role_pids("dovecot"):
            freeze(pid)
        waiting, octets = letter()
        assert deliver(first, octets).code == 250

        # SIGTERM while DATA is on its way: the message still gets its 250.
        ending, octets = letter()
        answer = _stop_in_the_middle(first, octets)
        assert answer[0] == 250, answer
        for pid in first.role_pids("dovecot"):
            os.kill(pid, signal.SIGCONT)
        assert first.stop() == 0
    finally:
        first.stop()

    second = start(folder / "data", free_ports(), POSTERN_CLAMD="off")
    try:
        assert log_file(second.data).read_text().count(PASSWORD) == 4, "passwords are shown once"
        for subject in (waiting, ending):
            arrives(second, subject)  # signs in with the first start's password
        with smtplib.SMTP_SSL("127.0.0.1", second.ports["submissions"], context=trusting(), timeout=PATIENCE) as client:
            assert client.login("bob@example.org", PASSWORD)[0] == 235
    finally:
        assert second.stop() == 0
    assert second.role_pids("edge") == []


def _stop_in_the_middle(gateway: Gateway, octets: bytes) -> tuple[int, bytes]:
    """SIGTERM between the two halves of a message; the answer to the whole of it."""
    with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE) as client:
        client.ehlo()
        client.docmd("MAIL FROM:<ann@sender.example>")
        client.docmd("RCPT TO:<alice@example.org>")
        assert client.docmd("DATA")[0] == 354
        client.send(octets[: len(octets) // 2])
        gateway.process.send_signal(signal.SIGTERM)
        eventually(lambda: gateway.log("draining"))
        client.send(octets[len(octets) // 2 :] + b".\r\n")
        answer = client.getreply()
        client.close()  # no QUIT: the door has said 421 meanwhile
    return answer


@pytest.mark.parametrize("door", ["mx", "imaps", "console"])
def test_a_taken_port_is_named_with_its_variable(folder: Path, door: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused_start(folder / "ports", {**free_ports(), door: port})
    assert f"127.0.0.1:{port} ({door})" in " ".join(said.split())
    assert f"POSTERN_{door.upper()}_PORT" in said


def test_a_bad_policy_is_named_before_anything_runs(folder: Path) -> None:
    bad = folder / "policies"
    bad.mkdir()
    (bad / "default.yaml").write_text("version: 1\nrules:\n  - {id: x, when: 'spam.scroe > 1.0', then: deliver}\n")
    said = refused_start(folder / "policy", free_ports(), POSTERN_POLICY=str(bad))
    assert "default.yaml:3:" in " ".join(said.split())


def test_a_bad_key_of_addresses_is_named_before_anything_runs(folder: Path) -> None:
    keys = folder / "keys" / "returns" / "srs.keys"
    keys.parent.mkdir(parents=True)
    keys.write_text("a secret\n")
    said = " ".join(refused_start(folder / "keys", free_ports()).split())
    assert "srs.keys:1: not a key mend: write 64 hexadecimal digits" in said
    assert "a secret" not in said


def test_a_password_that_is_too_short_leaves_nothing_behind(folder: Path) -> None:
    data = folder / "short"
    assert "password" in refused_start(data, free_ports(), POSTERN_INITIAL_PASSWORD="x")
    assert list(data.glob("initial-passwords*")) == [], "the next start makes up its own"
    assert Accounts(Settings(data=data)).listed() == []


def test_ctrl_c_while_it_starts_ends_everything(folder: Path) -> None:
    data = folder / "early"
    with log_file(data).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "run"], stdout=subprocess.DEVNULL, stderr=log, cwd=ROOT,
            env={**environment(data, free_ports()), "POSTERN_CLAMD": "off"},
        )  # fmt: skip
    gateway = Gateway(process, data, {})
    killer = threading.Timer(PATIENCE, process.kill)
    killer.start()
    try:
        eventually(lambda: gateway.role_pids("courier"))
        process.send_signal(signal.SIGINT)
        assert process.wait(2 * PATIENCE) == 0
    finally:
        killer.cancel()
        gateway.stop()
