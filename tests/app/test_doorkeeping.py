from __future__ import annotations

from pathlib import Path

import pytest

from gateway.app.doorkeeping import FAILURE_WINDOW, FAILURES, Inquiry, PasswordAuthentication, Recipients
from gateway.checks.zone import ZoneResolver
from gateway.clock import FixedClock
from gateway.facts.outcome import NOT_ASKED, Known
from gateway.inbound.ports import AuthFailure, Principal, Validity
from gateway.mail.address import Address
from gateway.mailbox.users import UserBase
from gateway.policy.parse import read
from gateway.policy.policy import Policy

POLICY = """\
version: 1
dnsbl:
  - {zone: list.example, weight: 2.0, answers: [127.0.0.2]}
recipients:
  - {domain: box.example, route: mailbox, validate: mailbox}
  - {domain: open.example, route: mx, validate: none}
  - {domain: few.example, route: mx, validate: static, addresses: [ann@few.example]}
  - {domain: ask.example, route: mx, validate: callahead, on_unknown: defer}
  - {domain: trust.example, route: mx, validate: callahead, on_unknown: accept}
"""


@pytest.fixture
def policy() -> Policy:
    return read({"default.yaml": POLICY})


@pytest.fixture
def users(tmp_path: Path) -> UserBase:
    base = UserBase(tmp_path / "users")
    base.add("ann@box.example", "word")
    return base


@pytest.mark.parametrize(
    ("address", "validity"),
    [
        ("ann@box.example", Validity.KNOWN), ("ANN+lists@Box.Example", Validity.KNOWN),
        ("bob@box.example", Validity.UNKNOWN), ("anybody@open.example", Validity.KNOWN),
        ("ann@few.example", Validity.KNOWN), ("bob@few.example", Validity.UNKNOWN),
        ("x@ask.example", Validity.CANNOT_TELL), ("x@trust.example", Validity.KNOWN),
    ],
)  # fmt: skip
async def test_a_recipient_is_checked_as_its_domain_wants(
    users: UserBase, policy: Policy, address: str, validity: Validity
) -> None:
    entry = policy.recipient_entry(address)
    assert entry is not None
    assert await Recipients(users, lambda: policy).validate(Address.parse(address), entry) is validity


async def test_a_domain_that_has_gone_meanwhile_knows_nobody(users: UserBase, policy: Policy) -> None:
    entry = policy.recipient_entry("ann@box.example")
    assert entry is not None
    recipients = Recipients(users, lambda: read({"default.yaml": "version: 1\n"}))
    assert await recipients.validate(Address.parse("ann@box.example"), entry) is Validity.UNKNOWN


async def test_signing_in(users: UserBase) -> None:
    door = PasswordAuthentication(users, FixedClock(0.0))
    signed_in = await door.authenticate(login="Ann@box.example", password="word", client_ip="192.0.2.1")
    assert signed_in == Principal(user="ann@box.example", addresses=frozenset({"ann@box.example"}))
    for login, password in (("ann@box.example", "Word"), ("bob@box.example", "word"), ("", "")):
        answer = await door.authenticate(login=login, password=password, client_ip="192.0.2.1")
        assert answer is AuthFailure.WRONG


async def test_guessing_is_ended_for_its_client_alone_and_for_a_while(users: UserBase) -> None:
    clock = FixedClock(1000.0)
    door = PasswordAuthentication(users, clock)

    async def sign_in(password: str, client_ip: str = "192.0.2.1") -> object:
        return await door.authenticate(login="ann@box.example", password=password, client_ip=client_ip)

    for _ in range(FAILURES):
        assert await sign_in("guess") is AuthFailure.WRONG
    assert await sign_in("word") is AuthFailure.UNAVAILABLE, "not even the right one"
    assert isinstance(await sign_in("word", "192.0.2.2"), Principal)
    clock.advance(FAILURE_WINDOW + 1)
    assert isinstance(await sign_in("word"), Principal)
    assert await sign_in("guess") is AuthFailure.WRONG


async def test_a_client_is_looked_up(policy: Policy) -> None:
    zone = ZoneResolver(
        {
            "9.2.0.192.in-addr.arpa": [{"PTR": "mx.friend.example"}],
            "mx.friend.example": [{"A": "192.0.2.9"}],
            "9.2.0.192.list.example": [{"A": "127.0.0.2"}],
        }
    )
    inquiry = Inquiry(zone, lambda: policy)
    assert await inquiry.reverse_name("192.0.2.9") == Known("mx.friend.example")
    found = await inquiry.dnsbl("192.0.2.9")
    assert isinstance(found, Known)
    assert found.value.score == 2.0
    unlisted = await inquiry.dnsbl("192.0.2.8")
    assert isinstance(unlisted, Known)
    assert unlisted.value.score == 0.0


async def test_without_block_lists_nobody_is_asked() -> None:
    zone = ZoneResolver({})
    assert await Inquiry(zone, lambda: read({"default.yaml": "version: 1\n"})).dnsbl("192.0.2.9") is NOT_ASKED
    assert zone.asked == []
