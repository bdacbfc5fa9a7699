"""gateway/app/door/judging.py: the greylist on the way from evidence to verdict. The scanner gives prepared evidence;
all the rest is real."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from gateway.app.door.acquaintances import Acquaintances
from gateway.app.door.correspondents import AWAITED, REMEMBERED, Correspondents
from gateway.app.door.greylisting import Greylister
from gateway.app.door.judging import Judging
from gateway.app.door.stripping import Stripping
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import FixedClock
from gateway.counters.counters import Counters
from gateway.facts.auth import Auth, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact
from gateway.facts.content import AuthorFact, MailClass, SpamFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Skipped, Unknown
from gateway.inbound.admission.counting import own_networks
from gateway.inbound.ports import Judged
from gateway.mail.address import Address
from gateway.mail.envelope import Direction, Envelope, Recipient
from gateway.mail.message import Message
from gateway.pipeline.sealing import Sealer
from gateway.pipeline.signing import Signer
from gateway.pipeline.stamp import Stamper
from gateway.policy.language.parse import read
from gateway.policy.verdict import Disposition

POLICY = read(
    {
        "default.yaml": """
version: 1
recipients: [{domain: example.org, route: mailbox}]
rules:
  - id: correspondent
    when: recipient.address in mail.correspondents && spf.result == "pass"
    then: deliver
    on_unknown: next
  - {id: reply, when: recipient.address in mail.answers, then: deliver}
  - {id: hold, when: 'spam.score >= 8.0', then: {quarantine: spam}, direction: any}
  - {id: refuse, when: 'recipient.address == "refuse@example.org"', then: {reject: policy}}
  - {id: wait, when: 'spam.score >= 4.0 && spf.result != "pass"', then: greylist, on_unknown: next}
greylist: {delay: 3min}
"""
    }
)
MESSAGE = Message.from_wire(b"From: ann@a.example\r\nSubject: t\r\n\r\nhello\r\n")
BOB, EVE = "bob@example.org", "eve@example.org"

STAMPER = Stamper(hostname="mx.example.org", signer=Signer(lambda domain: ()))


@dataclass
class Prepared:
    """A scanner that found this."""

    score: float = 5.0
    spf: Auth = Auth.NONE
    author: str = "ann@a.example"
    message_id: str = ""

    async def scan(self, message: Message, envelope: Envelope, client: ClientFact, *, received_at: float) -> Evidence:
        return Evidence(
            received_at,
            envelope.direction.value,
            client,
            str(envelope.reverse_path or ""),
            tuple(str(each.address) for each in envelope.recipients),
            MessageFact(
                message.size,
                message_id=self.message_id,
                authors=(AuthorFact("Ann", self.author, "a.example"),),
                from_fields=1,
            ),
            spf=Known(SpfFact(self.spf, SpfIdentity.MAILFROM, "a.example")),
            spam=Known(SpamFact(MailClass.SPAM, {}, self.score)),
        )


@dataclass
class House:
    folder: Path
    clock: FixedClock
    counters: Counters

    async def judge(
        self,
        *recipients: str,
        found: Prepared | None = None,
        ip: str = "192.0.2.7",
        sender: str = "ann@a.example",
        direction: Direction = Direction.INBOUND,
        message: Message = MESSAGE,
    ) -> Judged:
        judging = Judging(
            found or Prepared(),  # type: ignore[arg-type]
            STAMPER,
            lambda: POLICY,
            counters=self.counters,
            greylister=Greylister(self.counters, ZoneResolver({}), own=own_networks(["198.51.100.0/24"])),
            acquaintances=Acquaintances(self.counters),
            stripping=Stripping(STAMPER, Sealer("mx.example.org", lambda domain: ()), count(100).__next__),
        )
        envelope = Envelope(
            Address.parse(sender), tuple(Recipient(Address.parse(each)) for each in recipients or (BOB,)), direction
        )
        client = ClientFact(ip, helo="mx.a.example")
        return await judging(message, envelope=envelope, client=client, received_at=self.clock.now(), message_id=1)

    async def said(self, *recipients: str, **more: object) -> str:
        settlement = (await self.judge(*recipients, **more)).settlement  # type: ignore[arg-type]
        return settlement.reply or settlement.disposition.word


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = FixedClock(1_800_000_000.0)
    counters = Counters.open(tmp_path, clock=clock)
    yield House(tmp_path, clock, counters)
    await counters.close()


async def test_a_suspect_comes_back_once_and_its_neighbours_are_known_from_then_on(house: House) -> None:
    assert await house.said() == "greylisted"
    house.clock.advance(60.0)
    assert await house.said() == "greylisted"
    house.clock.advance(120.0)
    assert await house.said(ip="192.0.2.99") == "deliver"
    assert await house.said(EVE, sender="carl@a.example") == "deliver"
    assert await house.said(ip="203.0.113.9") == "greylisted"


async def test_what_was_said_stands_in_the_evidence_and_names_the_rule(house: House) -> None:
    judged = await house.judge()
    assert isinstance(judged.evidence.greylist, Known)
    fact = judged.evidence.greylist.value
    assert (fact.waiting, fact.pool) == ((BOB,), "192.0.2.0/24 a.example")
    assert fact.let_in_at == house.clock.now() + 180.0
    ((_, verdict),) = judged.settlement.verdicts
    assert (verdict.disposition, verdict.rule and verdict.rule.id) == (Disposition.DEFER, "wait")
    assert Evidence.from_json(judged.evidence.to_json()) == judged.evidence


async def test_nobody_waits_but_where_the_policy_says(house: House) -> None:
    assert await house.said(found=Prepared(score=3.9)) == "deliver"
    assert await house.said(found=Prepared(spf=Auth.PASS)) == "deliver"
    assert await house.said(found=Prepared(score=9.0)) == "quarantine"
    assert await house.said(direction=Direction.OUTBOUND) == "deliver"
    assert await house.counters.waiting() == []


async def test_who_is_refused_anyway_is_not_written_down(house: House) -> None:
    assert await house.said("refuse@example.org") == "policy"
    assert await house.counters.waiting() == []


async def test_all_recipients_wait_together(house: House) -> None:
    assert await house.said(BOB, EVE) == "greylisted"
    assert {each.recipient for each in await house.counters.waiting()} == {BOB, EVE}
    house.clock.advance(180.0)
    assert await house.said(BOB, EVE) == "deliver"


async def test_our_own_networks_never_wait(house: House) -> None:
    for ip in ("127.0.0.1", "::1", "198.51.100.7"):
        judged = await house.judge(ip=ip)
        assert judged.settlement.disposition is Disposition.DELIVER
        assert judged.evidence.greylist == Skipped("our own network")


async def test_whom_we_wrote_to_never_waits(house: House) -> None:
    assert await house.said("Ann@A.example", sender=BOB, direction=Direction.OUTBOUND) == "deliver"
    assert await house.said(EVE) == "greylisted"
    assert await house.said(BOB) == "deliver"


async def test_who_was_let_in_by_hand_passes_at_once(house: House) -> None:
    assert await house.said() == "greylisted"
    await house.counters.release([each.id for each in await house.counters.waiting()])
    assert await house.said() == "deliver"


async def test_nobody_waits_while_the_list_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    clock = FixedClock(1000.0)
    counters = Counters.open(tmp_path / "file", clock=clock)
    judged = await House(tmp_path, clock, counters).judge()
    await counters.close()
    assert judged.settlement.disposition is Disposition.DELIVER
    assert isinstance(judged.evidence.greylist, Unknown)


async def test_the_same_evidence_gives_the_same_verdict_again(house: House) -> None:
    from gateway.policy.decide import decide_all

    judged = await house.judge()
    assert decide_all(judged.evidence, POLICY) == judged.settlement
    assert decide_all(replace(judged.evidence, greylist=Skipped()), POLICY).disposition is Disposition.DELIVER


async def test_the_answer_of_whom_one_wrote_to_gets_credit_for_days_and_only_from_that_author(house: House) -> None:
    bad, proven = Prepared(9.0), Prepared(9.0, spf=Auth.PASS)
    wrote = Evidence(0.0, "outbound", ClientFact(""), BOB, ("Ann@A.example",), MessageFact(1))
    assert await house.said(found=proven) == "quarantine"
    await Correspondents(house.counters).wrote(wrote)
    house.clock.advance(30 * 86400.0)
    answer = await house.judge(BOB, EVE, found=proven)
    assert answer.evidence.correspondents == (BOB,)
    credited = {name: verdict.disposition for name, verdict in answer.settlement.verdicts}
    assert credited == {BOB: Disposition.DELIVER, EVE: Disposition.QUARANTINE}
    assert await house.said(found=bad) == "quarantine", "nobody proved to be the author"
    stranger = Prepared(9.0, spf=Auth.PASS, author="mallory@a.example")
    assert await house.said(found=stranger, sender="ann@a.example") == "quarantine", "a borrowed reverse-path"
    house.clock.advance(REMEMBERED)
    assert await house.said(found=proven) == "quarantine"


def answer_to(*sent: str, field: str = "In-Reply-To") -> Message:
    return Message.from_wire(f"From: ann@a.example\r\n{field}: {' '.join(sent)}\r\n\r\nhello\r\n".encode())


async def test_an_answer_to_a_message_of_ours_gets_credit_for_days_without_any_proof_of_its_author(
    house: House,
) -> None:
    sent = Prepared(0.0, author=BOB, message_id="<one@example.org>")
    await house.judge("ann@a.example", "carl@a.example", found=sent, sender=BOB, direction=Direction.OUTBOUND)
    house.clock.advance(3 * 86400.0)

    async def said(message: Message, to: str = BOB, author: str = "Ann@a.example") -> str:
        judged = await house.judge(to, found=Prepared(9.0, author=author), message=message)
        return judged.settlement.disposition.word

    answer = answer_to("<one@example.org>")
    assert await said(answer) == "deliver"
    assert await said(answer, author="carl@a.example") == "deliver"
    assert await said(answer_to("<zero@b.example>", "<one@example.org>", field="References")) == "deliver"
    assert await said(answer, author="mallory@a.example") == "quarantine", "nobody wrote to this one"
    assert await said(answer, to=EVE) == "quarantine", "somebody else sent it"
    assert await said(answer_to("<two@example.org>")) == "quarantine", "nobody sent that"
    assert await said(MESSAGE) == "quarantine"
    together = await house.judge(BOB, EVE, found=Prepared(9.0), message=answer)
    assert together.evidence.answers == (BOB,)
    assert Evidence.from_json(together.evidence.to_json()) == together.evidence
    house.clock.advance(AWAITED)
    assert await said(answer) == "quarantine"


async def test_what_we_refused_to_send_awaits_no_answer(house: House) -> None:
    sent = Prepared(9.0, author=BOB, message_id="<one@example.org>")
    await house.judge("ann@a.example", found=sent, sender=BOB, direction=Direction.OUTBOUND)
    judged = await house.judge(BOB, found=Prepared(9.0), message=answer_to("<one@example.org>"))
    assert judged.evidence.answers == ()
