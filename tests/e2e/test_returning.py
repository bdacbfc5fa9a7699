"""Forwarding and bounces through a whole gateway: what leaves the house leaves under an address that only we can make,
and what comes back for such an address is let in only if we made it.

A courier reaches no exchanger on this machine. So far.example is first one of our own domains, with a route to a real
listener that is busy; then it is no longer ours, and the copies that wait go there as to any stranger.
"""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.delivery.sink import Sink
from tests.e2e.gateway import PASSWORD, PATIENCE, PATIENT, Gateway, eventually, free_ports, start
from tests.e2e.letters import letter, trusting
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

POLICY = """\
version: 1
recipients:
  - {domain: example.org, route: mailbox, validate: mailbox, aliases: {away@example.org: carl@far.example}}
rules: []
default: deliver
"""
SETTINGS = {
    **PATIENT,
    "bounces": {"verify": ["example.org"], "refuse_at": "rcpt"},
    "listen": {"xclient_networks": ["127.0.0.1/32"]},
}
STRANGER, ALICE = "ann@stranger.example", "alice@example.org"
LATER = "451 4.2.0 busy"


@dataclass
class Left:
    """A gateway that two letters have left, and the reverse-paths under which they did."""

    gateway: Gateway
    forwarded: str
    sent: str

    def rcpt(self, recipient: str, *, sender: str = "") -> str:
        """The answer to RCPT, asked as somebody from far away."""
        with smtplib.SMTP("127.0.0.1", self.gateway.ports["mx"], timeout=PATIENCE) as client:
            client.ehlo("balancer.example")
            assert client.docmd("XCLIENT", "ADDR=192.0.2.9")[0] == 220
            client.ehlo("far.example")
            client.mail(sender)
            code, text = client.rcpt(recipient)
            return f"{code} {text.decode()}"


@pytest.fixture(scope="module")
def left(around: Surroundings) -> Iterator[Left]:
    far = around.sink(script={"RCPT": [LATER, LATER, "250 2.1.5 ok"]})
    with passable_folder() as folder:
        extra = {"POSTERN_EDGES": "1", "POSTERN_CLAMD": "off", "POSTERN_NAMESERVERS": around.nameserver}
        gateway = start(folder / "data", free_ports(), settings=SETTINGS, policy=POLICY, **extra)
        try:
            yield leave(gateway, far)
        finally:
            assert gateway.stop() == 0


def leave(gateway: Gateway, far: Sink) -> Left:
    added = gateway.command("domain", "add", "far.example", "--route", far.route, "--validate", "none")
    assert added.returncode == 0, added.stderr
    eventually(lambda: answer_about(gateway, "carl@far.example") == 250)
    with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE) as client:
        client.sendmail(STRANGER, ["away@example.org"], letter(author=f"Ann <{STRANGER}>")[1])
    with smtplib.SMTP_SSL("127.0.0.1", gateway.ports["submissions"], context=trusting(), timeout=PATIENCE) as client:
        client.login(ALICE, PASSWORD)
        client.sendmail(ALICE, ["carl@far.example"], letter(author=f"Alice <{ALICE}>")[1])
    eventually(lambda: len(waiting(gateway)) == 2)
    assert set(paths_of(far)) == {STRANGER, ALICE}, "as it is, while the domain is ours"
    removed = gateway.command("domain", "remove", "far.example")
    assert removed.returncode == 0, removed.stderr
    eventually(lambda: answer_about(gateway, "carl@far.example") == 550)
    assert gateway.command("queue", "retry").returncode == 0
    eventually(lambda: len(far.taken) == 2)
    forwarded, sent = sorted({*paths_of(far)} - {STRANGER, ALICE})
    return Left(gateway, forwarded, sent)


def answer_about(gateway: Gateway, recipient: str) -> int:
    with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE) as client:
        client.ehlo("client.example")
        client.mail(STRANGER)
        return client.rcpt(recipient)[0]


def waiting(gateway: Gateway) -> list[str]:
    return [each["recipient"] for each in gateway.json("queue", "list")["items"] if each["state"] == "deferred"]


def paths_of(sink: Sink) -> list[str]:
    mails = [command for command in sink.commands if command.startswith("MAIL FROM:<")]
    return [command.partition("<")[2].partition(">")[0] for command in mails]


def test_what_is_forwarded_and_what_is_sent_leave_under_addresses_of_ours(left: Left) -> None:
    assert left.forwarded.startswith("SRS0=")
    assert left.forwarded.endswith("=stranger.example=ann@example.org")
    assert left.sent.startswith("prvs=0")
    assert left.sent.endswith("=alice@example.org")


def test_bounces_for_them_come_in(left: Left) -> None:
    assert left.rcpt(left.forwarded).startswith("250 ")
    assert left.rcpt(left.forwarded.lower()).startswith("250 ")
    assert left.rcpt(left.sent).startswith("250 ")


def test_bounces_for_others_do_not(left: Left) -> None:
    assert left.rcpt(left.forwarded.replace("=ann@", "=eve@")).startswith("550 5.1.1 The return address")
    assert left.rcpt(left.sent.replace("=alice@", "=bob@")).startswith("550 5.7.1 A bounce of mail")
    assert left.rcpt(ALICE).startswith("550 5.7.1 A bounce of mail")
    assert left.rcpt(ALICE, sender=STRANGER).startswith("250 ")


def test_the_keys_are_nobody_elses_business(left: Left) -> None:
    files = sorted((left.gateway.data / "returns").iterdir())
    assert [(file.name, file.stat().st_mode & 0o777) for file in files] == [("batv.keys", 0o600), ("srs.keys", 0o600)]


def test_the_command_explains_such_an_address(left: Left) -> None:
    words = ["explain-connection", "192.0.2.9", "--from", "", "--rcpt"]
    assert left.gateway.json(*words, left.forwarded)["outcome"] == "let in"
    forged = left.gateway.command(*words, left.forwarded.replace("=ann@", "=eve@"), "--json")
    assert "is forged" in forged.stdout
