"""Moves over IMAP in a running gateway become lessons in its ledger, and shift the score of such mail at once."""

from __future__ import annotations

import imaplib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.anatomy.examine import examine
from gateway.spam.fingerprint import fingerprint_of
from gateway.spam.site.reported import read
from gateway.spam.site.teaching import Ledger, Taught, Way
from tests.e2e.gateway import PASSWORD, PATIENCE, Gateway, eventually
from tests.e2e.letters import arrives, deliver, held, letter, trusting

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

ALICE = "alice@example.org"


def move(gateway: Gateway, subject: str, *, out_of: str = "INBOX", into: str = "Junk") -> None:
    with imaplib.IMAP4_SSL("127.0.0.1", gateway.ports["imaps"], ssl_context=trusting(), timeout=PATIENCE) as client:
        client.login(ALICE, PASSWORD)
        client.select(out_of)
        _, (number,) = client.uid("SEARCH", "SUBJECT", f'"{subject}"')
        assert client.uid("MOVE", number.decode(), into)[0] == "OK"


def test_a_move_into_junk_is_a_lesson_soon_after(gateway: Gateway) -> None:
    subject, octets = letter()
    assert deliver(gateway, octets).code == 250
    arrives(gateway, subject)
    move(gateway, subject)
    ledger = Ledger(gateway.data / "lessons")

    def taught() -> list[Taught]:
        return [each for each in ledger.lessons()[0] if subject.encode() in (ledger.octets(each) or b"")]

    (lesson,) = eventually(taught)
    assert (lesson.by, lesson.way) == (ALICE, Way.JUNK)


SEMINAR = """Dear colleague,

our seminar on {topic} takes place in the spring of next year, and we should be glad to welcome you. Speakers from
twelve countries will present their pallets, shelves and forklifts in the old town hall, and lunch is served at noon.
The programme stands on our site. Please tell us soon whether you come, for the number of seats is small.

Yours, the desk
"""


def scanned(gateway: Gateway, octets: bytes, folder: Path) -> dict[str, Any]:
    file = folder / "copy.eml"
    file.write_bytes(octets)
    facts: dict[str, Any] = json.loads(gateway.command("scan", str(file), "--json").stdout)["facts"]
    return facts


def test_a_move_shifts_the_score_of_near_copies_and_back(gateway: Gateway, tmp_path: Path) -> None:
    subject, octets = letter(SEMINAR.format(topic="warehouse logistics"))
    _, copy = letter(SEMINAR.format(topic="fast cranes").replace("glad", "happy"))
    before = scanned(gateway, copy, tmp_path)
    assert before["reported"]["voices"] == 0
    assert deliver(gateway, octets).code == 250
    arrives(gateway, subject)

    fingerprint = fingerprint_of(examine(copy)).tolist()

    def voices() -> int:
        return read(gateway.data / "lessons" / "reported").about(fingerprint, now=time.time()).voices

    move(gateway, subject)
    eventually(lambda: voices() == 1)
    after = scanned(gateway, copy, tmp_path)
    assert after["reported"]["by"] == [ALICE]
    assert after["spam"]["score"] == pytest.approx(before["spam"]["score"] + 1.0, abs=0.001)
    (signal,) = [each for each in after["spam"]["signals"] if each["name"] == "reported here"]
    assert "one person called a text spam" in signal["evidence"]
    answer = deliver(gateway, letter(SEMINAR.format(topic="small cranes"))[1])
    assert held(gateway, answer)["judgement"]["rule"] == "reported-by-recipient"
    others, octets = letter(SEMINAR.format(topic="large cranes"))
    assert deliver(gateway, octets, to="bob@example.org").code == 250
    arrives(gateway, others, "bob@example.org")
    move(gateway, subject, out_of="Junk", into="INBOX")
    eventually(lambda: voices() == 0)
    assert scanned(gateway, copy, tmp_path)["spam"]["score"] == before["spam"]["score"]
