"""A program is taken out of mail on its way through the whole product: the recipient reads a notice and all else, the
seal over what was changed verifies, and an administrator releases what came."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import hashlib
import json
import shutil
import smtplib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.checks.authentication.arc import check_arc
from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from tests.delivery.sink import Sink
from tests.e2e.gateway import PASSWORD, PATIENCE, ROOT, Gateway, eventually, running
from tests.e2e.letters import arrives, deliver, fields, found, held, inbox, trusting
from tests.e2e.surroundings import ZONE, Surroundings
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

RULE = (
    "  - {id: no-programs, description: Programs are not delivered, direction: any,"
    " then: {strip: {parts: [executable]}}}\n"
    "  - {id: rest, then: deliver}\n"
)
PROGRAM = b"MZ" + bytes(range(256)) * 400
"""More than what stands in a row of the ledger."""
PICTURE = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


def letter(subject: str, *, sender: str = "Ann <ann@sender.example>") -> bytes:
    def file(name: str, kind: str, content: bytes) -> str:
        body = base64.encodebytes(content).decode().replace("\n", "\r\n")
        return (
            f'--b1\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
            f"Content-Transfer-Encoding: base64\r\n\r\n{body}"
        )

    return (
        f"From: {sender}\r\nTo: alice@example.org\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n"
        f"Date: Mon, 16 Nov 2026 09:12:00 +0000\r\nMessage-ID: <{subject.replace(' ', '-')}@sender.example>\r\n"
        'Content-Type: multipart/mixed; boundary="b1"\r\n\r\n'
        "--b1\r\nContent-Type: text/plain\r\n\r\nHello Alice,\r\n\r\nthe game is ready.\r\n"
        f"{file('game.exe', 'application/octet-stream', PROGRAM)}{file('photo.png', 'image/png', PICTURE)}--b1--\r\n"
    ).encode()


@dataclass
class Product:
    """A gateway whose policy takes programs out, with keys that the DNS shows, and a next hop for partner.example."""

    gateway: Gateway
    zone: dict[str, Any]
    hop: Sink

    def story(self, message: str) -> list[dict[str, Any]]:
        shown = self.gateway.json("queue", "show", message)
        return [each for each in shown["events"] if each["kind"] == "stripped"]


@pytest.fixture(scope="module")
def product(around: Surroundings) -> Iterator[Product]:
    with passable_folder() as folder:
        policy = folder / "policies"
        shutil.copytree(ROOT / "policies", policy)
        text = (policy / "default.yaml").read_text()
        (policy / "default.yaml").write_text(text.replace("\nrules:\n", f"\nrules:\n{RULE}", 1))
        extra = {"POSTERN_POLICY": str(policy), "POSTERN_NAMESERVERS": around.nameserver}
        with running(folder / "data", **extra) as gateway:
            hop = around.sink()
            for words in (
                ("domain", "add", "partner.example", "--route", hop.route),
                ("dkim", "keygen", "example.org", "--selector", "one"),
            ):
                done = gateway.command(*words)
                assert done.returncode == 0, done.stderr
            shown = json.loads(gateway.command("dkim", "dns", "example.org", "--json").stdout)
            zone = {each["name"]: [{"TXT": each["record"]}] for each in shown}
            before, around.dns.zone = around.dns.zone, ZoneResolver({**ZONE, **zone})
            try:
                assert "one signs from now on" in gateway.command("dkim", "rotate", "example.org").stdout
                yield Product(gateway, zone, hop)
            finally:
                around.dns.zone = before


def shown_parts(octets: bytes) -> list[tuple[str, bytes]]:
    """Type and content of every part, as the standard library reads them."""
    read = email.message_from_bytes(octets, policy=email.policy.default)
    assert not read.defects
    return [(each.get_content_type(), each.get_payload(decode=True)) for each in read.iter_parts()]


def test_the_recipient_reads_a_notice_and_the_original_is_released(product: Product) -> None:
    gateway, subject = product.gateway, "A game for Alice"
    octets = letter(subject)
    answer = deliver(gateway, octets)
    assert answer.code == 250, answer
    got = arrives(gateway, subject)

    text, notice, picture = shown_parts(got)
    assert text == ("text/plain", b"Hello Alice,\r\n\r\nthe game is ready.")
    assert picture == ("image/png", PICTURE)
    digest = hashlib.sha256(PROGRAM).hexdigest()
    for word in ("game.exe", digest, f"{len(PROGRAM)} octets", "Programs are not delivered", answer.id):
        assert word in notice[1].decode()
    assert b"TVoAAQID" not in got, "the program's base64"

    outcome = asyncio.run(check_arc(ZoneResolver(product.zone), Message.from_wire(got), now=time.time()))
    assert isinstance(outcome, Known)
    assert (outcome.value.result, outcome.value.sealer) == (Auth.PASS, "example.org")
    (stated,) = fields(got, "ARC-Authentication-Results")
    assert "spf=pass" in stated

    item = held(gateway, answer)
    assert (item["quarantine"], item["judgement"]["rule"]) == ("stripped", "no-programs")
    (told,) = product.story(answer.id)
    (again,) = product.story(told["detail"]["other"])
    assert again["detail"]["other"] == answer.id
    assert told["detail"]["scanned"] == {"size": len(octets), "sha256": hashlib.sha256(octets).hexdigest()}
    assert told["detail"]["parts"] == [
        {"path": "2", "name": "game.exe", "size": len(PROGRAM), "sha256": digest},
    ]
    changed = got[got.index(b"From: Ann") :]
    assert told["detail"]["delivered"] == {"size": len(changed), "sha256": hashlib.sha256(changed).hexdigest()}

    done = gateway.command("quarantine", "release", str(item["id"]), "--reason", "it is only a game")
    assert done.returncode == 0, done.stdout + done.stderr
    with inbox(gateway) as client:
        copies = eventually(lambda: (all_ := found(client, subject)) and len(all_) == 2 and all_)
    assert sorted(each.endswith(octets) for each in copies) == [False, True]


def test_what_goes_out_is_signed_after_the_change(product: Product) -> None:
    octets = letter("A game for Carol", sender="Alice <alice@example.org>")
    with smtplib.SMTP_SSL(
        "127.0.0.1", product.gateway.ports["submissions"], context=trusting(), timeout=PATIENCE
    ) as client:
        client.login("alice@example.org", PASSWORD)
        client.sendmail("alice@example.org", ["carol@partner.example"], octets)
    (taken,) = eventually(lambda: product.hop.taken)
    assert [kind for kind, _ in shown_parts(taken.octets)] == ["text/plain", "text/plain", "image/png"]
    outcome = asyncio.run(check_dkim(ZoneResolver(product.zone), Message.from_wire(taken.octets), now=time.time()))
    assert isinstance(outcome, Known)
    assert [each.result for each in outcome.value.signatures] == [Auth.PASS, Auth.PASS]


def test_mail_without_programs_is_not_touched(product: Product) -> None:
    octets = letter("A picture").replace(b"game.exe", b"game.dat").replace(b"TVoAAQID", b"AAAAAQID")
    answer = deliver(product.gateway, octets)
    assert answer.code == 250, answer
    assert arrives(product.gateway, "A picture").endswith(octets)


def test_a_message_with_two_readings_is_held_whole(product: Product) -> None:
    octets = letter("Two readings").replace(
        b"Content-Type: multi", b"Content-Type: text/plain\r\nContent-Type: multi", 1
    )
    answer = deliver(product.gateway, octets)
    assert answer.code == 250, answer
    item = held(product.gateway, answer)
    assert (item["quarantine"], item["judgement"]["rule"]) == ("policy", "no-programs")
    assert "NOT_STRIPPED" in [code for code, _ in item["judgement"]["reasons"]]
