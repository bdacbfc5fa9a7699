from __future__ import annotations

import asyncio
import json
import mmap
import time
from pathlib import Path

import dkim as dkimpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.authentication import dkim as subject
from gateway.checks.authentication.dkim import MAX_SIGNATURES, check_dkim
from gateway.checks.dns.answering import Answering
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth, DkimFact, DkimSignatureFact
from gateway.facts.outcome import Known
from gateway.mail.message import Message
from tests.checks.dkim_signer import DOMAIN, MESSAGE, NAME, ed25519_key, pem, record, rsa_key, sign

SUITE = Path(__file__).parents[2] / "suites" / "dkim"
CASES = json.loads((SUITE / "cases.json").read_text())
NOW = 1_700_000_000.0
SHORT_KEY = (  # 768 bits
    "p=MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAIW25uMH1L7cUUMRk+bD8zkaK48f8f1CopdV1ME6kCkxzUR+Nbi22P5ELj1DcgTlLbIiGlgA"
    "igWmxGRxWcMkyYWbgQ52bsnShmPKgo3V9LOy5LBs5gdBx6h85CyCGAcujQIDAQAB"
)


def zone(text: str | None = None) -> ZoneResolver:
    return ZoneResolver({NAME: [{"TXT": record(rsa_key()) if text is None else text}]})


async def verify(
    octets: bytes, resolver: Answering | None = None, *, now: float = NOW
) -> tuple[DkimSignatureFact, ...]:
    outcome = await check_dkim(resolver or zone(), Message.from_wire(octets), now=now)
    assert isinstance(outcome, Known)
    return outcome.value.signatures


async def result(octets: bytes, resolver: Answering | None = None, *, now: float = NOW) -> tuple[str, str]:
    (fact,) = await verify(octets, resolver, now=now)
    return fact.result.value, fact.reason


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
async def test_suite(case: dict) -> None:  # type: ignore[type-arg]
    octets = (SUITE / case["message"]).read_bytes()
    facts = await verify(octets, ZoneResolver(case["zone"]), now=case["now"] or NOW)
    words = [fact.result.value for fact in facts]
    overall = "pass" if "pass" in words else "temperror" if "temperror" in words else words[0] if words else "none"
    assert overall in case["expect"]


async def test_an_unsigned_message_has_no_signatures_and_asks_nothing() -> None:
    resolver = zone()
    assert await check_dkim(resolver, Message.from_wire(MESSAGE), now=NOW) == Known(DkimFact())
    assert resolver.asked == []


@pytest.mark.parametrize("header", ["simple", "relaxed"])
@pytest.mark.parametrize("body", ["simple", "relaxed"])
@pytest.mark.parametrize("fold", [" ", "\r\n\t", ""])
async def test_a_good_signature_passes_in_every_form(header: str, body: str, fold: str) -> None:
    assert await result(sign(c=f"{header}/{body}", fold=fold)) == ("pass", "")


async def test_a_fact_says_who_signed() -> None:
    (fact,) = await verify(sign(i="@mail.example.com", d="Example.COM"))
    assert (fact.result, fact.domain, fact.selector) == (Auth.PASS, DOMAIN, "s1")
    assert (fact.algorithm, fact.identity) == ("rsa-sha256", "@mail.example.com")
    assert len(fact.signature_start) == 8


async def test_ed25519_passes() -> None:
    assert await result(sign(key=ed25519_key()), zone(record(ed25519_key()))) == ("pass", "")


async def test_the_default_canonicalisation_is_simple() -> None:
    assert await result(sign(c=None)) == ("pass", "")
    assert await result(sign(c="relaxed")) == ("pass", "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"v": None}, "missing tag v="),
        ({"v": "2"}, "incompatible version"),
        ({"bh": None}, "missing tag bh="),
        ({"d": None}, "missing tag d="),
        ({"s": None}, "missing tag s="),
        ({"a": "rsa-md5"}, "unknown algorithm"),
        ({"h": "to:subject"}, "the From field is not signed"),
        ({"h": ""}, "h= is malformed"),
        ({"h": "from::to"}, "h= is malformed"),
        ({"h": "from:to:"}, "h= is malformed"),
        ({"i": ""}, "i= is not within d="),
        ({"i": "@com"}, "i= is not within d="),
        ({"a": "RSA-SHA256"}, "unknown algorithm"),
        ({"v": "01"}, "incompatible version"),
        ({"l": "9" * 77}, "l= is not a number"),
        ({"x": ""}, "x= is not a number"),
        ({"q": ""}, "no known query method"),
        ({"i": "bob@other.example"}, "i= is not within d="),
        ({"i": "bob@badexample.com"}, "i= is not within d="),
        ({"i": "example.com"}, "i= is not within d="),
        ({"q": "dns/other"}, "no known query method"),
        ({"l": "-1"}, "l= is not a number"),
        ({"l": "999999"}, "l= is beyond the end of the body"),
        ({"t": "soon"}, "t= is not a number"),
        ({"t": "20", "x": "20"}, "x= is not after t="),
        ({"bh": "?"}, "bh= is not Base64"),
        ({"b": "="}, "b= is not Base64"),
        ({"d": "localhost"}, "d= is not a domain"),
        ({"d": "a..b"}, "d= is not a domain"),
        ({"s": "a..b"}, "s= is not a selector"),
    ],
)
async def test_a_malformed_signature_is_a_permanent_error(changes: dict[str, str | None], reason: str) -> None:
    assert await result(sign(**changes)) == ("permerror", reason)


async def test_an_unknown_canonicalisation_is_a_permanent_error() -> None:
    assert await result(sign().replace(b"c=relaxed/relaxed", b"c=relaxed/nofws")) == (
        "permerror",
        "unknown canonicalisation",
    )


async def test_a_repeated_tag_is_a_permanent_error() -> None:
    assert await result(sign().replace(b"d=example.com", b"d=example.com; d=example.com")) == (
        "permerror",
        "repeated tag d=",
    )


async def test_several_query_methods_and_unknown_tags_are_fine() -> None:
    assert await result(sign(q="https/x:dns/txt", zz="ignored")) == ("pass", "")


async def test_rsa_sha1_never_passes() -> None:
    octets = dkimpy.sign(MESSAGE, b"s1", b"example.com", pem(rsa_key()), signature_algorithm=b"rsa-sha1") + MESSAGE
    assert dkimpy.verify(octets, dnsfunc=lambda name, timeout=5: record(rsa_key()).encode()), "it is well signed"
    assert await result(octets) == ("fail", "rsa-sha1 is no longer valid")


async def test_a_short_key_never_passes() -> None:
    assert await result(sign(), zone(SHORT_KEY)) == ("policy", "the key has only 768 bits")


async def test_an_expired_signature_fails() -> None:
    octets = sign(t="1600000000", x="1700000000")
    assert await result(octets, now=1_700_000_000) == ("pass", "")
    assert await result(octets, now=1_700_000_001) == ("fail", "the signature has expired")


async def test_a_time_beyond_all_clocks_is_never() -> None:
    """RFC 6376 section 3.5: ten to the twelfth must be read, and what is longer may count as infinite."""
    for end in ("1000000000000", "9" * 76):
        assert await result(sign(x=end)) == ("pass", "")
    assert await result(sign(x="9" * 77)) == ("permerror", "x= is not a number")
    assert await result(sign(t="1900000000")) == ("pass", ""), "a clock that is ahead is the signer's"


BODIES = (b"", b"\r\n", b"\r\n\r\n", b" \r\n", b" \t\r\n \r\n", b"x", b"x \t \r\n\r\n \r\n", b"a \t b\r\n\r\n\r\nc\r\n")
BODIES += (b"  a\r\n", b".\r\n..\r\n", b"a\x0b \r\n", b"a\xa0\r\n")
SUBJECTS = (b"a\r\n  b\r\n\t\tc", b"", b"   ", b"\r\n a", b"\ta\t\tb\t", "ü".encode())


@pytest.mark.parametrize("form", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"])
async def test_odd_bodies_and_fields_keep_their_signatures(form: str) -> None:
    for body in BODIES:
        for text in SUBJECTS:
            message = b"From: bob@example.com\r\nsUbJeCt:" + text + b"\r\n\r\n" + body
            assert await result(sign(message, c=form, h="from:subject:to:from")) == ("pass", ""), (body, text)


async def test_changed_octets_fail() -> None:
    assert await result(sign().replace(b"bye", b"Bye")) == ("fail", "the body hash did not verify")
    assert await result(sign().replace(b"Two", b"Ten")) == ("fail", "the signature did not verify")


async def test_what_is_not_signed_may_change() -> None:
    assert await result(b"X-Trace: 1\r\n" + sign()) == ("pass", "")


async def test_fields_are_taken_from_the_bottom_up() -> None:
    message = b"Subject: upper\r\n" + MESSAGE
    signed = sign(message, h="from:subject")
    assert await result(signed) == ("pass", "")
    assert await result(signed.replace(b"Subject: upper", b"Subject: other")) == ("pass", "")
    both = sign(message, h="from:subject:subject")
    assert await result(both) == ("pass", "")
    assert (await result(both.replace(b"Subject: upper", b"Subject: other")))[0] == "fail"


async def test_a_name_that_is_signed_too_often_forbids_to_add_the_field() -> None:
    octets = sign(h="from:from:reply-to")
    assert await result(octets) == ("pass", "")
    assert (await result(octets.replace(b"From:", b"Reply-To: evil@example.net\r\nFrom:")))[0] == "fail"


async def test_a_second_author_beside_the_signed_one_is_not_a_pass() -> None:
    assert await result(b"From: ceo@example.com\r\n" + sign()) == ("policy", "a From field is not signed")


async def test_a_body_that_is_signed_in_part_is_not_a_pass() -> None:
    assert await result(sign(l="14", c="simple/simple")) == ("policy", "l= leaves 11 octets of the body unsigned")
    assert await result(sign(l="0", c="simple/relaxed")) == ("policy", "l= leaves 22 octets of the body unsigned")


async def test_a_length_that_covers_the_body_passes_until_something_is_added() -> None:
    octets = sign(l="25", c="simple/simple")
    assert await result(octets) == ("pass", "")
    assert await result(octets + b"\r\n") == ("pass", "")
    assert (await result(octets + b"<h1>Buy</h1>\r\n"))[0] == "policy"


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("v=DKIM2; ", "the key record has another version"),
        ("k=rsa; v=DKIM1; ", "the key record has another version"),
        ("v=DKIM1; h=sha1; ", "the key is not for sha256"),
        ("v=DKIM1; s=tlsrpt; ", "the key is not for mail"),
        ("v=DKIM1; k=ed25519; ", "the key cannot be read"),
        ("v=DKIM1; k=dsa; ", "the key is of an unknown type"),
    ],
)
async def test_a_key_that_is_not_for_this_is_a_permanent_error(tags: str, reason: str) -> None:
    assert await result(sign(), zone(record(rsa_key(), tags))) == ("permerror", reason)


@pytest.mark.parametrize("tags", ["", "v=DKIM1; h=sha1:sha256; ", "v=DKIM1; s=*; ", "v=DKIM1; s=email:x; n=a b; t=y; "])
async def test_other_tags_of_a_key_do_no_harm(tags: str) -> None:
    assert await result(sign(), zone(record(rsa_key(), tags))) == ("pass", "")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("v=DKIM1; p=", "the key is revoked"),
        ("v=DKIM1;", "the key record holds no key"),
        ("v=DKIM1; p=AAAA", "the key cannot be read"),
        ("v=DKIM1; p=?", "the key cannot be read"),
        ("v=DKIM1; k=ed25519; p=AAAA", "the key cannot be read"),
        ("v=spf1 -all", "the key record has another version"),
        ("v=dkim1; p=AAAA", "the key record has another version"),
        ("v=DKIM1;; p=AAAA", "the key record is malformed: malformed tag list"),
        ("v=DKIM1; p=AAAA; p=AAAA", "the key record is malformed: repeated tag p="),
        ("v=DKIM1; s=; p=AAAA", "the key is not for mail"),
        ("v=DKIM1; p= ", "the key is revoked"),
        ("v=DKIM1; k=ed25519; p=" + "A" * 40, "the key cannot be read"),
        ("v=DKIM1; k=RSA; p=AAAA", "the key is of an unknown type"),
        ("all is well", "the key record is malformed: malformed tag list"),
    ],
)
async def test_a_record_without_a_key_is_a_permanent_error(text: str, reason: str) -> None:
    assert await result(sign(), zone(text)) == ("permerror", reason)


async def test_a_strict_key_wants_the_domain_itself() -> None:
    strict = zone(record(rsa_key(), "t=s; "))
    assert await result(sign(i="@example.com"), strict) == ("pass", "")
    assert await result(sign(i="@mail.example.com"), strict) == (
        "permerror",
        "i= must be d= itself for this key",
    )


async def test_a_key_of_the_other_kind_is_a_permanent_error() -> None:
    assert await result(sign(), zone(record(ed25519_key()))) == ("permerror", "the key is for another algorithm")
    assert await result(sign(a="ed25519-sha256")) == ("permerror", "the key is for another algorithm")


async def test_an_ed25519_signature_of_a_wrong_length_fails() -> None:
    octets = sign(key=ed25519_key(), b="AAAA")
    assert await result(octets, zone(record(ed25519_key()))) == ("fail", "the signature did not verify")


async def test_one_of_several_key_records_is_enough() -> None:
    both = ZoneResolver({NAME: [{"TXT": "v=DKIM1; p="}, {"TXT": record(rsa_key(1152))}, {"TXT": record(rsa_key())}]})
    assert await result(sign(), both) == ("pass", "")


async def test_no_key_and_no_answer_are_told_apart() -> None:
    assert await result(sign(), ZoneResolver({})) == ("permerror", "there is no such key")
    for marker in ("TIMEOUT", "SERVFAIL"):
        assert await result(sign(), ZoneResolver({NAME: [marker]})) == ("temperror", "the key could not be fetched")


async def test_a_key_that_is_late_does_not_spoil_the_other_signature() -> None:
    facts = await verify(
        sign(sign(), d="slow.example"), ZoneResolver({NAME: [{"TXT": record(rsa_key())}], "slow.example": ["TIMEOUT"],
                                                      "s1._domainkey.slow.example": ["TIMEOUT"]})
    )  # fmt: skip
    assert [fact.result for fact in facts] == [Auth.TEMPERROR, Auth.PASS]


async def test_every_signature_counts_up_to_the_limit() -> None:
    octets = sign()
    for n in range(MAX_SIGNATURES + 4):
        octets = sign(octets, d=f"d{n}.example")
    resolver = zone()
    facts = await verify(octets, resolver)
    assert len(facts) == MAX_SIGNATURES
    assert len(set(resolver.asked)) == MAX_SIGNATURES


async def test_a_signature_may_sign_another() -> None:
    assert [fact.result for fact in await verify(sign(sign(), h="from:dkim-signature"))] == [Auth.PASS, Auth.PASS]


async def test_a_mapped_file_gives_the_same_as_octets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    octets = sign(MESSAGE + b"more of it \r\n" * 2000, c="relaxed/relaxed")
    path = tmp_path / "spooled"
    path.write_bytes(octets)
    monkeypatch.setattr(subject, "LARGE", 1000)  # so that the way over a thread is taken
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        outcome = await check_dkim(zone(), Message.from_wire(mapped), now=NOW)
    assert isinstance(outcome, Known)
    assert [fact.result for fact in outcome.value.signatures] == [Auth.PASS]


@given(
    header=st.lists(
        st.sampled_from([b"X: a", b"X:  b \t c", b"Subject: \r\n  folded\r\n\t more ", b"To:\t"]), max_size=4
    ),
    body=st.lists(st.sampled_from([b"", b" ", b"\t\t", b"word", b"two  words ", b" .lead", b"\xff\xfe"]), max_size=8),
    form=st.sampled_from([b"simple", b"relaxed"]),
    other=st.sampled_from([b"simple", b"relaxed"]),
    flip=st.none() | st.integers(min_value=0, max_value=10_000),
)
@settings(max_examples=150, deadline=None)
def test_agrees_with_dkimpy(
    header: list[bytes], body: list[bytes], form: bytes, other: bytes, flip: int | None
) -> None:
    """What dkimpy signed passes here, and after one octet was changed nothing passes here that dkimpy refuses."""
    message = (
        b"\r\n".join([b"From: bob@example.com", *header]) + b"\r\n\r\n" + b"".join(line + b"\r\n" for line in body)
    )
    signed = dkimpy.sign(message, b"s1", b"example.com", pem(rsa_key()), canonicalize=(form, other)) + message
    if flip is not None:
        place = flip % len(signed)
        changed = bytes([signed[place] ^ 0x01])
        if changed in b"\r\n\0" or signed[place : place + 1] in b"\r\n":
            return
        signed = signed[:place] + changed + signed[place + 1 :]
    facts = asyncio.run(verify(signed, now=time.time()))
    ours = [fact.result for fact in facts] == [Auth.PASS]
    if flip is None:
        assert ours
    elif ours:
        try:
            assert dkimpy.verify(signed, dnsfunc=lambda name, timeout=5: record(rsa_key()).encode())
        except dkimpy.MessageFormatError:
            pass  # an unsigned line is no field any more: dkimpy reads no such message, we pass over the line


@given(st.binary(max_size=300), st.binary(max_size=100))
@settings(max_examples=200, deadline=None)
def test_any_field_and_any_key_give_facts(value: bytes, key: bytes) -> None:
    """Any octets as a signature and as a key give one fact that is not a pass."""
    value = value.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")
    (fact,) = asyncio.run(verify(b"DKIM-Signature: " + value + b"\r\n" + MESSAGE, zone(key.decode("latin-1"))))
    assert fact.result in (Auth.PERMERROR, Auth.FAIL, Auth.POLICY)
