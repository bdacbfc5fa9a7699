"""Who is written to, through the real ports: a mailbox of the real store that is full, a directory that is a real
OpenLDAP server, a map of networks, and the command that explains them."""

from __future__ import annotations

import itertools
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.app.recipients.running_slapd import READER, SECRET, SLAPD, Slapd, running_slapd
from tests.checks.reputation.maps import network, write_map
from tests.e2e.gateway import PATIENCE, PATIENT, Gateway, eventually, free_ports, start
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.dovecot,
    pytest.mark.slapd,
    pytest.mark.skipif(SLAPD is None, reason="slapd is not installed"),
]

QUOTA = 200_000
POLICY = """\
version: 1
groups:
  - {{id: neighbours, when: 'client.asn == 64500', banner: ESMTP Hello neighbour}}
  - {{id: everyone}}
recipients:
  - {{domain: example.org, route: mailbox, validate: mailbox}}
  - {{address: bob@example.org, route: mailbox, validate: mailbox, on_full: reject, size: 150000}}
  - domain: example.net
    route: mx
    validate: ldap
    on_unknown: last_known
    ldap:
      servers: ['ldap://127.0.0.1:{port}']
      authorities: {certificate}
      bind: '{reader}'
      secret_environment: POSTERN_LDAP_SECRET
      base: 'ou=people,dc=example,dc=org'
"""


@dataclass
class Machine:
    gateway: Gateway
    slapd: Slapd

    def client(self, ip: str = "127.0.0.1") -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.gateway.ports["mx"], timeout=PATIENCE, source_address=(ip, 0))

    def rcpt(self, recipient: str, size: int = 0) -> str:
        """The answer to RCPT after a MAIL that declares so many octets."""
        with self.client() as smtp:
            smtp.ehlo("client.example")
            smtp.mail("ann@elsewhere.example", [f"SIZE={size}"] if size else [])
            code, text = smtp.rcpt(recipient)
            return f"{code} {text.decode()}"


@pytest.fixture(scope="module")
def machine(around: Surroundings) -> Iterator[Machine]:
    with passable_folder() as folder, running_slapd(folder / "slapd", "sue") as slapd:
        policy = POLICY.format(port=slapd.port, certificate=slapd.certificate, reader=READER)
        networks = write_map(folder / "asn.mmdb", {"127.0.0.9/32": network(64500, "Neighbours")})
        settings = {**PATIENT, "store": {"quota": QUOTA}, "maps": {"networks": str(networks)}}
        extra = {
            "POSTERN_NAMESERVERS": around.nameserver,
            "POSTERN_EDGES": "1",
            "POSTERN_CLAMD": "off",
            "POSTERN_LDAP_SECRET": SECRET,
        }
        gateway = start(folder / "data", free_ports(), settings=settings, policy=policy, **extra)
        try:
            yield Machine(gateway, slapd)
        finally:
            assert gateway.stop() == 0


def send(machine: Machine, recipient: str, octets: int) -> None:
    body = ("x" * 70 + "\r\n") * (octets // 72)
    with machine.client() as smtp:
        smtp.sendmail("ann@elsewhere.example", [recipient], f"From: ann@elsewhere.example\r\nSubject: t\r\n\r\n{body}")


@pytest.mark.parametrize(
    ("name", "answer"), [("alice", "452 4.2.2 Mailbox is full"), ("bob", "552 5.2.2 Mailbox is full")]
)
def test_a_mailbox_that_is_full(machine: Machine, name: str, answer: str) -> None:
    recipient = f"{name}@example.org"
    assert machine.rcpt(recipient, 100_000).startswith("250 ")
    send(machine, recipient, 140_000)
    sizes = itertools.count(120_001)  # an answer about one size is remembered for some seconds
    eventually(lambda: machine.rcpt(recipient, next(sizes)) == answer)
    assert machine.rcpt(recipient, 1_000).startswith("250 "), "a small one fits"


def test_a_recipient_that_takes_less(machine: Machine) -> None:
    assert machine.rcpt("bob@example.org", 150_001) == "552 5.3.4 Message is too large"


def test_a_directory_says_who_exists_and_what_it_said_holds_while_it_is_down(machine: Machine) -> None:
    assert machine.rcpt("sue@example.net").startswith("250 ")
    assert machine.rcpt("nobody@example.net").startswith("550 5.1.1")
    machine.slapd.stop()
    assert machine.rcpt("sue@example.net").startswith("250 ")
    assert machine.rcpt("nobody@example.net").startswith("550 5.1.1")
    assert machine.rcpt("somebody@example.net").startswith("451 4.4.3")
    machine.slapd.start()
    eventually(lambda: machine.rcpt("somebody@example.net").startswith("550 5.1.1"))
    assert SECRET not in (machine.gateway.data.parent / "data.log").read_text(errors="replace")


def test_a_neighbour_on_the_map_is_greeted_as_one(machine: Machine) -> None:
    banners = {}
    for ip in ("127.0.0.1", "127.0.0.9"):
        smtp = smtplib.SMTP(source_address=(ip, 0), timeout=PATIENCE)
        banners[ip] = smtp.connect("127.0.0.1", machine.gateway.ports["mx"])[1].decode().partition(" ")[2]
        smtp.close()
    assert banners == {"127.0.0.1": "ESMTP Postern", "127.0.0.9": "ESMTP Hello neighbour"}


def test_all_of_it_is_explained_with_its_lines(machine: Machine) -> None:
    words = ("explain-connection", "127.0.0.9", "--from", "ann@elsewhere.example", "--rcpt")
    said = machine.gateway.json(*words, "sue@example.net")
    steps = {each["stage"]: (each["says"], each["place"]) for each in said["steps"]}
    assert steps["map"][0].startswith("AS64500 Neighbours")
    assert steps["greeting"] == ("220 mx.example.org ESMTP Hello neighbour", "policies/default.yaml:3")
    assert steps["rcpt"][1] == "policies/default.yaml:8"
    assert "validate: ldap" in steps["rcpt"][0]
    refused = machine.gateway.json(*words, "bob@example.org", "--size", "150001")
    assert (refused["reply"][:9], refused["place"]) == ("552 5.3.4", "policies/default.yaml:7")


def test_the_place_of_the_secret_is_no_part_of_the_answer(machine: Machine, tmp_path: Path) -> None:
    said = machine.gateway.json("explain-connection", "192.0.2.1", "--rcpt", "sue@example.net")
    assert SECRET not in str(said)
