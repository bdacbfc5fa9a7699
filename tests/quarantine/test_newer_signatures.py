"""Malware that nobody knew when it came: a real clamd learns a signature, or we write a rule; mail that waits is caught
before it is delivered, and what was delivered comes back out of a real Dovecot. It lies in a locked archive whose key
stands in the text: only who takes the message apart, as is done at the door, can see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app.signature_watch import SETTLED, Lookbacks, SignatureWatch
from gateway.checks.anatomist.pool import AnatomistPool
from gateway.checks.malware.clamav import Clamav
from gateway.checks.malware.clamd_plan import ClamdPlan
from gateway.checks.malware.yara import compile_rules, version_of
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.facts.connection import ClientFact
from gateway.facts.content import MalwareFact, MalwareResult
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known
from gateway.mailbox.copies import StoreCopies
from gateway.mailbox.store import StoreLayout
from gateway.pipeline.second_look import SecondLook
from gateway.policy.policy import Scanning
from gateway.quarantine.release import Ending, release
from gateway.quarantine.rescan import Rescanning
from gateway.quarantine.retraction import Looked, Retraction
from gateway.quarantine.retro_watch import RetroWatch
from gateway.queue.custody import Custody
from gateway.queue.identifiers import text_of
from gateway.queue.states import State
from tests.anatomy.making.letters import attachment, multipart, text
from tests.checks.running_clamd import ClamdProcess, real_plan
from tests.mailbox.conftest import layout  # noqa: F401 - a fixture
from tests.mailbox.test_copies import hand_over
from tests.quarantine.conftest import ADMIN
from tests.quarantine.second_looks import policy
from tests.quarantine.test_rescan import unscanned
from tests.queue.samples import NOW, accept, acceptance, attempt, kinds_of, recipient, state_of

pytestmark = pytest.mark.clamd

LOCKED = (Path(__file__).parents[1] / "anatomy" / "samples" / "aes256.zip").read_bytes()
WORM = b"what has to be found what has to be found"
"""What stands in the archive."""
OUTBREAK = multipart(
    b"Content-Type: text/plain\r\n\r\nThe password is Secret-42.", attachment(LOCKED, "invoice.zip", "application/zip")
)
HARMLESS = text("See you at ten.\r\n")
SIGNATURE = f"House.Test.Worm:0:*:{WORM.hex()}\n"
RULE = f'rule house_worm {{ strings: $worm = "{WORM.decode()}" condition: $worm at 0 }}'
CLEAN = Known(MalwareFact(MalwareResult.CLEAN, engine="clamav", signatures="demo"))


class House:
    """A custody, and what looks at mail: a clamd that can learn, anatomists, and rules that can be written."""

    def __init__(self, folder: Path, plan: ClamdPlan, anatomists: AnatomistPool) -> None:
        self.clock = FixedClock(NOW)
        self.custody = Custody.open(folder / "custody", clock=self.clock)
        self.counters = Counters.open(folder / "counters", clock=self.clock)
        self.engine = Clamav(plan.address, 30.0, 2, clock=self.clock)
        self.anatomists = anatomists
        self.look = SecondLook(anatomists, self.engine, Scanning)
        self.signatures = SignatureWatch(self.engine, self.clock, folder=plan.signature_folder)
        self.rules = "none"
        self.alerts: list[str] = []
        self._plan = plan
        self._folder = folder

    async def alert(self, name: str, words: str) -> None:
        self.alerts.append(words)

    async def learn(self) -> None:
        """Give clamd the signature, and wait until it knows it."""
        (self._plan.signature_folder / "house.ndb").write_text(SIGNATURE)
        await self.engine.reload()
        async with asyncio.timeout(180):
            while not isinstance(found := await self.engine.scan(WORM), Known) or (
                found.value.result is not MalwareResult.FOUND
            ):
                await asyncio.sleep(0.1)

    def write_rule(self) -> None:
        """Give the anatomists a rule of ours."""
        folder = self._folder / "yara"
        folder.mkdir()
        (folder / "house.yar").write_text(RULE)
        rules = compile_rules(folder)
        self.anatomists.use(rules=rules, layer=None)
        self.rules = version_of(rules)

    def watch_over(self, layout: StoreLayout) -> RetroWatch:  # noqa: F811
        retraction = Retraction(
            self.custody, StoreCopies(layout), self.look, self.clock, policy=policy, alert=self.alert
        )
        return RetroWatch(
            retraction,
            signatures=self.signatures.now,
            rules=lambda: self.rules,
            memory=Lookbacks(self.counters),
            alert=self.alert,
        )

    async def delivered(self, octets: bytes, layout: StoreLayout) -> int:  # noqa: F811
        """A message that lies in alice's mailbox. Nothing spoke against it at the door."""
        to = "alice+news@example.org"
        evidence = Evidence(NOW, "inbound", ClientFact("192.0.2.7"), "", (to,), MessageFact(9), malware=CLEAN)
        message = await accept(self.custody, replace(acceptance(recipient(to)), evidence=evidence.to_json()), octets)
        await self.deliver(layout, stamped(message, octets))
        return message

    async def deliver(self, layout: StoreLayout, octets: bytes) -> None:  # noqa: F811
        (claim,) = await self.custody.claim("courier", lease=60.0)
        await asyncio.to_thread(hand_over, layout, octets)
        assert await self.custody.finish(claim, attempt(State.DELIVERED))


def stamped(message: int, octets: bytes) -> bytes:
    return f"Received: by mx.example.org with ESMTP id {text_of(message)}\r\n".encode() + octets


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    plan = real_plan(tmp_path / "clamav")
    process = ClamdProcess(plan)
    await process.start()
    async with await AnatomistPool.start(workers=1, timeout=30.0, memory=1 << 30, model=None) as anatomists:
        house = House(tmp_path, plan, anatomists)
        yield house
        await house.engine.close()
        await house.counters.close()
        await house.custody.close()
    await process.stop()


@pytest.mark.parametrize("by", ["clamd", "our own rules"])
async def test_mail_that_was_kept_is_caught_by_what_became_known_later(house: House, by: str) -> None:
    rescanning = Rescanning(house.custody, house.look, house.clock, policy=policy, alert=house.alert)
    caught = await accept(house.custody, acceptance(unscanned(NOW + 1800.0)), OUTBREAK)
    harmless = await accept(house.custody, acceptance(unscanned(NOW + 1800.0)), HARMLESS)
    assert await house.engine.scan(WORM) == CLEAN
    assert await rescanning.round() == 0
    if by == "clamd":
        await house.learn()
    else:
        house.write_rule()
    house.clock.advance(1800.0)
    assert await rescanning.round() == 2
    assert await state_of(house.custody, caught) == [State.HELD]
    assert await state_of(house.custody, harmless) == [State.QUEUED]
    assert "delivered" not in await kinds_of(house.custody, caught)
    (record,) = (await house.custody.message(caught)).recipients
    assert record.quarantine == "malware"
    (told,) = house.alerts
    assert ("House.Test.Worm" if by == "clamd" else "house_worm") in told


@pytest.mark.dovecot
@pytest.mark.parametrize("by", ["clamd", "our own rules"])
async def test_delivered_mail_comes_back_out_of_the_store_and_release_delivers_it_again(
    house: House,
    layout: StoreLayout,  # noqa: F811
    by: str,
) -> None:
    watch, copies = house.watch_over(layout), StoreCopies(layout)
    message = await house.delivered(OUTBREAK, layout)
    assert await watch.round() == Looked(), "the first look learns what is known"
    if by == "clamd":
        await house.learn()
        assert await watch.round() == Looked(), "the files are others, and clamd may not have read them yet"
        house.clock.advance(SETTLED)
    else:
        house.write_rule()
    assert await watch.round() == Looked(scanned=1, taken_back=1)
    assert await copies.read("alice@example.org", text_of(message)) is None
    retracted, removed = (await house.custody.events(message))[-2:]
    assert (retracted.kind, retracted.actor, removed.kind) == ("retracted", "retro-scan", "removed")
    assert ("House.Test.Worm" if by == "clamd" else "house_worm") in retracted.detail["reason"]
    (held,) = (await house.custody.message(message)).recipients
    assert (held.state, held.quarantine) == (State.HELD, "malware")
    refused = await release(house.custody, house.look, actor=ADMIN, recipient_id=held.id, reason="a false alarm")
    assert refused.ending is Ending.REFUSED, "as long as it is found"

    assert await house.custody.release(held.id, actor="ana", reason="a false alarm")
    await house.deliver(layout, await house.custody.delivered_octets(message))
    assert await copies.read("alice@example.org", text_of(message)) == stamped(message, OUTBREAK)
    await copies.remove("alice@example.org", text_of(message))
