"""Moves over IMAP in a running gateway become lessons in its ledger."""

from __future__ import annotations

import imaplib

import pytest

from gateway.spam.site.teaching import Ledger, Taught, Way
from tests.e2e.gateway import PASSWORD, PATIENCE, Gateway, eventually
from tests.e2e.letters import arrives, deliver, letter, trusting

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

ALICE = "alice@example.org"


def test_a_move_into_junk_is_a_lesson_soon_after(gateway: Gateway) -> None:
    subject, octets = letter()
    assert deliver(gateway, octets).code == 250
    arrives(gateway, subject)
    with imaplib.IMAP4_SSL("127.0.0.1", gateway.ports["imaps"], ssl_context=trusting(), timeout=PATIENCE) as client:
        client.login(ALICE, PASSWORD)
        client.select("INBOX")
        _, (number,) = client.uid("SEARCH", "SUBJECT", f'"{subject}"')
        assert client.uid("MOVE", number.decode(), "Junk")[0] == "OK"
    ledger = Ledger(gateway.data / "lessons")

    def taught() -> list[Taught]:
        return [each for each in ledger.lessons()[0] if subject.encode() in (ledger.octets(each) or b"")]

    (lesson,) = eventually(taught)
    assert (lesson.by, lesson.way) == (ALICE, Way.JUNK)
