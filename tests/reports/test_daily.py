"""Days of a real ledger: what came in is counted, reported once, signed, and leaves through our own queue."""

from __future__ import annotations

import asyncio
import email
import email.policy
import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import xmlschema

from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.authentication.public_suffixes import PublicSuffixes
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import FixedClock
from gateway.delivery.routes import Routes
from gateway.facts.auth import Auth
from gateway.facts.connection import ClientFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known
from gateway.mail import replies
from gateway.mail.address import Address
from gateway.mail.envelope import Direction, Envelope, Recipient
from gateway.mail.message import Message
from gateway.mail.replies import Reply
from gateway.pipeline.signing import Signer
from gateway.pipeline.signing_key import SigningKey
from gateway.queue.custody import Custody
from gateway.queue.records import Acceptance, Judgement, Listing, NewRecipient, QueueItem, Refusal
from gateway.queue.states import State
from gateway.reports.aggregate import DAY, Reporter
from gateway.reports.daily import DailyReports
from gateway.reports.journal import Journal
from tests.checks.dkim_signer import ed25519_key, rsa_key
from tests.delivery.deposits import delivering, until
from tests.delivery.sink import ALL, Sink, running
from tests.reports.judged import evidence

KEYS = (SigningKey("example.org", "s1", rsa_key()), SigningKey("example.org", "s1-ed25519", ed25519_key()))
ZONE: dict[str, Any] = {
    "_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject"}],
    "_dmarc.example.net": [{"TXT": "v=DMARC1; p=none"}],
    **{key.name: [{"TXT": key.record}] for key in KEYS},
}
NOON = 1_700_049_600.0  # 2023-11-15 12:00:00 UTC
SCHEMA = xmlschema.XMLSchema(Path(__file__).parents[1] / "suites/dmarc-reports/dmarc-2.0.xsd")


@pytest.fixture()
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture()
async def custody(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Custody]:
    opened = Custody.open(tmp_path / "custody", clock=clock, free_disk=0)
    yield opened
    await opened.close()


def daily(
    custody: Custody, clock: FixedClock, folder: Path, *, destination: str = "mx:example.com", **changes: Any
) -> DailyReports:
    signer = Signer(lambda _: KEYS)
    chosen: dict[str, Any] = {
        "reporter": Reporter("mx.example.org", "Example", "dmarc@example.org", "Postern"),
        "sign": lambda octets: signer.sign_own(octets, signed_at=clock.now()),
        "destination_of": lambda _: destination,
        "pace": 0.0,
        **changes,
    }
    return DailyReports(custody, ZoneResolver(ZONE), Journal(folder / "sent"), clock, **chosen)


async def take(
    custody: Custody, clock: FixedClock, found: Evidence, *dispositions: str, outbound: bool = False
) -> None:
    """Accept one message with a recipient for each disposition."""
    clock.advance(1)
    incoming = custody.incoming()
    incoming.write(b"Subject: x\r\n\r\nx\r\n")
    named = [Recipient(Address(f"r{number}", "example.org")) for number in range(len(dispositions))]
    await custody.accept(
        Acceptance(
            received_at=clock.now(),
            envelope=Envelope(None, tuple(named), direction=Direction.OUTBOUND if outbound else Direction.INBOUND),
            client=ClientFact("192.0.2.1"),
            prefix=b"",
            cuts=(),
            evidence=found.to_json(),
            policy_version="test",
            listing=Listing(),
            recipients=tuple(
                NewRecipient(each, State.QUEUED if said == "deliver" else State.HELD, "mailbox", Judgement(said))
                for each, said in zip(named, dispositions, strict=True)
            ),
        ),
        incoming,
    )


async def refuse(custody: Custody, clock: FixedClock, found: Evidence, reply: Reply) -> None:
    """Refuse one message to two recipients, as the front door records it."""
    clock.advance(1)
    for recipient, octets in (("a@example.org", found.to_json()), ("b@example.org", b"")):
        await custody.record_refusal(
            Refusal(clock.now(), "data", reply, "dmarc", "192.0.2.9", recipient=recipient, evidence=octets)
        )


async def queued(custody: Custody) -> list[QueueItem]:
    return [item for item in await custody.queue_items(limit=1000) if item.subject == "DMARC aggregate report"]


def next_morning(clock: FixedClock) -> None:
    clock.advance((clock.now() // DAY + 1) * DAY + 7200 - clock.now())


REFUSED, LATER = replies.REFUSED_POLICY, replies.DEFERRED


async def test_yesterday_is_counted_whatever_became_of_it(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    await take(custody, clock, evidence(), "deliver")
    await take(custody, clock, evidence(), "deliver", "deliver")
    await take(custody, clock, evidence(passed=False), "quarantine")
    await refuse(custody, clock, evidence(passed=False), REFUSED)
    await refuse(custody, clock, evidence(passed=False), LATER)
    await take(custody, clock, evidence(), "deliver", outbound=True)
    next_morning(clock)
    await take(custody, clock, evidence(), "deliver")  # today's, which waits
    async with running(Sink(extensions=(*ALL, "DSN"))) as sink:
        reports = daily(custody, clock, tmp_path, destination=sink.route)
        assert await reports.round(asyncio.Event()) == 1
        async with delivering(custody, clock, routes=Routes()):
            await until(lambda: len(sink.taken) == 1)
    (taken,) = sink.taken
    assert taken.recipients == ["reports@example.com"]
    assert taken.mail.startswith("MAIL FROM:<dmarc@example.org>")
    assert "NOTIFY=NEVER" in taken.rcpt_commands[0]
    outcome = await check_dkim(ZoneResolver(ZONE), Message.from_wire(taken.octets), now=clock.now())
    assert isinstance(outcome, Known)
    assert [each.result for each in outcome.value.signatures] == [Auth.PASS, Auth.PASS]
    parsed = email.message_from_bytes(taken.octets, policy=email.policy.default)
    (_, attachment) = parsed.iter_parts()
    document = SCHEMA.to_dict(gzip.decompress(attachment.get_content()).decode())
    assert document["report_metadata"]["date_range"] == {"begin": 1_700_006_400, "end": 1_700_092_799}
    counted = {each["row"]["policy_evaluated"]["disposition"]: each["row"]["count"] for each in document["record"]}
    assert counted == {"pass": 2, "quarantine": 1, "reject": 1}


async def test_each_day_is_reported_once(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    await take(custody, clock, evidence(), "deliver")
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 0, "the day is not over"
    clock.advance((clock.now() // DAY + 1) * DAY + 60 - clock.now())
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 0, "a minute after midnight is too early"
    clock.advance(7200)
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 1
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 0, "after a restart"
    clock.advance(DAY)
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 0, "nothing came in on the day after"
    assert len(await queued(custody)) == 1


async def test_a_run_that_was_stopped_goes_on_where_it_was(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    for domain in ("example.com", "example.net"):
        record = f"v=DMARC1; p=none; rua=mailto:r@{domain}"
        await take(custody, clock, evidence(record=record, record_domain=domain, author=domain), "deliver")
    next_morning(clock)
    stop = asyncio.Event()

    def destination_of(address: Address) -> str:
        stop.set()
        return f"mx:{address.domain}"

    assert await daily(custody, clock, tmp_path, destination_of=destination_of).round(stop) == 1
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 1
    assert {item.recipient for item in await queued(custody)} == {"r@example.com", "r@example.net"}


async def test_nothing_leaves_unsigned(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    await take(custody, clock, evidence(), "deliver")
    next_morning(clock)
    assert await daily(custody, clock, tmp_path, sign=lambda octets: octets).round(asyncio.Event()) == 0
    assert await queued(custody) == []
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 1, "a key was made meanwhile"


async def test_who_did_not_agree_gets_nothing(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    record = "v=DMARC1; p=none; rua=mailto:victim@example.net"
    await take(custody, clock, evidence(record=record), "deliver")
    next_morning(clock)
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 0
    assert await queued(custody) == []


async def test_an_operator_who_judges_by_a_list_says_so(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    await take(custody, clock, evidence(), "deliver")
    next_morning(clock)
    written: list[bytes] = []
    signer = Signer(lambda _: KEYS)

    def sign(octets: bytes) -> bytes:
        written.append(octets)
        return signer.sign_own(octets, signed_at=clock.now())

    suffixes = PublicSuffixes.parse("com\n")
    assert await daily(custody, clock, tmp_path, sign=sign, suffixes=lambda: suffixes).round(asyncio.Event()) == 1
    (_, attachment) = email.message_from_bytes(written[-1], policy=email.policy.default).iter_parts()
    document = SCHEMA.to_dict(gzip.decompress(attachment.get_content()).decode())
    assert document["policy_published"]["discovery_method"] == "psl"


async def test_more_than_one_page_is_counted(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    for number in range(7):
        await refuse(custody, clock, evidence(passed=False, ip=f"192.0.2.{number}"), REFUSED)
        await take(custody, clock, evidence(), "deliver")  # when this is durable, the refusal is
    seen: list[int] = []
    while page := await custody.judged_between(begin=NOON, end=NOON + 100, after=seen[-1] if seen else 0, limit=3):
        assert len(page) <= 3
        seen += [each.id for each in page]
    assert len(seen) == len(set(seen)) == 14
    assert seen == sorted(seen)


async def test_evidence_that_cannot_be_read_spoils_no_report(
    custody: Custody, clock: FixedClock, tmp_path: Path
) -> None:
    class Spoiled:
        def to_json(self) -> bytes:
            return b"{}"

    await take(custody, clock, Spoiled(), "deliver")  # type: ignore[arg-type]
    await take(custody, clock, evidence(), "deliver")
    next_morning(clock)
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 1


async def test_a_round_that_fails_does_not_end_the_watch(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    stop = asyncio.Event()

    def broken(_octets: bytes) -> bytes:
        stop.set()
        raise OSError("the disk is gone")

    next_morning(clock)
    await daily(custody, clock, tmp_path, sign=broken).run(stop)


async def test_a_count_that_was_stopped_ends_no_day(custody: Custody, clock: FixedClock, tmp_path: Path) -> None:
    await take(custody, clock, evidence(), "deliver")
    next_morning(clock)
    stop = asyncio.Event()
    stop.set()
    assert await daily(custody, clock, tmp_path).round(stop) == 0
    assert await daily(custody, clock, tmp_path).round(asyncio.Event()) == 1
