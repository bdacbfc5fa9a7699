from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import time
from pathlib import Path
from typing import Any

import dkim as dkimpy
import pytest
import yaml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from dkim import rfc822_parse, select_headers
from dkim.canonicalization import CanonicalizationPolicy
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.authentication import arc as subject
from gateway.checks.authentication.arc import check_arc
from gateway.checks.dns.resinfo import method_results
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import ArcFact, Auth
from gateway.facts.outcome import Known
from gateway.mail.message import BadMessage, Message
from tests.checks.dkim_signer import MESSAGE, pem, record, rsa_key, short_rsa_key

SUITE = Path(__file__).parents[2] / "suites" / "arc" / "arc-draft-validation-tests.yml"
DOCUMENTS = [each for each in yaml.safe_load_all(SUITE.read_text(encoding="utf-8")) if each]
CASES = [pytest.param(document, case, id=name) for document in DOCUMENTS for name, case in document["tests"].items()]
NOW = 1_800_000_000.0
NAME = "arc._domainkey.lists.example"


def zone() -> ZoneResolver:
    return ZoneResolver({NAME: [{"TXT": record(rsa_key())}]})


def seal(message: bytes = MESSAGE, *, status: str = "none", domain: bytes = b"lists.example") -> bytes:
    """The message with one more set, made by dkimpy's own signer."""
    results = f"Authentication-Results: lists.example; arc={status}; spf=pass\r\n".encode()
    fields = dkimpy.arc_sign(results + message, b"arc", domain, pem(rsa_key()), b"lists.example")
    assert fields
    return b"".join(fields) + message


def own_seal(
    message: bytes = MESSAGE,
    *,
    instance: int = 1,
    names: bytes = b"from:to:subject:date",
    signature_tags: bytes = b"",
    key: rsa.RSAPrivateKey | None = None,
) -> bytes:
    """The message with one more set, written by hand with dkimpy's canonical forms."""
    key = key or rsa_key()
    policy = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
    headers, body = rfc822_parse(message)
    covered = policy.canonicalize_body(body)
    length = re.search(rb"l=([0-9]+)", signature_tags)
    body_hash = base64.b64encode(hashlib.sha256(covered[: int(length[1])] if length else covered).digest())
    tail = b"a=rsa-sha256; d=lists.example; s=arc; t=9; "

    def signed(fields: list[tuple[bytes, bytes]], name: bytes, value: bytes) -> bytes:
        own = policy.canonicalize_headers([(name, b" " + value + b"\r\n")])[0]
        octets = b"".join(each + b":" + text for each, text in policy.canonicalize_headers(fields))
        octets += own[0] + b":" + own[1].rstrip()
        return value + base64.b64encode(key.sign(octets, padding.PKCS1v15(), hashes.SHA256()))

    i = b"%d" % instance
    results = (b"ARC-Authentication-Results", b" i=" + i + b"; lists.example; spf=pass\r\n")
    value = b"i=" + i + b"; " + tail + signature_tags + b"h=" + names + b"; bh=" + body_hash + b"; b="
    chosen = select_headers(headers, [name for name in names.split(b":") if name])
    signature = (
        b"ARC-Message-Signature",
        b" " + signed(chosen, b"ARC-Message-Signature", value) + b"\r\n",
    )
    order = [b"arc-authentication-results", b"arc-message-signature", b"arc-seal"]
    earlier = [each for each in headers if each[0].lower() in order]
    earlier.sort(key=lambda each: (int(re.search(rb"i=(\d+)", each[1])[1]), order.index(each[0].lower())))
    status = b"none" if instance == 1 else b"pass"
    value = b"i=" + i + b"; a=rsa-sha256; cv=" + status + b"; d=lists.example; s=arc; t=9; b="
    value = signed([*earlier, results, signature], b"ARC-Seal", value)
    fields = [(b"ARC-Seal", b" " + value + b"\r\n"), signature, results]
    return b"".join(name + b":" + text for name, text in fields) + message


CHAINS = [seal(), seal(seal(), status="pass"), seal(seal(seal(), status="pass"), status="pass")]


async def arc(octets: bytes, resolver: ZoneResolver | None = None) -> ArcFact:
    outcome = await check_arc(resolver or zone(), Message.from_wire(octets), now=NOW)
    assert isinstance(outcome, Known)
    return outcome.value


@pytest.mark.parametrize(("document", "case"), CASES)
async def test_suite(document: dict[str, Any], case: dict[str, Any]) -> None:
    records = {name: [{"TXT": text or ""}] for name, text in document["txt-records"].items()}
    octets = re.sub("\r?\n", "\r\n", case["message"] or "").encode("utf-8", "surrogateescape")
    fact = await arc(octets, ZoneResolver(records))
    # Three cases, of a seal that says cv=fail, expect no status: the chain has ended.
    assert fact.result.value == (case["cv"] or "none").lower()
    assert fact.ended == (not case["cv"] and b"cv=fail" in octets)


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
    assert fact == ArcFact(Auth.TEMPERROR, 1, "lists.example", "newest signature: the key could not be fetched")
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


async def test_a_chain_that_a_handler_declared_broken_has_ended_and_others_are_told_that_it_failed() -> None:
    octets = seal(seal(), status="pass").replace(b"i=2; cv=pass", b"i=2; cv=fail")
    fact = await arc(octets)
    assert fact == ArcFact(Auth.NONE, 2, "lists.example", "seal 2 says that the chain is broken", ended=True)
    assert [each.result for each in method_results(arc=Known(fact))] == ["fail"]


async def test_the_clock_is_given_and_an_expired_signature_breaks_the_chain() -> None:
    octets = own_seal(signature_tags=b"x=1800000000; ")
    message = Message.from_wire(octets)
    assert (await arc(octets)).result is Auth.PASS
    outcome = await check_arc(zone(), message, now=NOW + 1)
    assert isinstance(outcome, Known)
    assert outcome.value == ArcFact(Auth.FAIL, 1, "lists.example", "the newest signature has expired")


@pytest.mark.parametrize(
    ("tags", "names"), [(b"", b"to:subject"), (b"", b""), (b"l=2; ", b"from:to"), (b"l=0; ", b"from")]
)
async def test_a_seal_over_what_anybody_may_change_passes_without_a_sealer_to_trust(tags: bytes, names: bytes) -> None:
    fact = await arc(own_seal(signature_tags=tags, names=names))
    assert (fact.result, fact.sealer) == (Auth.PASS, "")
    assert fact.reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"ARC-Seal: i=1", b"ARC-Seal: i=2"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=0"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=51"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=001"),
        (b"ARC-Seal: i=1", b"ARC-Seal: h=from; i=1"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=1; i=1"),
        (b"ARC-Seal: i=1", b"ARC-Seal: x"),
        (b"cv=none", b"cv=pass"),
        (b"cv=none", b"cv="),
        (b"a=rsa-sha256; cv", b"a=rsa-sha1; cv"),
        (b"a=rsa-sha256; cv", b"a=ed25519-sha256; cv"),
        (b"ARC-Authentication-Results: i=1;", b"ARC-Authentication-Results: "),
        (b"ARC-Authentication-Results: i=1;", b"ARC-Authentication-Results: i=x;"),
        (b"ARC-Authentication-Results: i=1;", b"X: i=1;"),
        (b"spf=pass", b"spf=fail"),
        (b"h=from", b"h=arc-seal:from"),
    ],
)
async def test_what_breaks_a_chain(old: bytes, new: bytes) -> None:
    octets = own_seal()
    assert (await arc(octets)).result is Auth.PASS
    assert old in octets
    assert (await arc(octets.replace(old, new, 1))).result is Auth.FAIL


async def test_repeated_fields_of_a_set_break_the_chain() -> None:
    octets = own_seal()
    for line in octets.split(b"\r\n")[:3]:
        assert (await arc(line + b"\r\n" + octets)).result is Auth.FAIL


@pytest.mark.parametrize("bits", [512, 768])
async def test_a_seal_with_a_short_key_does_not_pass(bits: int) -> None:
    key = short_rsa_key(bits)
    fact = await arc(own_seal(key=key), ZoneResolver({NAME: [{"TXT": record(key)}]}))
    assert (fact.result, fact.reason) == (Auth.FAIL, f"newest signature: the key has only {bits} bits")


async def test_fifty_sets_pass_and_cost_no_more_than_their_signatures() -> None:
    octets = MESSAGE
    for instance in range(1, 51):
        octets = own_seal(octets, instance=instance)
    started = time.process_time()
    assert await arc(octets) == ArcFact(Auth.PASS, 50, "lists.example")
    assert time.process_time() - started < 0.5
    assert (await arc(own_seal(octets, instance=51))).result is Auth.FAIL


@given(st.integers(0, 5000), st.binary(min_size=1, max_size=3), st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_no_change_that_dkimpy_rejects_passes(position: int, octets: bytes, sets: int) -> None:
    """Whatever is overwritten in a sealed message, ours passes only where dkimpy's verifier does."""
    sealed = CHAINS[sets - 1]
    position %= sealed.index(b"\r\n\r\n")
    changed = sealed[:position] + octets + sealed[position + len(octets) :]
    try:
        fact = asyncio.run(arc(changed))
    except BadMessage:
        return
    if fact.result is Auth.PASS:
        word, _, reason = dkimpy.arc_verify(changed, dnsfunc=lambda *_, **__: record(rsa_key()).encode())
        assert word == dkimpy.CV_Pass, reason
