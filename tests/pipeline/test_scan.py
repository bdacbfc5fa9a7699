from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from gateway.checks.anatomist.wire import Examination
from gateway.checks.dns.zone import ZoneResolver
from gateway.checks.leaves import Wanted
from gateway.clock import SystemClock
from gateway.facts.auth import Auth
from gateway.facts.connection import ClientFact
from gateway.facts.content import ContentFact, EngineFact, MailClass, MalwareFact, MalwareResult, Signal, SpamFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known, Outcome, Skipped, Unknown
from gateway.mail.envelope import Direction, Envelope
from gateway.mail.message import Message, Octets
from gateway.pipeline import scan as scanning
from gateway.pipeline.scan import Scanner
from gateway.pipeline.stages import STAGES, Stage
from gateway.spam.trust import KNOWN_SIGNED
from tests.pipeline.conftest import NOON, OCTETS

ZONE = {
    "friend.example": [{"SPF": "v=spf1 ip4:192.0.2.9 -all"}],
    "_dmarc.friend.example": [{"TXT": "v=DMARC1; p=reject"}],
}


class Anatomist:
    """Answers what it is told to."""

    def __init__(self, *, fails: bool = False) -> None:
        self._fails = fails

    async def examine(self, message: Message, wanted: Wanted = Wanted.NONE) -> Examination:
        if self._fails:
            raise ConnectionError("the worker is gone")
        return Examination(
            content=Known(ContentFact(excerpt="At noon?")), spam=Known(SpamFact(MailClass.HAM, {"ham": 1.0}, -4.0))
        )


class Engine:
    def __init__(self, *, delay: float = 0.0) -> None:
        self._delay = delay
        self.seen: list[bytes] = []

    async def scan(self, octets: Octets) -> Outcome[MalwareFact]:
        await asyncio.sleep(self._delay)
        self.seen.append(bytes(octets))
        return Known(MalwareFact(MalwareResult.CLEAN, engine="test"))

    def standing(self) -> Outcome[EngineFact]:
        return Known(EngineFact("test", "1"))


def scanner(anatomist: Anatomist | None = None, engine: Engine | None = None) -> Scanner:
    return Scanner(resolver=ZoneResolver(ZONE), anatomist=anatomist or Anatomist(), malware=engine, clock=SystemClock())


async def scanned(how: Scanner, message: Message, envelope: Envelope, client: ClientFact) -> Evidence:
    return await how.scan(message, envelope, client, received_at=NOON)


async def test_everything_that_is_known_stands_in_the_evidence(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    engine = Engine()
    evidence = await scanned(scanner(engine=engine), message, envelope, client)
    assert (evidence.received_at, evidence.direction) == (NOON, "inbound")
    assert (evidence.reverse_path, evidence.recipients) == ("ann@friend.example", ("alice@example.org",))
    assert (evidence.message.subject, evidence.message.message_id) == ("Lunch", "<1@friend.example>")
    assert [each.address for each in evidence.message.authors] == ["ann@friend.example"]
    assert isinstance(evidence.dmarc, Known)
    assert (evidence.dmarc.value.result, evidence.dmarc.value.aligned_spf) == (Auth.PASS, True)
    assert engine.seen == [bytes(message.octets)]
    assert evidence.unknown() == {}
    assert {each.check for each in evidence.timings} == {stage.name for stage in STAGES}
    assert "friend.example" in {each.name for each in evidence.dns}
    assert Evidence.from_json(evidence.to_json()) == evidence


class Trusting(Anatomist):
    """Gives credit to a signature."""

    async def examine(self, message: Message, wanted: Wanted = Wanted.NONE) -> Examination:
        chances = {"ham": 0.9, "spam": 0.1, "phishing": 0.0}
        signals = (Signal("fact", -2.0, KNOWN_SIGNED), Signal("start", -1.0))
        return Examination(
            content=Known(ContentFact()), spam=Known(SpamFact(MailClass.HAM, chances, -3.0, signals, credit=-2.0))
        )


@pytest.mark.parametrize(
    ("zone", "score"),
    [
        pytest.param(ZONE, -1.0, id="there is no such key"),
        pytest.param({**ZONE, "s._domainkey.friend.example": ["TIMEOUT"]}, -3.0, id="no key could be fetched"),
        pytest.param({}, -3.0, id="the domain does not exist for this DNS"),
    ],
)
async def test_credit_for_a_signature_is_lost_where_it_is_found_untrue(
    zone: dict[str, Any], score: float, envelope: Envelope, client: ClientFact
) -> None:
    signature = b"DKIM-Signature: v=1; a=rsa-sha256; d=friend.example; s=s; h=from; bh=AAAA; b=AAAA\r\n"
    message = Message.from_wire(signature + OCTETS)
    how = Scanner(resolver=ZoneResolver(zone), anatomist=Trusting(), malware=None, clock=SystemClock())
    evidence = await scanned(how, message, envelope, client)
    assert isinstance(evidence.spam, Known)
    assert evidence.spam.value.score == score
    assert sum(signal.weight for signal in evidence.spam.value.signals) == score


async def test_without_an_engine_malware_is_skipped(message: Message, envelope: Envelope, client: ClientFact) -> None:
    assert isinstance((await scanned(scanner(), message, envelope, client)).malware, Skipped)


async def test_a_check_that_crashes_could_not_tell_and_stops_no_other(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    evidence = await scanned(scanner(Anatomist(fails=True), Engine()), message, envelope, client)
    assert evidence.unknown() == dict.fromkeys(("content", "spam", "yara"), "examination failed: ConnectionError")
    assert isinstance(evidence.malware, Known)
    assert isinstance(evidence.spf, Known)


async def test_a_check_that_is_late_could_not_tell(
    message: Message, envelope: Envelope, client: ClientFact, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = tuple(dataclasses.replace(stage, deadline=0.05) if stage.name == "malware" else stage for stage in STAGES)
    monkeypatch.setattr(scanning, "STAGES", quick)
    evidence = await scanned(scanner(engine=Engine(delay=60)), message, envelope, client)
    assert evidence.malware == Unknown("malware took longer than 0.05 s")


async def test_what_waits_for_a_check_that_failed_gets_its_doubt(
    message: Message, envelope: Envelope, client: ClientFact, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(
        scanning,
        "STAGES",
        tuple(dataclasses.replace(stage, run=broken) if stage.name in ("spf", "dkim") else stage for stage in STAGES),
    )
    evidence = await scanned(scanner(), message, envelope, client)
    assert evidence.spf == Unknown("spf failed: RuntimeError")
    assert not (isinstance(evidence.dmarc, Known) and evidence.dmarc.value.result is Auth.FAIL), "doubt is not failure"


async def test_outgoing_mail_is_not_asked_where_it_comes_from(
    message: Message, envelope: Envelope, client: ClientFact
) -> None:
    outgoing = dataclasses.replace(envelope, direction=Direction.OUTBOUND)
    evidence = await scanned(scanner(engine=Engine()), message, outgoing, client)
    assert (evidence.spf, evidence.dmarc) == (Skipped("outgoing mail"), Skipped("outgoing mail"))
    assert isinstance(evidence.malware, Known)


def test_every_stage_waits_only_for_stages_above_it() -> None:
    above: set[str] = set()
    for stage in STAGES:
        assert set(stage.needs) <= above
        above.add(stage.name)


def test_the_whole_scan_is_shorter_than_a_clients_patience() -> None:
    def longest(stage: Stage) -> float:
        by_name = {each.name: each for each in STAGES}
        return stage.deadline + max((longest(by_name[need]) for need in stage.needs), default=0.0)

    assert max(longest(stage) for stage in STAGES) <= 120
