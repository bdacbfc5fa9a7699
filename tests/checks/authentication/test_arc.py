from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import dkim as dkimpy
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.authentication import arc as subject
from gateway.checks.authentication.arc import check_arc
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import ArcFact, Auth
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from tests.checks.dkim_signer import MESSAGE, pem, record, rsa_key

SUITE = Path(__file__).parents[2] / "suites" / "arc" / "arc-draft-validation-tests.yml"
DOCUMENTS = [each for each in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")) if each]
CASES = [pytest.param(document, case, id=name) for document in DOCUMENTS for name, case in document["tests"].items()]
NAME = "arc._domainkey.lists.example"


def zone() -> ZoneResolver:
    return ZoneResolver({NAME: [{"TXT": record(rsa_key())}]})


def seal(message: bytes = MESSAGE, *, status: str = "none", domain: bytes = b"lists.example") -> bytes:
    """The message with one more set, made by dkimpy's own signer."""
    results = f"Authentication-Results: lists.example; arc={status}; spf=pass\r\n".encode()
    fields = dkimpy.arc_sign(results + message, b"arc", domain, pem(rsa_key()), b"lists.example")
    assert fields
    return b"".join(fields) + message


async def arc(octets: bytes, resolver: ZoneResolver | None = None) -> ArcFact:
    outcome = await check_arc(resolver or zone(), Message.from_wire(octets))
    assert isinstance(outcome, Known)
    return outcome.value


@pytest.mark.parametrize(("document", "case"), CASES)
async def test_suite(document: dict[str, Any], case: dict[str, Any]) -> None:
    records = {name: [{"TXT": text or ""}] for name, text in document["txt-records"].items()}
    octets = re.sub("\r?\n", "\r\n", case["message"] or "").encode("utf-8", "surrogateescape")
    fact = await arc(octets, ZoneResolver(records))
    # The three cases of a seal that says cv=fail expect nothing; RFC 8617 section 5.2 step 2 says fail.
    assert fact.result.value == (case["cv"].lower() if case["cv"] else "fail")


def test_the_suite_is_whole() -> None:
    assert len(CASES) == 171


async def test_a_message_without_a_chain_asks_nothing() -> None:
    resolver = zone()
    assert await arc(MESSAGE, resolver) == ArcFact(Auth.NONE)
    assert resolver.asked == []


async def test_a_chain_passes_and_names_its_newest_sealer() -> None:
    resolver = ZoneResolver(
        {NAME: [{"TXT": record(rsa_key())}], "arc._domainkey.relay.example": [{"TXT": record(rsa_key())}]}
    )
    octets = seal(seal(), status="pass", domain=b"relay.example")
    assert await arc(octets, resolver) == ArcFact(Auth.PASS, 2, "relay.example")


async def test_a_long_chain_passes_and_breaks_like_a_short_one() -> None:
    octets = seal()
    for _ in range(6):
        octets = seal(octets, status="pass")
    assert await arc(octets) == ArcFact(Auth.PASS, 7, "lists.example")
    assert (await arc(octets.replace(b"i=3; cv=pass", b"i=3; cv=none"))).result is Auth.FAIL
    assert (await arc(octets.replace(b"i=3;", b"i=9;"))).result is Auth.FAIL


async def test_a_changed_body_breaks_the_chain() -> None:
    fact = await arc(seal().replace(b"bye", b"Bye"))
    assert (fact.result, fact.sealer) == (Auth.FAIL, "lists.example")


async def test_a_key_that_is_late_is_a_temporary_error_and_one_that_is_not_there_a_failure() -> None:
    fact = await arc(seal(), ZoneResolver({NAME: ["TIMEOUT"]}))
    assert fact == ArcFact(Auth.TEMPERROR, 1, "lists.example", f"DNS failed for {NAME}")
    assert (await arc(seal(), ZoneResolver({}))).result is Auth.FAIL


async def test_all_keys_are_asked_together_and_no_others() -> None:
    resolver = zone()
    await arc(seal(seal(), status="pass"), resolver)
    assert {each.name for each in resolver.asked} == {NAME}


async def test_too_many_sets_and_odd_fields_fail_without_work() -> None:
    many = b"".join(b"ARC-Seal: i=%d; cv=none; d=lists.example; s=arc; b=AAAA\r\n" % n for n in range(200))
    resolver = zone()
    assert (await arc(many + MESSAGE, resolver)).reason == "more than 50 sets"
    assert (await arc(b"ARC-Seal: i=1;" + b" " * 200 + b"b=A\r\n" + MESSAGE, resolver)).result is Auth.FAIL
    assert (await arc(b"ARC-Seal: i=1; x=" + b"a" * 20_000 + b"\r\n" + MESSAGE, resolver)).result is Auth.FAIL
    assert resolver.asked == []


async def test_blanks_take_linear_time() -> None:
    octets = seal().partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + b" " * 3_000_000 + b"x\r\n"
    started = time.process_time()
    assert (await arc(octets)).result is Auth.FAIL
    assert time.process_time() - started < 5


async def test_a_large_message_goes_to_a_thread_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "LARGE", 100)
    assert (await arc(seal())).result is Auth.PASS


TAGS = "i=1 i=0 i=99999999999 cv=none a=rsa-sha256 b=AAAA bh=AAAA d=lists.example s=arc h=from h= c=x t=9 x=1 = l=5 s="
FIELDS = st.tuples(
    st.sampled_from(["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"]),
    st.lists(st.sampled_from(TAGS.split()) | st.text(max_size=8), max_size=9),
)


@given(st.lists(FIELDS, max_size=5))
@settings(max_examples=100, deadline=None)
def test_any_fields_give_a_fact_that_is_not_a_pass(fields: list[tuple[str, list[str]]]) -> None:
    """Any chain that was not sealed gives none or fail, and never an exception."""
    header = b""
    for name, tags in fields:
        value = re.sub(rb"[\r\n\0]", b"", "; ".join(tags).encode("utf-8", "replace"))
        header += name.encode() + b": " + value + b"\r\n"
    fact = asyncio.run(arc(header + MESSAGE))
    assert fact.result in (Auth.NONE, Auth.FAIL)
