from __future__ import annotations

import base64
import re
from collections.abc import Sequence

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.checks.authentication.dkim import check_dkim
from gateway.checks.dns.zone import ZoneResolver
from gateway.facts.auth import Auth, DkimSignatureFact
from gateway.facts.outcome import Known
from gateway.mail.address import Address, ReversePath
from gateway.mail.envelope import Direction, Envelope, Recipient
from gateway.mail.message import Message
from gateway.pipeline.signing import MAX_INSTANCES, Signer, author_domain, signature_fields
from gateway.pipeline.signing_key import SigningKey
from tests.checks.dkim_signer import ed25519_key, rsa_key

NOW = 1_700_000_000.0
RSA = SigningKey("example.com", "s1", rsa_key(2048))
ED25519 = SigningKey("example.com", "s1-ed25519", ed25519_key())
BOTH = (RSA, ED25519)
ZONE = ZoneResolver({key.name: [{"TXT": key.record}] for key in BOTH})
BOB = Address("bob", "example.com")
LETTER = (
    b"From: Bob <bob@example.com>\r\nTo: alice@example.org,\r\n\tcarol@example.org\r\nSubject:  Two  words\r\n"
    b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"\r\nHello  Alice, \r\n\r\nbye.\t\r\n\r\n"
)


def for_example_com(domain: str) -> Sequence[SigningKey]:
    return BOTH if domain == "example.com" or domain.endswith(".example.com") else ()


SIGNER = Signer(for_example_com)


def envelope(path: ReversePath = BOB) -> Envelope:
    return Envelope(path, (Recipient(Address("alice", "example.org")),), direction=Direction.OUTBOUND)


def submitted(octets: bytes, *, path: ReversePath = BOB, user: str = "bob@example.com", prefix: bytes = b"") -> bytes:
    fields = SIGNER.fields_for(Message.from_wire(octets), envelope(path), user=user, prefix=prefix, signed_at=NOW)
    return fields + prefix + octets


async def facts(octets: bytes) -> tuple[DkimSignatureFact, ...]:
    outcome = await check_dkim(ZONE, Message.from_wire(octets), now=NOW)
    assert isinstance(outcome, Known)
    return outcome.value.signatures


async def results(octets: bytes) -> list[tuple[str, Auth]]:
    return [(each.algorithm, each.result) for each in await facts(octets)]


def by_dkimpy(octets: bytes) -> list[bool]:
    """What dkimpy says about both signatures."""

    def records(name: bytes, timeout: int = 5) -> bytes:
        return {key.name: key.record for key in BOTH}[name.decode().rstrip(".")].encode()

    return [dkim.DKIM(octets).verify(index, dnsfunc=records) for index in range(len(BOTH))]


WHOLE = [("rsa-sha256", Auth.PASS), ("ed25519-sha256", Auth.PASS)]


async def test_both_signatures_hold_for_us_and_for_dkimpy() -> None:
    octets = submitted(LETTER)
    assert await results(octets) == WHOLE
    assert by_dkimpy(octets) == [True, True]


async def test_the_key_and_the_message_of_rfc_8463_give_its_record_and_body_hash() -> None:
    """Appendix A."""
    seed = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    key = SigningKey("football.example.com", "brisbane", Ed25519PrivateKey.from_private_bytes(seed))
    assert key.record == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    zone = ZoneResolver({key.name: [{"TXT": key.record}]})
    octets = (
        b"From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\n"
        b"Subject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
        b"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\n"
        b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    )
    fields = signature_fields(Message.from_wire(octets), [key], prefix=b"", signed_at=1528637909)
    assert b"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=" in fields
    outcome = await check_dkim(zone, Message.from_wire(fields + octets), now=NOW)
    assert isinstance(outcome, Known)
    assert [each.result for each in outcome.value.signatures] == [Auth.PASS]


@pytest.mark.parametrize(
    "name",
    ["From", "To", "Cc", "Subject", "Reply-To", "In-Reply-To", "References", "Date", "MIME-Version", "Content-Type",
     "Content-Transfer-Encoding"],
)  # fmt: skip
async def test_no_such_field_can_be_added(name: str) -> None:
    octets = f"{name}: forged\r\n".encode() + submitted(LETTER)
    assert {each.result for each in await facts(octets)} <= {Auth.FAIL, Auth.POLICY}


@pytest.mark.parametrize("name", ["Message-ID", "Received", "List-Unsubscribe", "X-Anything", "Sender"])
async def test_what_relays_and_lists_lawfully_add_does_no_harm(name: str) -> None:
    assert await results(f"{name}: <added@example.org>\r\n".encode() + submitted(LETTER)) == WHOLE


async def test_a_field_that_is_there_is_covered() -> None:
    letter = b"Message-ID: <1@example.com>\r\nList-Unsubscribe: <mailto:off@example.com>\r\n" + LETTER
    signed = submitted(letter)
    assert await results(signed) == WHOLE
    for changed in (
        signed.replace(b"<1@", b"<2@"),
        signed.replace(b"mailto:off", b"mailto:on"),
        b"Message-ID: <2@example.com>\r\n" + signed,
        signed.replace(b"bye.", b"buy."),
    ):
        assert {result for _, result in await results(changed)} == {Auth.FAIL}


async def test_a_field_that_we_put_on_top_is_covered() -> None:
    """A rule may add fields; what is signed is what is delivered."""
    prefix = b"X-Postern-Score: 1.00\r\nReply-To: desk@example.com\r\n"
    octets = submitted(LETTER, prefix=prefix)
    assert await results(octets) == WHOLE
    assert by_dkimpy(octets) == [True, True]
    assert {result for _, result in await results(octets.replace(b"desk@", b"evil@"))} == {Auth.FAIL}


def test_nobody_can_have_another_domain_vouched_for() -> None:
    """Bob of example.net, whom we serve too, may not write as example.com."""
    mallory = Address("mallory", "example.net")
    assert submitted(LETTER, path=mallory, user="mallory@example.net") == LETTER
    assert submitted(LETTER, path=None, user="mallory@example.net") == LETTER
    assert submitted(LETTER, path=None, user="bob@example.com") != LETTER, "an answering machine of ours"


@pytest.mark.parametrize(
    "author",
    [b"", b"From: \r\n", b"From: a@example.com\r\nFrom: b@example.com\r\n", b"From: a@example.com, b@example.net\r\n"],
    ids=["none", "empty", "two fields", "two domains"],
)
def test_only_one_author_domain_is_signed_for(author: bytes) -> None:
    octets = author + b"Subject: x\r\n\r\nx\r\n"
    assert author_domain(Message.from_wire(octets)) is None
    assert submitted(octets) == octets
    assert SIGNER.sign_own(octets, signed_at=NOW) == octets


async def test_the_key_of_a_domain_above_signs_for_what_is_within() -> None:
    octets = b"From: postmaster@mx.example.com\r\n\r\nx\r\n"
    signed = SIGNER.sign_own(octets, signed_at=NOW)
    assert [(each.domain, each.result) for each in await facts(signed)] == [("example.com", Auth.PASS)] * 2


def test_a_domain_without_keys_is_not_signed_for() -> None:
    octets = b"From: ann@example.net\r\n\r\nx\r\n"
    assert submitted(octets, path=Address("ann", "example.net"), user="ann@example.net") == octets


def test_a_key_of_another_domain_never_signs() -> None:
    octets = b"From: ann@example.net\r\n\r\nx\r\n"
    assert Signer(lambda _: BOTH).sign_own(octets, signed_at=NOW) == octets


async def test_hundreds_of_fields_make_no_endless_signature() -> None:
    octets = b"Cc: x@example.org\r\n" * 500 + LETTER
    signed = submitted(octets)
    names = re.search(rb"h=([^;]+);", signed)
    assert names is not None
    assert names[1].count(b"cc") == MAX_INSTANCES + 1
    assert await results(signed) == WHOLE


def test_lines_stay_short() -> None:
    assert max(map(len, submitted(LETTER)[: -len(LETTER)].split(b"\r\n"))) <= 80


LINE = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40).map(
    lambda text: text.encode("latin-1")
)
FIELD = st.tuples(st.sampled_from([b"To", b"Cc", b"subject", b"Sender", b"X-A", b"Received", b"List-ID"]), LINE)


@settings(max_examples=150)
@given(st.lists(FIELD, max_size=8), st.lists(LINE, max_size=6))
async def test_whatever_is_signed_verifies(fields: list[tuple[bytes, bytes]], lines: list[bytes]) -> None:
    head = b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    octets = submitted(b"From: bob@example.com\r\n" + head + b"\r\n" + b"".join(line + b"\r\n" for line in lines))
    assert await results(octets) == WHOLE
