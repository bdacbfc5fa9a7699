"""Mail that a list changed and sealed, all the way: octets and DNS answers in; verdict, fields and report row out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.checks.dns.resinfo import results_field
from gateway.checks.dns.zone import ZoneResolver
from gateway.clock import SystemClock
from gateway.facts.auth import ArcFact, Auth
from gateway.facts.connection import ClientFact
from gateway.facts.evidence import Evidence
from gateway.facts.outcome import Known
from gateway.mail.address import Address
from gateway.mail.envelope import Envelope, Recipient
from gateway.mail.message import Message
from gateway.pipeline.scan import Scanner
from gateway.pipeline.sealing import Sealer
from gateway.pipeline.signing import Signer
from gateway.pipeline.signing_key import SigningKey
from gateway.pipeline.stamp import Stamper
from gateway.policy.decide import decide_all
from gateway.policy.language.parse import load
from gateway.policy.verdict import Settlement
from gateway.reports.tally import Row, Tally
from tests.checks.dkim_signer import record, rsa_key, sign
from tests.pipeline.test_scan import Anatomist

POLICY = load(Path(__file__).parents[2] / "policies")
TRUSTING = replace(POLICY, trusted_sealers=frozenset({"lists.example"}))
KEY = SigningKey("lists.example", "arc", rsa_key(2048))
ZONE = {
    "s1._domainkey.example.com": [{"TXT": record(rsa_key())}],
    KEY.name: [{"TXT": KEY.record}],
    "lists.example": [{"TXT": "v=spf1 ip4:192.0.2.25 -all"}],
    "_dmarc.example.com": [{"TXT": "v=DMARC1; p=reject; rua=mailto:r@example.com"}],
}
CLIENT = ClientFact("192.0.2.25", helo="mx.lists.example")
ENVELOPE = Envelope(Address.parse("list@lists.example"), (Recipient(Address.parse("alice@example.org")),))
NOW = 1_700_000_000.0


def by_the_list(letter: bytes) -> bytes:
    """The letter with a footer, stated and sealed by the list."""
    stated = results_field("lists.example", arc=Known(ArcFact(Auth.NONE)))
    changed = stated + letter + b"-- \r\nThe list\r\n"
    return Sealer("lists.example", lambda _: (KEY,)).seal(Message.from_wire(changed), sealed_at=NOW) + changed


async def judged(octets: bytes, policy: object = POLICY, client: ClientFact = CLIENT) -> tuple[Evidence, Settlement]:
    scanner = Scanner(resolver=ZoneResolver(ZONE), anatomist=Anatomist(), malware=None, clock=SystemClock())
    evidence = await scanner.scan(Message.from_wire(octets), ENVELOPE, client, received_at=NOW)
    return evidence, decide_all(evidence, policy)  # type: ignore[arg-type]


def row(evidence: Evidence, settlement: Settlement) -> Row:
    tally = Tally()
    codes = frozenset(reason.code for _, verdict in settlement.verdicts for reason in verdict.reasons)
    tally.add(Evidence.from_json(evidence.to_json()), [settlement.disposition.word], codes=codes)
    (only,) = tally.domains["example.com"].rows
    return only


async def test_what_comes_as_it_was_signed_passes() -> None:
    evidence, settlement = await judged(sign())
    assert settlement.disposition.word == "deliver"
    assert (row(evidence, settlement).disposition, row(evidence, settlement).reasons) == ("pass", ())


async def test_a_seal_of_a_stranger_rescues_nothing() -> None:
    evidence, settlement = await judged(by_the_list(sign()))
    assert (settlement.disposition.word, settlement.reply) == ("reject", "dmarc")
    assert row(evidence, settlement).disposition == "reject"


async def test_a_seal_of_a_list_that_we_trust_rescues_and_the_owner_learns_why() -> None:
    octets = by_the_list(sign())
    evidence, settlement = await judged(octets, TRUSTING)
    assert settlement.disposition.word == "deliver"
    assert "DMARC_LOCAL_POLICY" in [reason.code for reason in settlement.verdicts[0][1].reasons]
    assert (row(evidence, settlement).disposition, row(evidence, settlement).reasons) == (
        "none",
        (("local_policy", "arc=pass"),),
    )
    stamper = Stamper(hostname="mx.example.org", signer=Signer(lambda _: ()))
    stamps = stamper.stamp(Message.from_wire(octets), ENVELOPE, evidence, settlement, reference="1")
    unfolded = b" ".join(stamps.prefix.split())
    assert b"arc=pass header.as-d=lists.example; dmarc=fail" in unfolded


@pytest.mark.parametrize(
    "change", [(b"The list", b"The thief"), (b"Subject: ", b"Subject: x"), (b"cv=none", b"cv=pass")]
)
async def test_a_seal_that_does_not_hold_rescues_nothing(change: tuple[bytes, bytes]) -> None:
    _, settlement = await judged(by_the_list(sign()).replace(*change), TRUSTING)
    assert (settlement.disposition.word, settlement.reply) == ("reject", "dmarc")
