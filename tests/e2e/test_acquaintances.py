"""Who is new, through a whole gateway with the default policy: its counters are those of an installation that has been
there for 40 days and knows one domain."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.counters.records import Met
from tests.e2e.gateway import Gateway, free_ports, start
from tests.e2e.letters import arrives, deliver, fields, letter
from tests.e2e.surroundings import Surroundings
from tests.folders import passable_folder

pytestmark = [pytest.mark.slow, pytest.mark.dovecot]

DAY = 86400.0


@pytest.fixture(scope="module")
def grown(around: Surroundings) -> Iterator[Gateway]:
    with passable_folder() as folder:
        asyncio.run(remember(folder / "data" / "counters"))
        extra = {"POSTERN_NAMESERVERS": around.nameserver, "POSTERN_EDGES": "2", "POSTERN_CLAMD": "off"}
        gateway = start(folder / "data", free_ports(), **extra)
        try:
            yield gateway
        finally:
            assert gateway.stop() == 0


async def remember(folder: Path) -> None:
    counters = Counters.open(folder, clock=FixedClock(time.time() - 40 * DAY))
    await counters.meet_again([Met("domain", "sender.example")])
    await counters.close()


def marks(gateway: Gateway, author: str, recipient: str) -> dict[str, list[str]]:
    """What stands on top of a letter that was delivered."""
    subject, octets = letter(author=author)
    assert deliver(gateway, octets, sender=author, to=recipient).code == 250
    stored = arrives(gateway, subject, recipient)
    return {name: fields(stored, name) for name in ("X-Postern-Signal", "X-Postern-Contact")}


def test_a_new_domain_and_a_first_contact_are_marked_and_nothing_else(grown: Gateway) -> None:
    alice, bob = "alice@example.org", "bob@example.org"
    first, new = ["first"], ["new_sender_domain"]
    assert marks(grown, "ann@sender.example", alice) == {"X-Postern-Signal": [], "X-Postern-Contact": first}
    assert marks(grown, "ann@sender.example", alice) == {"X-Postern-Signal": [], "X-Postern-Contact": []}
    assert marks(grown, "ann@sender.example", bob) == {"X-Postern-Signal": [], "X-Postern-Contact": first}
    assert marks(grown, "eve@partner.example", alice) == {"X-Postern-Signal": new, "X-Postern-Contact": first}
    assert marks(grown, "eve@partner.example", alice) == {"X-Postern-Signal": new, "X-Postern-Contact": []}
