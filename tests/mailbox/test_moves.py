"""gateway/mailbox/moves.py: moves by IMAP in a real Dovecot become lessons."""

from __future__ import annotations

import imaplib
import os
import re
import shutil
import time
from pathlib import Path

import pytest

from gateway.facts.content import MailClass
from gateway.mailbox.dovecot import StoreLayout
from gateway.mailbox.moves import collect, spool_of
from gateway.spam.site.teaching import Ledger, Way
from tests.mailbox.test_copies import OURS, hand_over

ALICE = "alice@example.org"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "lessons")


def collected(layout: StoreLayout, ledger: Ledger, *, expected: int) -> int:
    """The store runs the scripts before it answers a move, but tells of the copy's end a moment later."""
    count = 0
    for _ in range(50):
        count += collect(layout.folder, ledger, at=1.0)
        if count >= expected:
            break
        time.sleep(0.1)
    return count


def signed_in(layout: StoreLayout) -> imaplib.IMAP4:
    port = re.search(r"inet_listener imap \{\s*port = (\d+)", layout.configuration.read_text())
    assert port is not None
    client = imaplib.IMAP4("127.0.0.1", int(port[1]), timeout=30)
    client.login(ALICE, "correct horse battery")
    return client


def move(client: imaplib.IMAP4, source: str, target: str) -> None:
    client.select(source)
    answer, said = client.uid("MOVE", "*", target)
    assert answer == "OK", said


@pytest.mark.dovecot
def test_a_move_into_junk_and_out_of_it_are_lessons_of_whoever_moved(layout: StoreLayout, ledger: Ledger) -> None:
    shop = OURS.replace(b"Subject: hello", b"From: Shop <offers@shop.example>\r\nSubject: hello")
    hand_over(layout, shop)
    with signed_in(layout) as client:
        move(client, "INBOX", "Junk")
        assert collected(layout, ledger, expected=1) == 1
        move(client, "Junk", "INBOX")
        assert collected(layout, ledger, expected=1) == 1
    first, second = ledger.lessons()[0]
    assert (first.by, first.way, first.label, first.sender) == (ALICE, Way.JUNK, MailClass.SPAM, "shop.example")
    assert (second.by, second.way, second.label) == (ALICE, Way.NOT_JUNK, MailClass.HAM)
    assert first.digest == second.digest
    octets = ledger.octets(first)
    assert octets is not None
    assert octets.endswith(shop)
    assert not list(spool_of(layout.folder).iterdir())


@pytest.mark.dovecot
def test_from_junk_to_trash_and_between_other_folders_teaches_nothing(layout: StoreLayout, ledger: Ledger) -> None:
    with signed_in(layout) as client:
        hand_over(layout, OURS)
        move(client, "INBOX", "Sent")
        move(client, "Sent", "Junk")
        assert collected(layout, ledger, expected=1) == 1
        move(client, "Junk", "Trash")
        client.noop()
    time.sleep(0.3)
    assert collect(layout.folder, ledger, at=1.0) == 0


def test_what_is_no_lesson_is_left_out_and_gone(tmp_path: Path, ledger: Ledger) -> None:
    spool = spool_of(tmp_path)
    spool.mkdir(parents=True)
    for number, octets in enumerate(
        (b"", b"junk\n", b"junk nobody\nx", b"praise a@b.example\nx", b"\xff\xfe", b"junk a@b\n")
    ):
        (spool / f"lesson-{number}").write_bytes(octets)
    (spool / "lesson-pipe").touch()
    (spool / ".new-half").write_bytes(b"junk a@b.example\nSubj")
    assert collect(tmp_path, ledger, at=1.0) == 0
    assert [each.name for each in spool.iterdir()] == [".new-half"]


def test_a_link_in_the_spool_is_not_followed(tmp_path: Path, ledger: Ledger) -> None:
    spool = spool_of(tmp_path)
    spool.mkdir(parents=True)
    secret = tmp_path / "secret"
    secret.write_bytes(b"junk a@b.example\nsecret")
    os.symlink(secret, spool / "lesson-1")
    assert collect(tmp_path, ledger, at=1.0) == 0
    assert not ledger.lessons()[0]
    shutil.rmtree(spool)
