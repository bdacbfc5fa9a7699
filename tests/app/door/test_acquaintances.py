"""gateway/app/door/acquaintances.py over real counters, from the scan to the verdict of the default policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.app.door.acquaintances import Acquaintances
from gateway.app.door.correspondents import Correspondents
from gateway.checks.anatomist.wire import Examination
from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.leaves import Wanted
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.facts.acquaintance import AcquaintanceFact
from gateway.facts.connection import ClientFact
from gateway.facts.content import ContentFact, MailClass, SpamFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.mail.address import Address
from gateway.mail.envelope import Direction, Envelope, Recipient
from gateway.mail.message import Message
from gateway.pipeline.scan import Scanner
from gateway.policy.decide import decide_all, explain
from gateway.policy.language.parse import load
from gateway.policy.verdict import Settlement

NOON = 1_800_000_000.0
DAY = 86400.0
POLICY = load(Path(__file__).resolve().parents[3] / "policies")
BOB, EVE = "bob@example.org", "eve@example.org"
ZONE = {
    "_dmarc.friend.example": [{"TXT": "v=DMARC1; p=none"}],
    "_dmarc.slow.example": ["TIMEOUT"],
}


class NothingFound:
    """A worker that took it apart and found nothing."""

    async def examine(self, message: Message, wanted: Wanted = Wanted.NONE) -> Examination:
        return Examination(content=Known(ContentFact()), spam=Known(SpamFact(MailClass.HAM, {"ham": 1.0}, -4.0)))


@dataclass
class House:
    clock: FixedClock
    counters: Counters

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """What the process itself remembered is gone."""
        self.acquaintances = Acquaintances(self.counters)
        self.scanner = Scanner(
            resolver=ZoneResolver(ZONE), anatomist=NothingFound(), malware=None, clock=self.clock,
            acquaintances=self.acquaintances,
        )  # fmt: skip

    async def look(
        self,
        sender: str = "ann@friend.example",
        *,
        path: str | None = None,
        to: Sequence[str] = (BOB,),
        direction: Direction = Direction.INBOUND,
    ) -> Evidence:
        message = Message.from_wire(f"From: {sender}\r\nSubject: t\r\n\r\nhello\r\n".encode())
        reverse = Address.parse(sender if path is None else path) if path != "" else None
        envelope = Envelope(reverse, tuple(Recipient(Address.parse(each)) for each in to), direction)
        client = ClientFact("192.0.2.7", helo="mx.friend.example")
        return await self.scanner.scan(message, envelope, client, received_at=self.clock.now())

    async def receive(self, *given: str, **more: object) -> Settlement:
        evidence = await self.look(*given, **more)  # type: ignore[arg-type]
        settlement = decide_all(evidence, POLICY)
        await self.acquaintances.met(evidence, settlement)
        return settlement


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    counters = Counters.open(tmp_path, clock=(clock := FixedClock(NOON)))
    yield House(clock, counters)
    await counters.close()


def marks(settlement: Settlement) -> list[dict[str, str]]:
    return [dict(verdict.add_headers) for _, verdict in settlement.verdicts]


def fact_of(evidence: Evidence) -> AcquaintanceFact:
    assert isinstance(evidence.acquaintance, Known), evidence.acquaintance
    return evidence.acquaintance.value


async def test_in_the_first_days_of_an_installation_nobody_is_new(house: House) -> None:
    for _ in range(29):
        assert marks(await house.receive()) == [{}]
        assert marks(await house.receive("new@stranger.example", to=[EVE])) == [{}]
        house.clock.advance(DAY)
    traces = {each.rule.id: each for each in explain(await house.look(), BOB, POLICY)}
    assert traces["new-sender-domain"].missing == ("sender.first_seen_days",)


async def test_once_we_have_been_here_for_long_a_new_domain_is_marked_until_it_is_not_new(house: House) -> None:
    await house.receive()
    house.clock.advance(31 * DAY)
    house.restart()
    assert marks(await house.receive()) == [{}]
    new = {"X-Postern-Signal": "new_sender_domain", "X-Postern-Contact": "first"}
    first = await house.receive("carl@stranger.example")
    assert marks(first) == [new]
    reasons = {reason.code: reason.text for reason in first.verdicts[0][1].reasons}
    assert reasons["FIRST_SEEN"] == "The domain stranger.example was never seen before"
    assert "NEW_SENDER_DOMAIN" in reasons
    house.clock.advance(29 * DAY)
    assert marks(await house.receive("carl@stranger.example")) == [{"X-Postern-Signal": "new_sender_domain"}]
    house.clock.advance(2 * DAY)
    assert marks(await house.receive("carl@stranger.example")) == [{}]


async def test_domains_count_as_the_organisation_that_they_belong_to(house: House) -> None:
    await house.receive("ann@friend.example")
    house.clock.advance(40 * DAY)
    evidence = await house.look("news@lists.friend.example", path="bounce@Mailer.Example")
    assert fact_of(evidence).domains == (("friend.example", 40.0), ("mailer.example", 0.0))
    assert fact_of(evidence).new_domains == ("mailer.example",)
    assert Evidence.from_json(evidence.to_json()) == evidence


async def test_mail_that_is_not_delivered_makes_nobody_known(house: House) -> None:
    house.clock.advance(40 * DAY)
    evidence = await house.look("carl@stranger.example")
    worst = replace(evidence, spam=Known(SpamFact(MailClass.SPAM, {"spam": 1.0}, 8.0)))
    await house.acquaintances.met(worst, decide_all(worst, POLICY))
    house.clock.advance(40 * DAY)
    assert fact_of(await house.look("carl@stranger.example")).domains == (("stranger.example", 0.0),)


async def test_a_first_contact_is_one_of_two_people(house: House) -> None:
    await house.receive("ann@friend.example", to=[BOB])
    house.clock.advance(40 * DAY)
    settlement = await house.receive("Ann@Friend.example", to=[BOB, EVE])
    assert marks(settlement) == [{}, {"X-Postern-Contact": "first"}]
    assert fact_of(await house.look("other@friend.example", to=[BOB])).strangers == (BOB,)


async def test_an_answer_is_no_first_contact(house: House) -> None:
    house.clock.advance(40 * DAY)
    letter = await house.look(EVE, to=["carl@stranger.example"], direction=Direction.OUTBOUND)
    await Correspondents(house.counters).wrote(letter)
    assert letter.acquaintance == Skipped("outgoing mail")
    assert fact_of(await house.look("carl@stranger.example", to=[BOB, EVE])).strangers == (BOB,)


async def test_a_bounce_has_an_author_and_no_path(house: House) -> None:
    assert [name for name, _ in fact_of(await house.look("postmaster@friend.example", path="")).domains] == [
        "friend.example"
    ]
    assert isinstance((await house.look("nobody", path="")).acquaintance, Skipped)


async def test_doubt_is_doubt(house: House, tmp_path: Path) -> None:
    assert isinstance((await house.look("ann@slow.example")).acquaintance, Unknown), "the DNS says nothing"
    (tmp_path / "blocked").write_text("a file, where the folder should be")
    broken = Counters.open(tmp_path / "blocked", clock=house.clock)
    blind = House(house.clock, broken)
    try:
        assert isinstance((await blind.look()).acquaintance, Unknown)
        assert marks(await blind.receive()) == [{}]
    finally:
        await broken.close()
