"""Every refusal is remembered, whatever its stage, and found by those who ask: through the real ports, and
by `postern track`."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.gateway import PATIENCE, PATIENT, Gateway, eventually, running
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

POLICY = """\
version: 1
groups:
  - {id: shut, when: 'client.ip == "192.0.2.66"', then: {reject: blocked_client}}
  - {id: small, when: 'client.ip == "192.0.2.7"', limits: {size: 2KiB}}
  - {id: grey, when: 'client.ip.in_network("198.51.100.0/24")', greylist: rcpt}
  - {id: everyone}
recipients: [{domain: example.org, route: mailbox, validate: mailbox}]
rules: [{id: no-minutes, when: 'message.subject == "Minutes"', then: {reject: policy}}]
"""
BEGUN = time.time()


@pytest.fixture(scope="module")
def gateway(around: Surroundings) -> Iterator[Gateway]:
    with passable_folder() as folder:
        settings = {**PATIENT, "listen": {"xclient_networks": ["127.0.0.0/8"]}}
        extra = {"POSTERN_EDGES": "1", "POSTERN_CLAMD": "off", "POSTERN_NAMESERVERS": around.nameserver}
        with running(folder / "data", settings=settings, policy=POLICY, **extra) as it:
            yield it


def said_from(gateway: Gateway, ip: str, *commands: str, data: str = "") -> tuple[int, bytes]:
    """The last reply in a conversation of a client at that address."""
    with smtplib.SMTP("127.0.0.1", gateway.ports["mx"], timeout=PATIENCE) as smtp:
        smtp.ehlo("balancer.example")
        answer = smtp.docmd("XCLIENT", f"ADDR={ip} NAME=[UNAVAILABLE]")
        for command in commands:
            answer = smtp.docmd(command)
        if data:
            assert smtp.docmd("DATA")[0] == 354
            smtp.send(data.encode() + b".\r\n")
            answer = smtp.getreply()
        return answer


def greylisted(gateway: Gateway, *talk: str) -> str:
    """The address of a client that has to wait."""

    def asked(number: int) -> tuple[str, int]:
        client = f"198.51.100.{number}"
        return client, said_from(gateway, client, *talk)[0]

    client, code = gateway.undisturbed(asked)
    assert code == 451
    return client


def found(gateway: Gateway, *words: str) -> dict[str, Any]:
    """The one row that is found."""
    rows = eventually(lambda: gateway.json("track", *words))
    assert len(rows) == 1, rows
    row: dict[str, Any] = rows[0]
    assert row["outcome"] == "refused"
    assert BEGUN <= row["at"] <= time.time()
    return row


def test_at_the_connection(gateway: Gateway) -> None:
    assert said_from(gateway, "192.0.2.66")[0] == 554
    row = found(gateway, "--client", "192.0.2.66")
    assert (row["stage"], row["rule"], row["reason"]) == ("connect", "shut", "group shut")
    assert row["reply"].startswith("554 5.7.1 ")


def test_at_helo(gateway: Gateway) -> None:
    assert said_from(gateway, "192.0.2.3", "EHLO -bad-")[0] == 501
    row = found(gateway, "--client", "192.0.2.3")
    assert (row["stage"], row["reason"]) == ("helo", "HELO is neither domain nor address literal")


def test_at_mail(gateway: Gateway) -> None:
    said = said_from(gateway, "192.0.2.7", "EHLO c.example", "MAIL FROM:<big@elsewhere.example> SIZE=90000")
    assert said[0] == 552
    row = found(gateway, "--from", "big@elsewhere.example")
    assert (row["stage"], row["client_ip"], row["reason"]) == (
        "mail", "192.0.2.7", "declared 90000 octets, the limit is 2048",
    )  # fmt: skip


def test_at_rcpt_with_the_group_that_says_so(gateway: Gateway) -> None:
    hello, mail = "EHLO c.example", "MAIL FROM:<ann@elsewhere.example>"
    assert said_from(gateway, "192.0.2.4", hello, mail, "RCPT TO:<nobody@example.org>")[0] == 550
    row = found(gateway, "--rcpt", "Nobody@example.org")
    assert (row["stage"], row["reverse_path"], row["reason"]) == ("rcpt", "ann@elsewhere.example", "no such recipient")
    assert said_from(gateway, "192.0.2.5", hello, mail, "RCPT TO:<x@foreign.example>")[0] == 550
    assert found(gateway, "--rcpt", "x@foreign.example")["reason"] == "not a recipient of ours"
    client = greylisted(gateway, hello, mail, "RCPT TO:<bob@example.org>")
    grey = found(gateway, "--rcpt", "bob@example.org", "--client", client)
    assert (grey["stage"], grey["rule"]) == ("rcpt", "grey")
    assert grey["reply"].startswith("451 4.7.1 Greylisted")


def test_who_waits_is_let_in_by_command_and_the_console_knows_who_did_it(gateway: Gateway) -> None:
    talk = ("EHLO c.example", "MAIL FROM:<eve@shop.example>", "RCPT TO:<alice@example.org>")
    client = greylisted(gateway, *talk)
    waiting = gateway.json("greylist", "list", "--from", "shop.example")
    assert ("alice@example.org", client) in [(each["recipient"], each["client_ip"]) for each in waiting]
    done = gateway.command("greylist", "release", "--from", "shop.example")
    assert (done.returncode, done.stdout.split()[0]) == (0, str(len(waiting))), done.stderr
    assert said_from(gateway, client, *talk)[0] == 250
    assert gateway.command("greylist", "release", "--from", "shop.example").returncode == 1


def test_after_data_for_each_recipient_and_by_the_reference_of_the_reply(gateway: Gateway) -> None:
    code, said = said_from(
        gateway, "192.0.2.9", "EHLO c.example", "MAIL FROM:<carl@elsewhere.example>", "RCPT TO:<alice@example.org>",
        "RCPT TO:<bob@example.org>", data="From: carl@elsewhere.example\r\nSubject: Minutes\r\n\r\nhello\r\n",
    )  # fmt: skip
    assert code == 550
    reference = said.decode().rpartition("(ref ")[2].rstrip(")")
    rows = eventually(lambda: gateway.json("track", "--id", reference))
    assert {(row["stage"], row["recipient"], row["rule"]) for row in rows} == {
        ("data", "alice@example.org", "no-minutes"),
        ("data", "bob@example.org", "no-minutes"),
    }


def test_the_table_names_stage_reply_rule_and_reason(gateway: Gateway) -> None:
    said_from(gateway, "192.0.2.66")
    row, *_ = eventually(lambda: gateway.json("track", "--client", "192.0.2.66"))
    told = gateway.command("track", "--client", "192.0.2.66")
    assert told.returncode == 0
    for words in ("refused at connect", "192.0.2.66", "554 5.7.1", "shut: group shut", row["reference"]):
        assert words in told.stdout, told.stdout
    assert gateway.command("track").returncode == 2
