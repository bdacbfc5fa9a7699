"""gateway/app/door/stripping.py"""

from __future__ import annotations

import hashlib
from itertools import count

import pytest

from gateway.anatomy.examine import examine
from gateway.app.door.stripping import Stripping
from gateway.facts.auth import Auth, SpfFact, SpfIdentity
from gateway.facts.connection import ClientFact
from gateway.facts.evidence import Evidence, MessageFact
from gateway.facts.outcome import Known, Skipped
from gateway.inbound.ports import InItsPlace
from gateway.mail.address import Address
from gateway.mail.envelope import Envelope, Recipient
from gateway.mail.message import Message
from gateway.pipeline.sealing import Sealer
from gateway.pipeline.signing import Signer
from gateway.pipeline.stamp import Stamper
from gateway.policy.decide import decide_all
from gateway.policy.language.parse import read
from gateway.policy.policy import Policy
from gateway.policy.verdict import Disposition, Settlement
from gateway.queue.custody import as_delivered
from gateway.queue.identifiers import text_of

BOB, EVE, ANN = "bob@example.org", "eve@example.org", "ann@other.example"
STAMPER = Stamper(hostname="mx.example.org", signer=Signer(lambda _: ()))
PROGRAM, PAGE = b"MZ program", b"%PDF-1.4 page"


def message(top: bytes = b"") -> Message:
    return Message.from_wire(
        top
        + b"From: Ann <ann@a.example>\r\nAuthentication-Results: mx.example.org; dmarc=pass\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nHello\r\n'
        b'--b\r\nContent-Type: application/octet-stream; name="a.exe"\r\n\r\n' + PROGRAM + b"\r\n"
        b'--b\r\nContent-Type: application/pdf; name="a.pdf"\r\n\r\n' + PAGE + b"\r\n--b--\r\n"
    )


def policy(*rules: str) -> Policy:
    return read({"default.yaml": "version: 1\nrules:\n" + "".join(f"  - {each}\n" for each in rules)})


FOR_BOB = f"{{id: programs, description: No programs, then: {{strip: {{parts: [executable]}}}}, for: ['{BOB}']}}"
FOR_ALL = "{id: pages, description: No pages, then: {strip: {parts: [application/pdf], otherwise: bulk}}}"


def take_out(octets: Message, rules: Policy, *names: str) -> tuple[Evidence, Settlement, tuple[InItsPlace, ...]]:
    envelope = Envelope(Address.parse("ann@a.example"), tuple(Recipient(Address.parse(each)) for each in names))
    evidence = Evidence(
        1_800_000_000.0,
        "inbound",
        ClientFact("192.0.2.7", helo="mx.a.example"),
        "ann@a.example",
        names,
        MessageFact(octets.size),
        spf=Known(SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "a.example")),
        content=Known(examine(octets.octets).content),
    )
    stripping = Stripping(STAMPER, Sealer("mx.example.org", lambda _: ()), count(100).__next__)
    return evidence, *stripping.take_out(
        octets, envelope, evidence, decide_all(evidence, rules), reference="0123456789ABC"
    )


def test_each_group_of_recipients_gets_what_its_rule_leaves() -> None:
    _, settlement, forms = take_out(message(), policy(FOR_BOB, FOR_ALL), BOB, EVE, ANN)
    assert [(each.message_id, each.recipients) for each in forms] == [(100, (BOB,)), (101, (EVE, ANN))]
    assert settlement.disposition is Disposition.DELIVER
    bobs, others = (each.octets for each in forms)
    assert (PROGRAM in bobs, PAGE in bobs) == (False, True)
    assert (PROGRAM in others, PAGE in others) == (True, False)


def test_the_stamp_is_of_the_changed_message_and_the_copy_is_known_by_it() -> None:
    _, _, (form,) = take_out(message(), policy(FOR_BOB), BOB)
    assert form.prefix.startswith(b"Received: ")
    assert f"id {text_of(100)}".encode() in form.prefix
    assert b"spf=pass" in form.prefix
    leaving = Message.from_wire(as_delivered(form.prefix, form.cuts, form.octets))
    assert [b"dmarc=pass" in each for each in leaving.values(b"authentication-results")] == [False]


def test_what_was_scanned_and_what_is_delivered_is_told() -> None:
    octets = message()
    evidence, _, (form,) = take_out(octets, policy(FOR_BOB), BOB)
    assert form.told["rule"] == "programs"
    for name, measured in (("scanned", bytes(octets.octets)), ("delivered", form.octets)):
        assert form.told[name] == {"size": len(measured), "sha256": hashlib.sha256(measured).hexdigest()}
    digest = hashlib.sha256(PROGRAM).hexdigest()
    assert form.told["parts"] == [{"path": "2", "name": "a.exe", "size": len(PROGRAM), "sha256": digest}]
    assert form.evidence.message.size == len(form.octets)
    assert isinstance(form.evidence.spf, Skipped)
    assert isinstance(form.evidence.content, Known)
    assert [each.path for each in form.evidence.content.value.parts] == ["1", "3"]
    assert isinstance(evidence.spf, Known)


def test_the_changed_message_gives_its_rule_no_more_reason() -> None:
    rules = policy(FOR_BOB, FOR_ALL)
    _, _, (form,) = take_out(message(), rules, BOB)
    again, settlement, forms = take_out(Message.from_wire(form.octets), policy(FOR_BOB), BOB)
    assert forms == ()
    assert settlement == decide_all(again, policy(FOR_BOB))


@pytest.mark.parametrize(("rule", "quarantine"), [(FOR_BOB, "policy"), (FOR_ALL, "bulk")])
def test_what_cannot_be_changed_is_held_whole_as_the_rule_says(rule: str, quarantine: str) -> None:
    _, settlement, forms = take_out(message(b"no field\r\n"), policy(rule), BOB)
    ((_, verdict),) = settlement.verdicts
    assert (forms, settlement.disposition) == ((), Disposition.QUARANTINE)
    assert (verdict.quarantine, verdict.stripping, verdict.reasons[-1].code) == (quarantine, None, "NOT_STRIPPED")
