"""gateway/queue/looking.py"""

from __future__ import annotations

from pathlib import Path

from gateway.clock import FixedClock
from gateway.mail import replies
from gateway.queue.custody import Custody
from gateway.queue.ledger.connection import LOCK
from gateway.queue.ledger.lock import FileLock
from gateway.queue.looking import looking
from gateway.queue.records import Refusal, TrackQuery

NOW = 1_800_000_000.0
BOB = TrackQuery(recipient="bob@example.org")


def refusal_of(recipient: str) -> Refusal:
    return Refusal(
        at=NOW,
        stage="rcpt",
        reply=replies.NO_SUCH_USER,
        reason="no such recipient",
        client_ip="192.0.2.9",
        helo="c.example",
        reverse_path="a@b.example",
        recipient=recipient,
        rule="",
    )


async def test_it_finds_what_custody_finds_while_others_write(tmp_path: Path) -> None:
    custody = Custody.open(tmp_path, clock=FixedClock(NOW))
    for name in ("bob", "eve"):
        await custody.record_refusal(refusal_of(f"{name}@example.org"))
    custody.try_to_commit()
    await custody.close()
    writing = FileLock(tmp_path / LOCK)
    with looking(tmp_path) as ledger:
        with writing:
            (row,) = ledger.track(BOB, limit=50)
        assert (row.recipient, row.outcome, row.stage) == ("bob@example.org", "refused", "rcpt")
    writing.close()
    custody = Custody.open(tmp_path, clock=FixedClock(NOW))
    assert await custody.track(BOB, limit=50) == [row]
    await custody.close()


def test_tables_that_are_not_there_are_made_first(tmp_path: Path) -> None:
    with looking(tmp_path) as ledger:
        assert list(ledger.track(BOB, limit=50)) == []
