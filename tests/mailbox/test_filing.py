"""gateway/mailbox/filing.py in a real Dovecot: where new mail lies, and whose choice that is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from gateway.mailbox.dovecot import StoreLayout
from tests.mailbox.test_copies import OURS, hand_over
from tests.mailbox.test_moves import signed_in

pytestmark = pytest.mark.dovecot

NEWS = b"X-Postern-Class: bulk\r\n" + OURS
OWN = 'require ["fileinto", "mailbox"];\nif header :is "X-Postern-Class" "bulk" { fileinto :create "News"; }\n'


@pytest.fixture
def empty(layout: StoreLayout) -> Iterator[StoreLayout]:
    """Alice has no mail and no script."""
    home = layout.folder / "mail" / "example.org" / "alice"
    shutil.rmtree(home, ignore_errors=True)
    yield layout
    shutil.rmtree(home, ignore_errors=True)


def numbers(layout: StoreLayout) -> dict[str, int]:
    """How many messages lie in each folder that mail clients show; empty ones are left out."""
    with signed_in(layout) as client:
        _, rows = client.lsub()
        names = [row.decode().rpartition(" ")[2].strip('"') for row in rows if row] + ["INBOX"]
        found = {name: int(client.select(name, readonly=True)[1][0]) for name in names}
    return {name: number for name, number in found.items() if number}


def test_bulk_mail_lies_in_its_own_folder_and_all_other_mail_in_the_inbox(empty: StoreLayout) -> None:
    hand_over(empty, NEWS)
    hand_over(empty, OURS)
    hand_over(empty, b"X-Postern-Class: spam\r\n" + OURS)
    assert numbers(empty) == {"Bulk": 1, "INBOX": 2}


def test_a_script_of_ones_own_takes_the_place_of_ours(empty: StoreLayout) -> None:
    hand_over(empty, OURS)
    script = empty.folder / "mail" / "example.org" / "alice" / ".dovecot.sieve"
    script.write_text(OWN)
    if os.geteuid() == 0:
        os.chown(script, empty.uid, empty.gid)
    hand_over(empty, NEWS)
    assert numbers(empty) == {"INBOX": 1, "News": 1}
