"""Malware that nobody knew when it came: a real clamd learns a signature, mail that waits is caught before it is
delivered, and what was delivered comes back out of a real Dovecot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.checks.malware.clamav import Clamav
from gateway.checks.malware.clamd_plan import ClamdPlan
from gateway.clock import FixedClock
from gateway.facts.connection import ClientFact
from gateway.facts.content import MalwareFact, MalwareResult
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Unknown
from gateway.mailbox.copies import StoreCopies
from gateway.mailbox.store import StoreLayout
from gateway.policy.policy import Scanning
from gateway.quarantine.rescan import Rescanning
from gateway.quarantine.retraction import Looked, Retraction
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.states import State
from tests.checks.running_clamd import ClamdProcess, real_plan
from tests.mailbox.conftest import layout  # noqa: F401 - a fixture
from tests.mailbox.test_copies import hand_over
from tests.quarantine.test_rescan import unscanned
from tests.queue.samples import NOW, accept, acceptance, attempt, kinds_of, recipient, state_of

pytestmark = pytest.mark.clamd

OUTBREAK = b"Subject: invoice\r\n\r\nthe worm of this very morning\r\n"
SIGNATURE = f"House.Test.Worm:0:*:{b'the worm of this very morning'.hex()}\n"


class House:
    """A custody and a clamd that can learn."""

    def __init__(self, folder: Path, plan: ClamdPlan) -> None:
        self.clock = FixedClock(NOW)
        self.custody = Custody.open(folder / "custody", clock=self.clock)
        self.engine = Clamav(plan.address, 30.0, 2, clock=self.clock)
        self.alerts: list[str] = []
        self._plan = plan

    async def alert(self, name: str, words: str) -> None:
        self.alerts.append(words)

    async def learn(self) -> None:
        """Give clamd the signature, and wait until it knows it."""
        (self._plan.signature_folder / "house.ndb").write_text(SIGNATURE)
        await self.engine.reload()
        async with asyncio.timeout(180):
            while not isinstance(found := await self.engine.scan(OUTBREAK), Known) or (
                found.value.result is not MalwareResult.FOUND
            ):
                await asyncio.sleep(0.1)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    plan = real_plan(tmp_path / "clamav")
    process = ClamdProcess(plan)
    await process.start()
    house = House(tmp_path, plan)
    yield house
    await house.engine.close()
    await house.custody.close()
    await process.stop()


async def test_mail_that_was_kept_is_caught_by_a_signature_that_came_later(house: House) -> None:
    rescanning = Rescanning(
        house.custody, house.engine.scan, house.clock, scanning=Scanning, retention=dict, alert=house.alert
    )
    caught = await accept(house.custody, acceptance(unscanned(NOW + 1800.0)), OUTBREAK)
    harmless = await accept(house.custody, acceptance(unscanned(NOW + 1800.0)))
    assert await house.engine.scan(OUTBREAK) == Known(
        MalwareFact(MalwareResult.CLEAN, engine="clamav", signatures="demo")
    )
    assert await rescanning.round() == 0
    await house.learn()
    house.clock.advance(1800.0)
    assert await rescanning.round() == 2
    assert await state_of(house.custody, caught) == [State.HELD]
    assert await state_of(house.custody, harmless) == [State.QUEUED]
    assert "delivered" not in await kinds_of(house.custody, caught)
    (record,) = (await house.custody.message(caught)).recipients
    assert record.quarantine == "malware"


@pytest.mark.dovecot
async def test_delivered_mail_comes_back_out_of_the_store_and_release_delivers_it_again(
    house: House,
    layout: StoreLayout,  # noqa: F811
) -> None:
    evidence = Evidence(
        NOW,
        "inbound",
        ClientFact("192.0.2.7"),
        "",
        ("alice+news@example.org",),
        MessageFact(9),
        malware=Unknown("away"),
    )
    accepted = replace(acceptance(recipient("alice+news@example.org")), evidence=evidence.to_json())
    message = await accept(house.custody, accepted, OUTBREAK)
    stamped = f"Received: by mx.example.org with ESMTP id {text_of(message)}\r\n".encode() + OUTBREAK
    (claim,) = await house.custody.claim("courier", lease=60.0)
    await asyncio.to_thread(hand_over, layout, stamped)
    assert await house.custody.finish(claim, attempt(State.DELIVERED))
    copies = StoreCopies(layout)
    retraction = Retraction(
        house.custody,
        copies,
        house.engine.scan,
        house.clock,
        scanning=Scanning,
        retention=dict,
        alert=house.alert,
    )
    await house.learn()
    assert await retraction.look_at_all() == Looked(scanned=1, taken_back=1)
    assert await copies.read("alice@example.org", text_of(message)) is None
    assert (await kinds_of(house.custody, message))[-2:] == ["retracted", "removed"]
    (held,) = (await house.custody.message(message)).recipients
    assert (held.state, held.quarantine) == (State.HELD, "malware")

    assert await house.custody.release(held.id, actor="ana", reason="a false alarm")
    (claim,) = await house.custody.claim("courier", lease=60.0)
    await asyncio.to_thread(hand_over, layout, await house.custody.delivered_octets(claim.message_id))
    assert await copies.read("alice@example.org", text_of(message)) == stamped
