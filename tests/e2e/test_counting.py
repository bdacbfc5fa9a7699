"""What all processes of a machine count together, through the real ports of a gateway with two edges: rates, harvests,
bans within seconds, refusals on record, and all of it after a restart."""

from __future__ import annotations

import itertools
import json
import smtplib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.gateway import PATIENCE, PATIENT, Gateway, eventually, free_ports, start
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

POLICY = """\
version: 1
groups:
  - {id: everyone, limits: {client: {messages: 7/d, unknown_recipients: 4/d}}}
recipients:
  - {domain: example.org, route: mailbox, validate: mailbox}
"""


@dataclass
class Machine:
    """A gateway that can be started again on the same data."""

    data: Path
    extra: dict[str, str]
    gateway: Gateway

    def restart(self) -> None:
        assert self.gateway.stop() == 0
        self.gateway = begin(self.data, self.extra)

    def client(self, ip: str) -> smtplib.SMTP:
        """A connection from an address of this machine, or, told by XCLIENT, from anywhere."""
        source = ip if ip.startswith("127.") else "127.0.0.9"
        smtp = smtplib.SMTP("127.0.0.1", self.gateway.ports["mx"], timeout=PATIENCE, source_address=(source, 0))
        if source != ip:
            smtp.ehlo("client.example")
            smtp.docmd("XCLIENT", f"ADDR={ip} NAME=[UNAVAILABLE]")
        return smtp

    def mail(self, ip: str) -> int:
        """The code of the answer to one MAIL on a connection of its own."""
        try:
            with self.client(ip) as smtp:
                smtp.ehlo("client.example")
                return smtp.mail("ann@elsewhere.example")[0]
        except smtplib.SMTPServerDisconnected:
            return 421


def begin(data: Path, extra: dict[str, str]) -> Gateway:
    settings = {**PATIENT, "listen": {"xclient_networks": ["127.0.0.9/32"]}}
    return start(data, free_ports(), settings=settings, policy=POLICY, **extra)


@pytest.fixture(scope="module")
def machine(around: Surroundings) -> Iterator[Machine]:
    with passable_folder() as folder:
        extra = {"POSTERN_EDGES": "2", "POSTERN_CLAMD": "off", "POSTERN_NAMESERVERS": around.nameserver}
        running = Machine(folder / "data", extra, begin(folder / "data", extra))
        try:
            yield running
        finally:
            running.gateway.stop()


def test_two_edges_give_what_one_would_and_a_restart_gives_no_more(machine: Machine) -> None:
    assert len(machine.gateway.role_pids("edge")) == 2

    def mails(number: int) -> tuple[str, list[int]]:
        client = f"127.0.1.{number + 1}"
        return client, [machine.mail(client) for _ in range(12)]

    client, said = machine.gateway.undisturbed(mails)
    assert said == [250] * 7 + [451] * 5
    assert machine.mail("127.0.0.3") == 250, "another client"
    machine.restart()
    assert machine.gateway.undisturbed(lambda _: machine.mail(client)) == 451


def test_a_harvester_is_hung_up_on_at_whichever_edge_and_found_by_track(machine: Machine) -> None:
    begun = time.time()

    def harvests(number: int) -> tuple[str, list[tuple[int, bytes]]]:
        client = f"127.0.2.{number + 1}"
        return client, [harvest(machine, client, f"{name}{number}@example.org") for name in "abcdef"]

    client, said = machine.gateway.undisturbed(harvests)
    assert [code for code, _ in said] == [550, 550, 550, 550, 550, 421], said
    assert b"Too many invalid recipients" in said[4][1]
    (row,) = eventually(lambda: machine.gateway.json("track", "--client", client, "--rcpt", "e*"))
    assert (row["stage"], row["rule"], row["client_ip"]) == ("rcpt", "everyone", client)
    assert row["reason"] == "more than 4/d unknown recipients (client)"
    assert begun <= row["at"] <= time.time()


def harvest(machine: Machine, client: str, recipient: str) -> tuple[int, bytes]:
    """What a client that tries a name on a connection of its own is told."""
    try:
        with machine.client(client) as smtp:
            smtp.ehlo("client.example")
            smtp.mail("ann@elsewhere.example")
            return smtp.rcpt(recipient)
    except smtplib.SMTPConnectError as refused:
        return refused.smtp_code, b"at the greeting"
    except smtplib.SMTPServerDisconnected:
        return 0, b"hung up"


def test_a_ban_by_command_holds_at_all_edges_within_seconds_and_after_a_restart(machine: Machine) -> None:
    assert machine.mail("192.0.2.77") == 250
    assert machine.gateway.command("bans", "add", "192.0.2.0/24", "--for", "1h", "--reason", "test").returncode == 0
    eventually(lambda: [machine.mail("192.0.2.77") for _ in range(6)] == [421] * 6)
    explained = machine.gateway.command("explain-connection", "192.0.2.77", "--json")
    assert json.loads(explained.stdout)["rule"] == "ban", explained.stderr
    machine.restart()
    assert machine.mail("192.0.2.77") == 421
    assert machine.gateway.command("bans", "add", "127.0.0.1").returncode == 2
    assert machine.gateway.command("bans", "remove", "192.0.2.0/24").returncode == 0
    strangers = itertools.count(100)  # whoever was let in by one edge and not by the other has used up some of its rate

    def everybody_is_let_in() -> bool:
        stranger = f"192.0.2.{next(strangers)}"
        return [machine.mail(stranger) for _ in range(4)] == [250] * 4

    eventually(everybody_is_let_in)
