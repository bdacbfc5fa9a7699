from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dkim as dkimpy
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.authentication.arc import check_arc
from gateway.checks.dns.resinfo import results_field
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import ArcFact, Auth, SpfFact, SpfIdentity
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from gateway.mail.results import forged_results
from gateway.pipeline.sealing import Sealer, seal_fields
from gateway.pipeline.signing_key import SigningKey
from tests.checks.dkim_signer import MESSAGE, ed25519_key, rsa_key

SUITE = Path(__file__).parents[1] / "suites" / "arc" / "arc-draft-sign-tests.yml"
DOCUMENTS = [each for each in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")) if each]
CASES = [pytest.param(document, case, id=name) for document in DOCUMENTS for name, case in document["tests"].items()]
NOW = 1_700_000_000.0
HOST = "mx.example.org"
KEY = SigningKey("example.org", "s1", rsa_key(2048))
ED25519 = SigningKey("example.org", "s1-ed25519", ed25519_key())
ZONE = ZoneResolver({KEY.name: [{"TXT": KEY.record}]})
SEALER = Sealer(HOST, lambda domain: (ED25519, KEY) if domain == HOST else ())


def tags(text: str | bytes) -> set[str]:
    text = text.decode() if isinstance(text, bytes) else text
    return set("".join(text.split()).split(";"))


@pytest.mark.parametrize(("document", "case"), CASES)
def test_suite(document: dict[str, Any], case: dict[str, Any]) -> None:
    octets = re.sub("\r?\n", "\r\n", case["message"]).encode()
    fields = seal_fields(
        Message.from_wire(octets),
        SigningKey.from_pem(document["domain"], document["sel"], document["privatekey"].encode()),
        authserv_id=case["srv-id"],
        names=[name.encode() for name in case["sig-headers"].split(":")],
        sealed_at=int(case["t"]),
        arrange=sorted,
    )
    made = {field.key: tags(field.value) for field in Message.from_wire(fields + b"\r\n").fields}
    wanted = {b"arc-seal": "AS", b"arc-message-signature": "AMS", b"arc-authentication-results": "AAR"}
    assert made == {name: tags(case[key]) for name, key in wanted.items() if case[key]}


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 17


async def arc(octets: bytes) -> ArcFact:
    outcome = await check_arc(ZONE, Message.from_wire(octets), now=NOW)
    assert isinstance(outcome, Known)
    return outcome.value


async def relayed(octets: bytes, *, footer: bytes = b"-- \r\nchecked\r\n") -> bytes:
    """What a gateway that changes bodies does: verify, change, state, seal."""
    ours = forged_results(Message.from_wire(octets), HOST)
    for start, end in reversed(ours):
        octets = octets[:start] + octets[end:]
    fact = await arc(octets)
    spf = SpfFact(Auth.PASS, SpfIdentity.MAILFROM, "example.com")
    stated = results_field(HOST, spf=Known(spf), arc=Known(fact))
    changed = stated + octets + footer
    return SEALER.seal(Message.from_wire(changed), sealed_at=NOW) + changed


async def test_a_sealed_message_passes_here_and_with_dkimpy() -> None:
    octets = await relayed(MESSAGE)
    assert await arc(octets) == ArcFact(Auth.PASS, 1, "example.org")
    word, _, reason = dkimpy.arc_verify(octets, dnsfunc=lambda *_, **__: KEY.record.encode())
    assert (word, reason) == (b"pass", "success")
    assert max(map(len, octets.split(b"\r\n\r\n")[0].split(b"\r\n"))) < 400


async def test_a_chain_is_continued_and_the_next_seal_covers_all_before() -> None:
    octets = await relayed(await relayed(await relayed(MESSAGE)))
    assert await arc(octets) == ArcFact(Auth.PASS, 3, "example.org")
    word, _, reason = dkimpy.arc_verify(octets, dnsfunc=lambda *_, **__: KEY.record.encode())
    assert (word, reason) == (b"pass", "success")
    for instance in (1, 2, 3):
        broken = octets.replace(
            b"ARC-Authentication-Results: i=%d; mx" % instance, b"ARC-Authentication-Results: i=%d; my" % instance
        )
        assert broken != octets
        assert (await arc(broken)).result is Auth.FAIL


async def test_a_broken_chain_is_sealed_as_broken_once_and_never_again() -> None:
    broken = await relayed((await relayed(MESSAGE)) + b"changed by somebody\r\n")
    fact = await arc(broken)
    assert (fact.result, fact.ended, fact.instances) == (Auth.NONE, True, 2)
    assert b"cv=fail" in broken.partition(b"\r\nARC-Message-Signature")[0]
    stated = results_field(HOST, arc=Known(fact))
    assert SEALER.seal(Message.from_wire(stated + broken), sealed_at=NOW) == b""


async def test_nothing_is_sealed_without_a_key_or_without_results_of_ours() -> None:
    stated = results_field(HOST, arc=Known(ArcFact(Auth.NONE)))
    message = Message.from_wire(stated + MESSAGE)
    assert SEALER.seal(message, sealed_at=NOW)
    assert Sealer(HOST, lambda _: ()).seal(message, sealed_at=NOW) == b""
    assert Sealer(HOST, lambda _: (ED25519,)).seal(message, sealed_at=NOW) == b""
    assert SEALER.seal(Message.from_wire(MESSAGE), sealed_at=NOW) == b""
    others = results_field("other.example", arc=Known(ArcFact(Auth.NONE)))
    assert SEALER.seal(Message.from_wire(others + MESSAGE), sealed_at=NOW) == b""


async def test_results_that_fit_no_chain_are_not_sealed() -> None:
    passed = results_field(HOST, arc=Known(ArcFact(Auth.PASS, 1, "example.org")))
    assert SEALER.seal(Message.from_wire(passed + MESSAGE), sealed_at=NOW) == b""
    sealed = await relayed(MESSAGE)
    silent = Message.from_wire(
        b"Authentication-Results: mx.example.org; spf=pass\r\n"
        + sealed.partition(b"Authentication-Results: mx")[0]
        + MESSAGE
    )
    assert SEALER.seal(silent, sealed_at=NOW) == b""


@given(
    st.lists(st.sampled_from([b"X-A: 1", b"Subject: s", b"DKIM-Signature: x", b"List-Id: <l>", b"To:\tb"]), max_size=40)
)
@settings(max_examples=40, deadline=None)
def test_any_message_is_sealed_so_that_dkimpy_verifies_it(fields: list[bytes]) -> None:
    """Whatever fields a message has, what we seal is what dkimpy accepts."""
    stated = results_field(HOST, arc=Known(ArcFact(Auth.NONE)))
    changed = stated + b"".join(field + b"\r\n" for field in fields) + MESSAGE
    octets = SEALER.seal(Message.from_wire(changed), sealed_at=NOW) + changed
    word, _, reason = dkimpy.arc_verify(octets, dnsfunc=lambda *_, **__: KEY.record.encode())
    assert (word, reason) == (b"pass", "success")
